// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A compacted topic as clients see it: last values stay, deleted keys go, over a restart; group offsets do not grow for ever. */
class KeyCompactionST {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final int KEYS = 20;
    private static final TopicPartition PARTITION = new TopicPartition("compacted", 0);

    @TempDir
    Path folder;

    private FreshetProcess start() throws Exception {
        return FreshetProcess.start(
                folder.resolve("data"),
                "--override=storage.upload.interval.ms=300",
                "--override=storage.delete.grace.ms=200",
                "--override=log.cleaner.backoff.ms=200",
                "--override=offsets.topic.num.partitions=1",
                "--override=offsets.topic.segment.bytes=1048576");
    }

    @Test
    void lastValuesStayAndDeletedKeysGo() throws Exception {
        try (FreshetProcess server = start()) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic(
                    PARTITION.topic(),
                    1,
                    Map.of(
                            "cleanup.policy", "compact",
                            "segment.ms", "100",
                            "delete.retention.ms", "500",
                            "min.cleanable.dirty.ratio", "0.01"));
            for (int round = 0; round < 30; round++) {
                write(clients, round);
            }
            await("old values are gone", () -> read(clients).size() <= 2 * KEYS);
            delete(clients, 5);
            await("deleted keys are gone", () -> {
                write(clients, 99); // cleanings come with new records only
                return read(clients).stream().noneMatch(record -> record.value() == null && isKey(record, 5));
            });
            assertThat(values(clients)).isEqualTo(expected(99, 5));
            commitOften(clients);
        }
        try (FreshetProcess server = start()) {
            Clients clients = new Clients(server.bootstrap());
            assertThat(values(clients)).isEqualTo(expected(99, 5));
            write(clients, 100);
            await(
                    "the cleaned offset is known after a restart",
                    () -> read(clients).size() <= 2 * KEYS);
            assertThat(values(clients)).isEqualTo(expected(100, 5));
            readInAHole(clients);
        }
    }

    private static void write(Clients clients, int round) {
        try (KafkaProducer<byte[], byte[]> producer = clients.producer(Map.of("linger.ms", "0"))) {
            for (int key = 0; key < KEYS; key++) {
                if (round < 50 || key != 5) {
                    producer.send(new ProducerRecord<>(PARTITION.topic(), 0, bytes("k" + key), bytes("v" + round)));
                }
            }
            producer.flush();
        }
    }

    private static void delete(Clients clients, int key) {
        try (KafkaProducer<byte[], byte[]> producer = clients.producer(Map.of())) {
            producer.send(new ProducerRecord<>(PARTITION.topic(), 0, bytes("k" + key), null));
            producer.flush();
        }
    }

    /** Two thousand commits of one offset, 3 MB in all: cleaning leaves the last one, and less than 1 MiB that is not yet worth it. */
    private static void commitOften(Clients clients) throws Exception {
        try (KafkaConsumer<byte[], byte[]> consumer =
                        clients.consumer(Map.of("group.id", "often", "enable.auto.commit", "false"));
                Admin admin = clients.admin()) {
            consumer.assign(List.of(PARTITION));
            String padding = "x".repeat(1500);
            for (int i = 0; i < 2000; i++) {
                consumer.commitSync(Map.of(PARTITION, new OffsetAndMetadata(i, padding)));
            }
            await("__consumer_offsets shrinks", () -> offsetsBytes(admin) < 2_000_000);
            assertThat(consumer.committed(java.util.Set.of(PARTITION))
                            .get(PARTITION)
                            .offset())
                    .isEqualTo(1999);
        }
    }

    private static long offsetsBytes(Admin admin) throws Exception {
        long sum = 0;
        for (Map<String, LogDirDescription> broker :
                admin.describeLogDirs(List.of(1)).allDescriptions().get().values()) {
            for (LogDirDescription directory : broker.values()) {
                for (var replica : directory.replicaInfos().entrySet()) {
                    sum += replica.getKey().topic().equals("__consumer_offsets")
                            ? replica.getValue().size()
                            : 0;
                }
            }
        }
        return sum;
    }

    private static void readInAHole(Clients clients) {
        List<ConsumerRecord<byte[], byte[]>> all = read(clients);
        assertThat(all.get(0).offset()).as("offsets at the front are gone").isGreaterThan(10);
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of())) {
            consumer.assign(List.of(PARTITION));
            consumer.seek(PARTITION, all.get(0).offset() - 5);
            List<ConsumerRecord<byte[], byte[]>> first = List.of();
            long untilNanos = System.nanoTime() + LIMIT.toNanos();
            while (first.isEmpty() && System.nanoTime() < untilNanos) {
                first = consumer.poll(Duration.ofMillis(200)).records(PARTITION);
            }
            assertThat(first.get(0).offset()).isEqualTo(all.get(0).offset());
        }
    }

    private static boolean isKey(ConsumerRecord<byte[], byte[]> record, int key) {
        return new String(record.key(), StandardCharsets.UTF_8).equals("k" + key);
    }

    /** All records from the log start to the end as of now. */
    private static List<ConsumerRecord<byte[], byte[]>> read(Clients clients) {
        List<ConsumerRecord<byte[], byte[]>> records = new java.util.ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of())) {
            consumer.assign(List.of(PARTITION));
            long end = consumer.endOffsets(List.of(PARTITION)).get(PARTITION);
            consumer.seekToBeginning(List.of(PARTITION));
            long untilNanos = System.nanoTime() + LIMIT.toNanos();
            while (consumer.position(PARTITION) < end && System.nanoTime() < untilNanos) {
                records.addAll(consumer.poll(Duration.ofMillis(200)).records(PARTITION));
            }
        }
        return records;
    }

    private static Map<String, String> values(Clients clients) {
        Map<String, String> values = new TreeMap<>();
        for (ConsumerRecord<byte[], byte[]> record : read(clients)) {
            String key = new String(record.key(), StandardCharsets.UTF_8);
            if (record.value() == null) {
                values.remove(key);
            } else {
                values.put(key, new String(record.value(), StandardCharsets.UTF_8));
            }
        }
        return values;
    }

    private static Map<String, String> expected(int round, int deletedKey) {
        Map<String, String> values = new TreeMap<>();
        for (int key = 0; key < KEYS; key++) {
            values.put("k" + key, "v" + round);
        }
        values.remove("k" + deletedKey);
        return values;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void await(String what, java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await(what)
                .atMost(LIMIT)
                .pollInterval(Duration.ofMillis(300))
                .until(condition);
    }
}
