// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.server.WalDevices;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The block WAL's device fails under load and works again. Seed: {@code -Dfreshet.seed}.
 */
@Timeout(120)
class BlockWalFaultIT {
    private static final int PARTITIONS = 3;

    private final long seed = Long.getLong("freshet.seed", 20260717);

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(
            value = FaultyDevices.Fault.class,
            names = {"REFUSED", "TORN", "FLUSH_FAILED", "FULL"})
    void theLaneComesBackAndNothingAcknowledgedIsLost(FaultyDevices.Fault fault) throws Exception {
        FaultyDevices devices = new FaultyDevices();
        int port = FreshetProcess.freePort();
        DurableWriters writers;
        try (SmallServer server = SmallServer.start(folder.resolve("data"), port, devices, Map.of())) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic("survivors", PARTITIONS, Map.of());
            writers = DurableWriters.start(clients, DurableWriters.partitionsOf("survivors", PARTITIONS), 3, seed);
            int rounds = fault == FaultyDevices.Fault.TORN ? 2 : 1;
            for (int round = 0; round < rounds; round++) {
                writers.awaitProgress();
                failAWhile(server, devices, fault, clients);
                long end = System.nanoTime();
                devices.set(FaultyDevices.Fault.NONE);
                writers.awaitProgress();
                assertThat(Duration.ofNanos(System.nanoTime() - end))
                        .as("time to new acknowledgements")
                        .isLessThan(Duration.ofSeconds(10));
                await().atMost(Duration.ofSeconds(20)).until(() -> server.status("/readyz") == 200);
            }
        }
        try (SmallServer again =
                SmallServer.start(folder.resolve("data"), port, WalDevices.ofThisMachine(), Map.of())) {
            writers.awaitProgress();
            writers.finishAndVerify();
            assertThat(again.hasGivenUp()).isFalse();
        }
    }

    /** The fault is on until the lane has met it, and was tried again in vain. */
    private void failAWhile(SmallServer server, FaultyDevices devices, FaultyDevices.Fault fault, Clients clients)
            throws Exception {
        long before = devices.failures();
        devices.set(fault);
        await().atMost(Duration.ofSeconds(30)).until(() -> devices.failures() >= before + 3);
        assertThat(server.hasGivenUp()).isFalse();
        assertThat(server.status("/livez")).isEqualTo(200);
        assertThat(server.text("/readyz")).contains("WAL lane block has failed");
        assertRefusesRetriably(clients);
        assertServesReads(clients);
    }

    private static void assertRefusesRetriably(Clients clients) {
        try (KafkaProducer<byte[], byte[]> once =
                clients.producer(Map.of("enable.idempotence", "false", "retries", "0"))) {
            assertThatThrownBy(() -> once.send(new ProducerRecord<>("survivors", 0, null, new byte[20]))
                            .get())
                    .hasCauseInstanceOf(RetriableException.class);
        }
    }

    private static void assertServesReads(Clients clients) {
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of())) {
            TopicPartition partition = new TopicPartition("survivors", 1);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> !consumer.poll(Duration.ofMillis(100)).isEmpty());
        }
    }

    @Test
    void aFaultThatOutlivesTheServerIsRecoveredFromByTheNextStart() throws Exception {
        FaultyDevices devices = new FaultyDevices();
        int port = FreshetProcess.freePort();
        DurableWriters writers;
        try (SmallServer server = SmallServer.start(folder.resolve("data"), port, devices, Map.of())) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic("survivors", PARTITIONS, Map.of());
            writers = DurableWriters.start(clients, DurableWriters.partitionsOf("survivors", PARTITIONS), 3, seed);
            writers.awaitProgress();
            devices.set(FaultyDevices.Fault.FLUSH_FAILED);
            await().until(() -> devices.failures() > 0);
        }
        try (SmallServer again =
                SmallServer.start(folder.resolve("data"), port, WalDevices.ofThisMachine(), Map.of())) {
            assertThat(again.hasGivenUp()).isFalse();
            writers.awaitProgress();
            writers.finishAndVerify();
        }
    }
}
