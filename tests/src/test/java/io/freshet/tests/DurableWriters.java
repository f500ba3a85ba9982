// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
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

/**
 * Idempotent producers that never stop trying, and the proof of what they were told: what was acknowledged is read back once,
 * in order, byte for byte; what was not is read at most once. Used by one thread.
 */
final class DurableWriters {
    private static final int LEAST_BYTES = 20;

    private final Clients clients;
    private final List<TopicPartition> partitions;
    private final List<Writer> writers = new ArrayList<>();
    private final FirstAcknowledgements seen;

    /** Starts {@code count} producers that write to random ones of {@code partitions}. */
    static DurableWriters start(Clients clients, List<TopicPartition> partitions, int count, long seed) {
        return start(clients, partitions, count, seed, Duration.ofNanos(100_000));
    }

    /** The same, with a pause after each record: what is written is kept in memory, and read back into it. */
    static DurableWriters start(
            Clients clients, List<TopicPartition> partitions, int count, long seed, Duration pause) {
        DurableWriters all = new DurableWriters(clients, partitions);
        for (int i = 0; i < count; i++) {
            all.writers.add(new Writer(i, clients, all.partitions, seed + i, all.seen, pause));
        }
        all.writers.forEach(Writer::start);
        return all;
    }

    private DurableWriters(Clients clients, List<TopicPartition> partitions) {
        this.clients = clients;
        this.partitions = List.copyOf(partitions);
        this.seen = new FirstAcknowledgements(
                partitions.stream().mapToInt(TopicPartition::partition).max().orElse(0) + 1);
    }

    /** When which partition (all must be of one topic) has answered its writers. */
    FirstAcknowledgements acknowledgements() {
        return seen;
    }

    /** A value that others may write to the same partitions; it is not verified. */
    static byte[] unnamedValue() {
        return new byte[1];
    }

    /** The first {@code count} partitions of a topic. */
    static List<TopicPartition> partitionsOf(String topic, int count) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            partitions.add(new TopicPartition(topic, i));
        }
        return partitions;
    }

    /** Each writer has been acknowledged something new since the call began. */
    void awaitProgress() {
        for (Writer writer : writers) {
            long before = writer.acknowledgedCount.get();
            Awaitility.await("writer " + writer.id + " is acknowledged again")
                    .atMost(Duration.ofSeconds(90))
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> writer.acknowledgedCount.get() > before + 10);
        }
    }

    /** Ends the producers, reads everything back and checks it. */
    void finishAndVerify() throws InterruptedException {
        finish();
        verify(readAll());
    }

    /** Ends the producers. */
    void finish() throws InterruptedException {
        writers.forEach(writer -> writer.running.set(false));
        for (Writer writer : writers) {
            writer.finish();
        }
    }

    private Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> readAll() {
        Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> read = new HashMap<>();
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of("check.crcs", "true"))) {
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

    private void verify(Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> read) {
        Map<Long, Location> found = new HashMap<>();
        read.forEach((partition, records) -> verifyPartition(partition, records, found));
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

    private void verifyPartition(
            TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records, Map<Long, Location> found) {
        Map<Integer, Long> lastSequence = new HashMap<>();
        long expectedOffset = 0;
        for (ConsumerRecord<byte[], byte[]> record : records) {
            assertThat(record.offset()).as("offsets are dense in %s", partition).isEqualTo(expectedOffset++);
            if (record.value().length < LEAST_BYTES) {
                continue;
            }
            long name = Writer.nameOf(record.value());
            int writer = (int) (name >>> 48);
            long sequence = name & 0xFFFF_FFFF_FFFFL;
            assertThat(found.put(name, new Location(partition, record.offset())))
                    .as("record %d of writer %d appears once", sequence, writer)
                    .isNull();
            Long last = lastSequence.put(writer, sequence);
            assertThat(sequence)
                    .as("order of writer %d in %s", writer, partition)
                    .isGreaterThan(last == null ? -1 : last);
        }
    }

    private record Location(TopicPartition partition, long offset) {}

    /** One producer. Records carry their name and a checksum over random bytes. */
    private static final class Writer {
        private final int id;
        private final Map<Long, Location> acknowledged = new ConcurrentHashMap<>();
        private final AtomicLong acknowledgedCount = new AtomicLong();
        private final AtomicBoolean running = new AtomicBoolean(true);
        private final KafkaProducer<byte[], byte[]> producer;
        private final List<TopicPartition> partitions;
        private final Random random;
        private final Thread thread;
        private final FirstAcknowledgements seen;
        private final long pauseNanos;

        Writer(
                int id,
                Clients clients,
                List<TopicPartition> partitions,
                long seed,
                FirstAcknowledgements seen,
                Duration pause) {
            this.pauseNanos = pause.toNanos();
            this.seen = seen;
            this.id = id;
            this.partitions = partitions;
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
                byte[] value = new byte[LEAST_BYTES + random.nextInt(2000)];
                random.nextBytes(value);
                ByteBuffer buffer = ByteBuffer.wrap(value).putLong(0, name);
                buffer.putInt(value.length - 4, checksum(value));
                TopicPartition partition = partitions.get(random.nextInt(partitions.size()));
                producer.send(
                        new ProducerRecord<>(partition.topic(), partition.partition(), null, value),
                        (metadata, error) -> {
                            if (error == null) {
                                acknowledged.put(name, new Location(partition, metadata.offset()));
                                acknowledgedCount.incrementAndGet();
                                seen.acknowledged(partition.partition());
                            }
                        });
                LockSupport.parkNanos(pauseNanos);
            }
        }

        void finish() throws InterruptedException {
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
