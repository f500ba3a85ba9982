// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Kafka's own Java client, as applications use it, against the packaged server. */
class JavaClientST {
    @TempDir
    static Path folder;

    private static FreshetProcess server;
    private static Clients clients;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        server = FreshetProcess.start(
                folder.resolve("data"),
                "--override=storage.upload.interval.ms=500",
                "--override=log.retention.check.interval.ms=500",
                "--override=storage.delete.grace.ms=100");
        clients = new Clients(server.bootstrap());
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            server.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "gzip", "snappy", "lz4", "zstd"})
    void everyCodecComesBackAsSent(String codec) throws Exception {
        String topic = "codec-" + codec;
        clients.createTopic(topic, 3, Map.of());
        produce(topic, 3000, Map.of("compression.type", codec, "linger.ms", "5"));
        Set<String> values = new HashSet<>();
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of())) {
            assignAll(consumer, topic, 3);
            while (values.size() < 3000) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(10))) {
                    assertThat(record.headers().lastHeader("h").value()).isEqualTo(record.key());
                    assertThat(values.add(text(record.value()))).isTrue();
                }
            }
        }
        assertThat(values).contains("value-0", "value-2999");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "1", "all"})
    void everyAcknowledgementLevelWorks(String acks) throws Exception {
        String topic = "acks-" + acks;
        clients.createTopic(topic, 1, Map.of("min.insync.replicas", "2"));
        produce(topic, 500, Map.of("acks", acks, "enable.idempotence", "false"));
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of())) {
            assignAll(consumer, topic, 1);
            int seen = 0;
            while (seen < 500) {
                seen += consumer.poll(Duration.ofSeconds(10)).count();
            }
            assertThat(seen).isEqualTo(500);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"classic", "consumer"})
    void groupsShareRebalanceAndCommit(String protocol) throws Exception {
        String topic = "group-" + protocol;
        String group = "readers-" + protocol;
        clients.createTopic(topic, 4, Map.of());
        produce(topic, 1000, Map.of());
        Set<String> values = new HashSet<>();
        try (KafkaConsumer<byte[], byte[]> first = member(group, protocol);
                KafkaConsumer<byte[], byte[]> second = member(group, protocol)) {
            first.subscribe(List.of(topic));
            pollUntil(values, () -> first.assignment().size() == 4, first);
            second.subscribe(List.of(topic));
            pollUntil(
                    values,
                    () -> first.assignment().size() == 2 && second.assignment().size() == 2,
                    first,
                    second);
            Set<TopicPartition> both = new HashSet<>(first.assignment());
            both.addAll(second.assignment());
            assertThat(both).hasSize(4);
            // a rebalance may have sent a member back to the last commit
            pollUntil(
                    values, () -> values.size() == 1000 && positions(first) + positions(second) == 1000, first, second);
            first.commitSync();
            second.commitSync();
        }
        try (Admin admin = clients.admin()) {
            Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets(group)
                    .partitionsToOffsetAndMetadata()
                    .get();
            assertThat(committed.values().stream()
                            .mapToLong(OffsetAndMetadata::offset)
                            .sum())
                    .isEqualTo(1000);
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> admin.describeConsumerGroups(List.of(group))
                                    .describedGroups()
                                    .get(group)
                                    .get()
                                    .groupState()
                            == GroupState.EMPTY);
            admin.deleteConsumerGroups(List.of(group)).all().get();
        }
    }

    @Test
    void offsetsAreFoundByTimeAndBySpecialNames() throws Exception {
        clients.createTopic("times", 1, Map.of());
        TopicPartition partition = new TopicPartition("times", 0);
        try (KafkaProducer<byte[], byte[]> producer = clients.producer(Map.of())) {
            for (long timestamp : new long[] {1_000, 5_000, 3_000, 4_000}) {
                producer.send(new ProducerRecord<>("times", 0, timestamp, null, bytes("v")))
                        .get();
            }
        }
        try (Admin admin = clients.admin()) {
            assertThat(offset(admin, partition, OffsetSpec.earliest()).offset()).isZero();
            assertThat(offset(admin, partition, OffsetSpec.latest()).offset()).isEqualTo(4);
            assertThat(offset(admin, partition, OffsetSpec.maxTimestamp()).offset())
                    .isEqualTo(1);
            assertThat(offset(admin, partition, OffsetSpec.maxTimestamp()).timestamp())
                    .isEqualTo(5_000);
            assertThat(offset(admin, partition, OffsetSpec.forTimestamp(1_001)).offset())
                    .isEqualTo(1);
            assertThat(offset(admin, partition, OffsetSpec.forTimestamp(5_001)).offset())
                    .isEqualTo(-1);
            assertThat(offset(admin, partition, OffsetSpec.earliestLocal()).offset())
                    .isGreaterThanOrEqualTo(0);
        }
    }

    @Test
    void deletedRecordsAreGone() throws Exception {
        clients.createTopic("trimmed", 1, Map.of());
        TopicPartition partition = new TopicPartition("trimmed", 0);
        produce("trimmed", 100, Map.of());
        try (Admin admin = clients.admin();
                KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of("auto.offset.reset", "none"))) {
            assertThat(admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(60)))
                            .lowWatermarks()
                            .get(partition)
                            .get()
                            .lowWatermark())
                    .isEqualTo(60);
            assertThat(offset(admin, partition, OffsetSpec.earliest()).offset()).isEqualTo(60);
            consumer.assign(List.of(partition));
            consumer.seek(partition, 10);
            assertThatThrownBy(() -> consumer.poll(Duration.ofSeconds(10)))
                    .isInstanceOf(org.apache.kafka.clients.consumer.OffsetOutOfRangeException.class);
            consumer.seek(partition, 60);
            assertThat(consumer.poll(Duration.ofSeconds(10)).iterator().next().offset())
                    .isEqualTo(60);
        }
    }

    @Test
    void retentionDeletesOldRecords() throws Exception {
        clients.createTopic("short-lived", 1, Map.of("retention.ms", "1000"));
        TopicPartition partition = new TopicPartition("short-lived", 0);
        produce("short-lived", 100, Map.of());
        try (Admin admin = clients.admin()) {
            Awaitility.await("retention moves the start")
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> offset(admin, partition, OffsetSpec.earliest()).offset() == 100);
        }
    }

    @Test
    void topicsAndConfigsAreAdministered() throws Exception {
        try (Admin admin = clients.admin()) {
            NewTopic topic = new NewTopic("managed", 2, (short) 3).configs(Map.of("retention.ms", "123456"));
            admin.createTopics(List.of(topic)).all().get();
            assertFailsWith(
                    TopicExistsException.class,
                    admin.createTopics(List.of(topic)).all());
            assertFailsWith(
                    InvalidConfigurationException.class,
                    admin.createTopics(List.of(new NewTopic("bad", 1, (short) 1).configs(Map.of("retention.ms", "x"))))
                            .all());
            admin.createPartitions(Map.of("managed", NewPartitions.increaseTo(5)))
                    .all()
                    .get();
            assertThat(admin.describeTopics(List.of("managed"))
                            .allTopicNames()
                            .get()
                            .get("managed")
                            .partitions())
                    .hasSize(5)
                    .allSatisfy(partition -> assertThat(partition.leader()).isNotNull());
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, "managed");
            admin.incrementalAlterConfigs(Map.of(
                            resource,
                            List.of(
                                    new AlterConfigOp(
                                            new ConfigEntry("max.message.bytes", "2000"), AlterConfigOp.OpType.SET),
                                    new AlterConfigOp(
                                            new ConfigEntry("retention.ms", ""), AlterConfigOp.OpType.DELETE))))
                    .all()
                    .get();
            var config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            assertThat(config.get("max.message.bytes").value()).isEqualTo("2000");
            assertThat(config.get("retention.ms").value()).isEqualTo("604800000");
            try (KafkaProducer<byte[], byte[]> producer = clients.producer(Map.of())) {
                assertFailsWith(
                        RecordTooLargeException.class,
                        producer.send(new ProducerRecord<>("managed", 0, null, new byte[5000])));
            }
            admin.deleteTopics(List.of("managed")).all().get();
            assertFailsWith(
                    UnknownTopicOrPartitionException.class,
                    admin.describeTopics(List.of("managed")).allTopicNames());
            assertThat(admin.describeCluster().nodes().get()).hasSize(1);
        }
    }

    @Test
    void topicsAreCreatedOnFirstUse(TestInfo test) throws Exception {
        produce("made-on-first-use", 10, Map.of());
        try (Admin admin = clients.admin()) {
            assertThat(admin.listTopics().names().get()).contains("made-on-first-use");
        }
        assertThat(test.getDisplayName()).isNotEmpty();
    }

    @Test
    void logAppendTimeIsTheBrokersTime() throws Exception {
        clients.createTopic("stamped", 1, Map.of("message.timestamp.type", "LogAppendTime"));
        long before = System.currentTimeMillis();
        try (KafkaProducer<byte[], byte[]> producer = clients.producer(Map.of())) {
            RecordMetadata metadata = producer.send(new ProducerRecord<>("stamped", 0, 1L, null, bytes("v")))
                    .get();
            assertThat(metadata.timestamp()).isBetween(before - 1, System.currentTimeMillis() + 1);
        }
    }

    @Test
    void everythingIsThereAfterAStop() throws Exception {
        clients.createTopic("kept", 2, Map.of());
        produce("kept", 200, Map.of());
        assertThat(server.stop()).isIn(0, 143);
        server.start();
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of())) {
            assignAll(consumer, "kept", 2);
            int seen = 0;
            while (seen < 200) {
                seen += consumer.poll(Duration.ofSeconds(10)).count();
            }
            assertThat(seen).isEqualTo(200);
        }
    }

    private static void produce(String topic, int count, Map<String, String> settings) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = clients.producer(settings)) {
            Future<RecordMetadata> last = null;
            for (int i = 0; i < count; i++) {
                ProducerRecord<byte[], byte[]> record =
                        new ProducerRecord<>(topic, bytes("key-" + i), bytes("value-" + i));
                record.headers().add("h", record.key());
                last = producer.send(record);
            }
            producer.flush();
            if (last != null) {
                last.get();
            }
        }
    }

    private static KafkaConsumer<byte[], byte[]> member(String group, String protocol) {
        return clients.consumer(Map.of("group.id", group, "group.protocol", protocol));
    }

    @SafeVarargs
    private static void pollUntil(
            Set<String> values,
            java.util.concurrent.Callable<Boolean> condition,
            KafkaConsumer<byte[], byte[]>... consumers) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(1))
                .until(() -> {
                    for (KafkaConsumer<byte[], byte[]> consumer : consumers) {
                        consumer.poll(Duration.ofMillis(100)).forEach(record -> values.add(text(record.value())));
                    }
                    return condition.call();
                });
    }

    private static long positions(KafkaConsumer<byte[], byte[]> consumer) {
        return consumer.assignment().stream().mapToLong(consumer::position).sum();
    }

    private static void assignAll(KafkaConsumer<byte[], byte[]> consumer, String topic, int partitions) {
        List<TopicPartition> all = IntStream.range(0, partitions)
                .mapToObj(i -> new TopicPartition(topic, i))
                .toList();
        consumer.assign(all);
        consumer.seekToBeginning(all);
    }

    private static ListOffsetsResultInfo offset(Admin admin, TopicPartition partition, OffsetSpec spec)
            throws ExecutionException, InterruptedException {
        return admin.listOffsets(Map.of(partition, spec))
                .partitionResult(partition)
                .get();
    }

    private static void assertFailsWith(Class<? extends Throwable> type, Future<?> future) {
        assertThatThrownBy(future::get).hasCauseInstanceOf(type);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
