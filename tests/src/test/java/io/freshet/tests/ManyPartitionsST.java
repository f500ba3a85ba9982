// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A thousand partitions on one broker: created, written, and back after a restart, each within ten seconds. */
class ManyPartitionsST {
    private static final int PARTITIONS = 1000;
    private static final long LIMIT_MS = 10_000;

    @TempDir
    Path folder;

    @Test
    void aThousandPartitions() throws Exception {
        try (FreshetProcess server = FreshetProcess.start(folder.resolve("data"))) {
            Clients clients = new Clients(server.bootstrap());
            long begin = System.nanoTime();
            clients.createTopic("wide", PARTITIONS, Map.of());
            long createMs = millisSince(begin);

            begin = System.nanoTime();
            produceToAll(clients);
            long produceMs = millisSince(begin);

            server.kill9();
            server.start();
            long crashRestartMs = server.readyMs();
            assertAllThere(clients, 1);

            produceToAll(clients);
            assertThat(server.stop()).isIn(0, 143);
            server.start();
            long restartMs = server.readyMs();
            assertAllThere(clients, 2);

            System.out.printf(
                    "%d partitions: create %d ms, produce to all %d ms, ready after kill -9 %d ms, after stop %d ms%n",
                    PARTITIONS, createMs, produceMs, crashRestartMs, restartMs);
            assertThat(createMs).isLessThan(LIMIT_MS);
            assertThat(crashRestartMs).isLessThan(LIMIT_MS);
            assertThat(restartMs).isLessThan(LIMIT_MS);
        }
    }

    private static void produceToAll(Clients clients) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = clients.producer(Map.of())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < PARTITIONS; i++) {
                sent.add(producer.send(new ProducerRecord<>("wide", i, null, new byte[] {(byte) i})));
            }
            for (Future<RecordMetadata> one : sent) {
                one.get();
            }
        }
    }

    private static void assertAllThere(Clients clients, int perPartition) {
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of())) {
            List<TopicPartition> all = IntStream.range(0, PARTITIONS)
                    .mapToObj(i -> new TopicPartition("wide", i))
                    .toList();
            assertThat(consumer.endOffsets(all).values()).containsOnly((long) perPartition);
            consumer.assign(all);
            consumer.seekToBeginning(all);
            int seen = 0;
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (seen < PARTITIONS * perPartition && System.nanoTime() < deadline) {
                for (var record : consumer.poll(Duration.ofSeconds(5))) {
                    assertThat(record.value()).containsExactly((byte) record.partition());
                    seen++;
                }
            }
            assertThat(seen).isEqualTo(PARTITIONS * perPartition);
        }
    }

    private static long millisSince(long beginNanos) {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beginNanos);
    }
}
