// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32C;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The server is killed again and again under load. What was acknowledged is read back once, in order, byte for byte; what
 * was not is read at most once. Rounds: {@code -Dfreshet.kill.rounds} (5); seed: {@code -Dfreshet.seed}.
 */
class KillNineST {
    private static final int PARTITIONS = 4;
    private static final int PRODUCERS = 3;
    private static final String TOPIC = "survivors";

    @TempDir
    Path folder;

    @Test
    void acknowledgedRecordsSurviveKillNine() throws Exception {
        int rounds = Integer.getInteger("freshet.kill.rounds", 5);
        long seed = Long.getLong("freshet.seed", System.nanoTime());
        System.out.println("kill -9, " + rounds + " rounds, seed " + seed);
        Random random = new Random(seed);
        List<Writer> writers = new ArrayList<>();
        try (FreshetProcess server = FreshetProcess.start(
                folder.resolve("data"),
                "--override=storage.upload.bytes=8388608",
                "--override=storage.upload.interval.ms=1000")) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic(TOPIC, PARTITIONS, Map.of());
            for (int i = 0; i < PRODUCERS; i++) {
                writers.add(new Writer(i, clients, seed + i));
            }
            writers.forEach(Writer::start);
            for (int round = 0; round < rounds; round++) {
                awaitProgress(writers);
                LockSupport.parkNanos(Duration.ofMillis(random.nextInt(2500)).toNanos());
                server.kill9();
                server.start();
                System.out.println("round " + round + ": ready again after " + server.readyMs() + " ms");
            }
            awaitProgress(writers);
            for (Writer writer : writers) {
                writer.finish();
            }
            verify(readAll(clients), writers);
            assertThat(server.stop()).isIn(0, 143);
        }
    }

    /** Each writer has been acknowledged something new since the call began. */
    private static void awaitProgress(List<Writer> writers) {
        for (Writer writer : writers) {
            long before = writer.acknowledgedCount.get();
            Awaitility.await("writer " + writer.id + " is acknowledged again")
                    .atMost(Duration.ofSeconds(90))
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> writer.acknowledgedCount.get() > before + 10);
        }
    }

    private static Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> readAll(Clients clients) {
        Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> read = new HashMap<>();
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of("check.crcs", "true"))) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (int i = 0; i < PARTITIONS; i++) {
                partitions.add(new TopicPartition(TOPIC, i));
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                consumer.poll(Duration.ofSeconds(5))
                        .forEach(record -> read.computeIfAbsent(
                                        new TopicPartition(record.topic(), record.partition()),
                                        key -> new ArrayList<>())
                                .add(record));
            }
        }
        return read;
    }

    private static void verify(Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> read, List<Writer> writers) {
        Map<Long, Location> found = new HashMap<>();
        long[][] lastSequence = new long[PRODUCERS][PARTITIONS];
        for (long[] row : lastSequence) {
            Arrays.fill(row, -1);
        }
        read.forEach((partition, records) -> {
            long expectedOffset = 0;
            for (ConsumerRecord<byte[], byte[]> record : records) {
                assertThat(record.offset())
                        .as("offsets are dense in %s", partition)
                        .isEqualTo(expectedOffset++);
                long name = Writer.nameOf(record.value());
                int writer = (int) (name >>> 48);
                long sequence = name & 0xFFFF_FFFF_FFFFL;
                assertThat(found.put(name, new Location(record.partition(), record.offset())))
                        .as("record %d of writer %d appears once", sequence, writer)
                        .isNull();
                assertThat(sequence)
                        .as("order of writer %d in %s", writer, partition)
                        .isGreaterThan(lastSequence[writer][record.partition()]);
                lastSequence[writer][record.partition()] = sequence;
            }
        });
        long acknowledged = 0;
        for (Writer writer : writers) {
            for (Map.Entry<Long, Location> entry : writer.acknowledged.entrySet()) {
                assertThat(found.get(entry.getKey()))
                        .as("acknowledged record %d of writer %d", entry.getKey() & 0xFFFF_FFFF_FFFFL, writer.id)
                        .isEqualTo(entry.getValue());
            }
            acknowledged += writer.acknowledged.size();
        }
        assertThat(acknowledged).isGreaterThan(0);
        System.out.println(acknowledged + " records acknowledged, all read back once, in order; " + found.size()
                + " records in the log");
    }

    private record Location(int partition, long offset) {}

    /** One idempotent producer that never stops trying. Records carry their name and a checksum over random bytes. */
    private static final class Writer {
        final int id;
        final Map<Long, Location> acknowledged = new ConcurrentHashMap<>();
        final AtomicLong acknowledgedCount = new AtomicLong();
        private final AtomicBoolean running = new AtomicBoolean(true);
        private final KafkaProducer<byte[], byte[]> producer;
        private final Random random;
        private final Thread thread;

        Writer(int id, Clients clients, long seed) {
            this.id = id;
            this.random = new Random(seed);
            this.producer = clients.producer(Map.of(
                    "enable.idempotence", "true",
                    "delivery.timeout.ms", "300000",
                    "request.timeout.ms", "5000",
                    "reconnect.backoff.max.ms", "200",
                    "max.block.ms", "300000",
                    "linger.ms", Integer.toString(id),
                    "buffer.memory", "4194304"));
            this.thread = new Thread(this::run, "writer-" + id);
        }

        void start() {
            thread.start();
        }

        private void run() {
            for (long sequence = 0; running.get(); sequence++) {
                long name = ((long) id << 48) | sequence;
                byte[] value = new byte[20 + random.nextInt(2000)];
                random.nextBytes(value);
                ByteBuffer buffer = ByteBuffer.wrap(value).putLong(0, name);
                buffer.putInt(value.length - 4, checksum(value));
                int partition = random.nextInt(PARTITIONS);
                producer.send(new ProducerRecord<>(TOPIC, partition, null, value), (metadata, error) -> {
                    if (error == null) {
                        acknowledged.put(name, new Location(metadata.partition(), metadata.offset()));
                        acknowledgedCount.incrementAndGet();
                    }
                });
                LockSupport.parkNanos(100_000);
            }
        }

        void finish() throws InterruptedException {
            running.set(false);
            thread.join();
            producer.flush();
            producer.close();
        }

        /** The name in {@code value}, after its checksum has been found right. */
        static long nameOf(byte[] value) {
            assertThat(ByteBuffer.wrap(value).getInt(value.length - 4)).isEqualTo(checksum(value));
            return ByteBuffer.wrap(value).getLong(0);
        }

        private static int checksum(byte[] value) {
            CRC32C crc = new CRC32C();
            crc.update(value, 0, value.length - 4);
            return (int) crc.getValue();
        }
    }
}
