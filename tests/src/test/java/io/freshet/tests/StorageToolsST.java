// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code freshet storage} against real servers: looking, verifying, and getting all topics back from the bucket alone. */
class StorageToolsST {
    private static final List<TopicPartition> PARTITIONS =
            List.of(new TopicPartition("orders", 0), new TopicPartition("orders", 1), new TopicPartition("events", 0));
    private static final int RECORDS = 3000;

    private final ObjectMapper json = new ObjectMapper();

    @TempDir
    Path folder;

    @Test
    void topicsComeBackFromAFolderOfObjects() throws Exception {
        String bucket = folder.resolve("bucket").toUri().toString();
        loseTheQuorumAndRebuild(Map.of(), bucket);
    }

    @Test
    void topicsComeBackFromS3() throws Exception {
        try (S3Server s3 = S3Server.start(folder.resolve("s3"), "tools")) {
            loseTheQuorumAndRebuild(s3.credentials(), s3.uri("tools"));
        }
    }

    @Test
    void recordsThatOnlyTheS3WalHoldsComeBack() throws Exception {
        String bucket = folder.resolve("bucket").toUri().toString();
        Path data = folder.resolve("data");
        String[] options = {
            "--bucket",
            bucket,
            "--wal",
            "s3",
            "--override",
            "metadata.mirror=off",
            "--override",
            "storage.upload.interval.ms=600000"
        };
        List<String> before;
        try (FreshetProcess server = FreshetProcess.start(data, options)) {
            createTopics(server);
            produce(server, 0);
            before = consume(server);
            server.kill9();
        }
        delete(data);
        Path map = Files.writeString(folder.resolve("map.json"), mapOf());
        Path rebuilt = folder.resolve("rebuilt");
        Command command = storage(
                Map.of(),
                "fsck",
                "--rebuild",
                "--bucket",
                bucket,
                "--data",
                rebuilt.toString(),
                "--map",
                map.toString());
        assertThat(command.code()).as(command.toString()).isZero();
        try (FreshetProcess server = FreshetProcess.start(rebuilt, options)) {
            assertThat(consume(server)).isEqualTo(before);
        }
    }

    @Test
    void topicsKeepTheirNamesIfTheBucketMirrorsTheMetadata() throws Exception {
        String bucket = folder.resolve("bucket").toUri().toString();
        Path data = folder.resolve("data");
        List<String> before;
        try (FreshetProcess server = FreshetProcess.start(data, "--bucket", bucket, "--wal", "s3")) {
            createTopics(server);
            new Clients(server.bootstrap()).createTopic("empty", 1, Map.of("retention.ms", "123456789"));
            produce(server, 0);
            before = consume(server);
            server.kill9();
        }
        delete(data);
        Path rebuilt = folder.resolve("rebuilt");
        Command command = storage(Map.of(), "fsck", "--rebuild", "--bucket", bucket, "--data", rebuilt.toString());
        assertThat(command.code()).as(command.toString()).isZero();
        assertThat(command.output()).contains("orders-1: stream", "empty-0: stream");
        try (FreshetProcess server =
                FreshetProcess.start(rebuilt, "--bucket", bucket, "--wal", "s3", "--override", "metadata.mirror=off")) {
            assertThat(consume(server)).isEqualTo(before);
            try (Admin admin = new Clients(server.bootstrap()).admin()) {
                ConfigResource empty = new ConfigResource(ConfigResource.Type.TOPIC, "empty");
                assertThat(admin.describeConfigs(List.of(empty))
                                .all()
                                .get()
                                .get(empty)
                                .get("retention.ms")
                                .value())
                        .isEqualTo("123456789");
            }
        }
    }

    @Test
    void aRunningServersStorageIsShownAndItsDamageFound() throws Exception {
        Path data = folder.resolve("data");
        String http = "localhost:" + FreshetProcess.freePort();
        try (FreshetProcess server = FreshetProcess.start(
                data, "--override", "http.listener=" + http, "--override", "storage.upload.interval.ms=200")) {
            createTopics(server);
            produce(server, 0);
            awaitUploaded(http);
            produce(server, RECORDS);
            JsonNode described = awaitUploaded(http);
            JsonNode partition = described.get("partitions").get(1);
            assertThat(described.get("topic").asText()).isEqualTo("orders");
            assertThat(partition.get("state").get("endOffset").asLong()).isEqualTo(2 * RECORDS);
            assertThat(partition.get("segments").get(0).get("startOffset").asLong())
                    .isZero();
            Command text = storage(Map.of(), "describe", "orders", "--http", http);
            assertThat(text.code()).isZero();
            assertThat(text.output())
                    .contains("Partition 1: stream", "in object")
                    .contains("end " + 2 * RECORDS);
            assertThat(storage(Map.of(), "describe", "nothing", "--http", http).code())
                    .isEqualTo(1);

            Command clean = storage(Map.of(), "fsck", "--http", http, "--deep", "--output", "json");
            assertThat(clean.code()).as(clean.toString()).isZero();
            assertThat(json.readTree(clean.output()).get("findingCount").asInt())
                    .isZero();
            assertThat(json.readTree(clean.output()).get("segments").asInt()).isGreaterThan(3);

            List<Path> objects = objects(data.resolve("objects/data"));
            dumpAndDamage(objects.get(0));
            Files.delete(objects.get(1));
            Path extra = data.resolve("objects/data/fbff/00000000000fffdf");
            Files.createDirectories(extra.getParent());
            Files.write(extra, new byte[100]);
            Files.setLastModifiedTime(extra, FileTime.from(Instant.now().minus(Duration.ofDays(2))));

            Command shallow = storage(Map.of(), "fsck", "--http", http);
            assertThat(shallow.code()).isEqualTo(1);
            assertThat(shallow.output())
                    .contains("MISSING data/" + objects.get(1).getParent().getFileName())
                    .contains("EXTRA data/fbff/00000000000fffdf")
                    .contains("2 findings");
            Command deep = storage(Map.of(), "fsck", "--http", http, "--deep", "--output", "json");
            assertThat(deep.code()).isEqualTo(1);
            assertThat(json.readTree(deep.output()).get("findings").findValuesAsText("kind"))
                    .contains("DAMAGED", "MISSING", "EXTRA");
        }
        Command noServer = storage(Map.of(), "fsck", "--http", http);
        assertThat(noServer.code()).isEqualTo(2);
        assertThat(noServer.errors()).contains("No answer from a node at http://" + http);
    }

    private void dumpAndDamage(Path object) throws Exception {
        String id = Long.toString(Long.parseLong(object.getFileName().toString(), 16));
        String bucket = object.getParent().getParent().getParent().toUri().toString();
        Command sound = storage(Map.of(), "dump", id, "--bucket", bucket, "--records", "--output", "json");
        assertThat(sound.code()).as(sound.toString()).isZero();
        JsonNode dump = json.readTree(sound.output());
        assertThat(dump.get("objectId").asText()).isEqualTo(id);
        assertThat(dump.get("blocks")
                        .get(0)
                        .get("batches")
                        .get(0)
                        .get("baseOffset")
                        .asLong())
                .isZero();
        assertThat(storage(Map.of(), "dump", object.toString()).output()).contains("No damage");
        try (RandomAccessFile file = new RandomAccessFile(object.toFile(), "rw")) {
            file.seek(200);
            int old = file.read();
            file.seek(200);
            file.write(old ^ 1);
        }
        Command damaged = storage(Map.of(), "dump", id, "--bucket", bucket);
        assertThat(damaged.code()).isEqualTo(1);
        assertThat(damaged.output()).contains("block 0 at 32", "CRC DAMAGED", "block at position 32: ");
    }

    /** Waits until {@code orders} has all its records in objects. */
    private JsonNode awaitUploaded(String http) throws Exception {
        for (int i = 0; ; i++) {
            Command command = storage(Map.of(), "describe", "orders", "--http", http, "--output", "json");
            assertThat(command.code()).as(command.toString()).isZero();
            JsonNode described = json.readTree(command.output());
            boolean isDone = true;
            for (JsonNode partition : described.get("partitions")) {
                JsonNode state = partition.get("state");
                isDone &= state.get("committedEndOffset").asLong()
                        == state.get("endOffset").asLong();
            }
            if (isDone || i > 30) {
                assertThat(isDone).isTrue();
                return described;
            }
        }
    }

    private void loseTheQuorumAndRebuild(Map<String, String> environment, String bucket) throws Exception {
        Path data = folder.resolve("data");
        List<String> before;
        try (FreshetProcess server = FreshetProcess.start(
                data,
                environment,
                "--bucket",
                bucket,
                "--override",
                "metadata.mirror=off",
                "--override",
                "storage.upload.interval.ms=200")) {
            createTopics(server);
            produce(server, 0);
            server.stop();
            server.start(); // a second leader epoch
            produce(server, RECORDS);
            before = consume(server);
            server.stop();
        }
        delete(data);
        Path map = Files.writeString(folder.resolve("map.json"), mapOf());
        Path rebuilt = folder.resolve("rebuilt");
        Command command = storage(
                environment,
                "fsck",
                "--rebuild",
                "--bucket",
                bucket,
                "--data",
                rebuilt.toString(),
                "--map",
                map.toString(),
                "--output",
                "json");
        assertThat(command.code()).as(command.toString()).isZero();
        assertThat(json.readTree(command.output()).get("streams").size()).isGreaterThanOrEqualTo(3);
        Command again = storage(environment, "fsck", "--rebuild", "--bucket", bucket, "--data", rebuilt.toString());
        assertThat(again.code()).isEqualTo(2);
        assertThat(again.errors()).contains("is not empty");

        String http = "localhost:" + FreshetProcess.freePort();
        try (FreshetProcess server =
                FreshetProcess.start(rebuilt, environment, "--bucket", bucket, "--override", "http.listener=" + http)) {
            assertThat(consume(server)).isEqualTo(before);
            produce(server, 2 * RECORDS);
            assertThat(consume(server)).hasSize(before.size() * 3 / 2).containsAll(before);
            Command clean = storage(environment, "fsck", "--http", http, "--deep");
            assertThat(clean.code()).as(clean.toString()).isZero();
        }
    }

    /** The streams' ids are given in the order in which the topics are made. */
    private String mapOf() {
        return "[{\"streamId\":1,\"topic\":\"orders\",\"partition\":0},"
                + "{\"streamId\":2,\"topic\":\"orders\",\"partition\":1},"
                + "{\"streamId\":3,\"topic\":\"events\",\"partition\":0}]";
    }

    private static void createTopics(FreshetProcess server) throws Exception {
        Clients clients = new Clients(server.bootstrap());
        // The records' timestamps are years old: by default retention would take them when it first looks.
        clients.createTopic("orders", 2, Map.of("retention.ms", "-1"));
        clients.createTopic("events", 1, Map.of("retention.ms", "-1"));
    }

    private static void produce(FreshetProcess server, int from) {
        Clients clients = new Clients(server.bootstrap());
        try (KafkaProducer<byte[], byte[]> producer =
                clients.producer(Map.of("compression.type", from == 0 ? "none" : "lz4", "linger.ms", "2"))) {
            for (int i = from; i < from + RECORDS; i++) {
                for (TopicPartition partition : PARTITIONS) {
                    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(
                            partition.topic(),
                            partition.partition(),
                            1_700_000_000_000L + i * 7L,
                            ("key" + i % 10).getBytes(StandardCharsets.UTF_8),
                            ("value " + partition + " " + i).getBytes(StandardCharsets.UTF_8));
                    record.headers().add("n", new byte[] {(byte) i});
                    producer.send(record);
                }
            }
        }
    }

    /** Everything that a consumer sees of every record. */
    private static List<String> consume(FreshetProcess server) {
        Clients clients = new Clients(server.bootstrap());
        List<String> seen = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of())) {
            for (TopicPartition partition : PARTITIONS) {
                consumer.assign(List.of(partition));
                long end = consumer.endOffsets(List.of(partition)).get(partition);
                consumer.seekToBeginning(List.of(partition));
                while (consumer.position(partition) < end) {
                    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(30))) {
                        seen.add(partition + " " + record.offset() + " " + record.timestamp() + " "
                                + record.timestampType() + " " + record.leaderEpoch() + " "
                                + Arrays.toString(record.key()) + " " + Arrays.toString(record.value()) + " "
                                + record.headers());
                    }
                }
            }
        }
        assertThat(seen).hasSizeGreaterThanOrEqualTo(PARTITIONS.size() * RECORDS);
        return seen;
    }

    private static Command storage(Map<String, String> environment, String... arguments) throws Exception {
        String[] all = new String[arguments.length + 1];
        all[0] = "storage";
        System.arraycopy(arguments, 0, all, 1, arguments.length);
        return Command.run(120, environment, "freshet", all);
    }

    private static List<Path> objects(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .sorted(Comparator.comparing(Path::getFileName))
                    .toList();
        }
    }

    private static void delete(Path tree) throws IOException {
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
