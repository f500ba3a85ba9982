// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.freshet.broker.cli.storage.StorageCommand;
import io.freshet.broker.server.WalDevices;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.EncodedObject;
import io.freshet.storage.format.ObjectEncoder;
import io.freshet.storage.format.ObjectFormat;
import io.freshet.storage.format.ObjectIndex;
import io.freshet.storage.format.SegmentContent;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** {@code freshet storage fsck} and {@code dump}, against damaged WAL slots, lost objects and objects that overlap. */
@Timeout(120)
class StorageFsckIT {
    private static final String TOPIC = "log";
    private static final TopicPartition PARTITION = new TopicPartition(TOPIC, 0);
    private static final int RECORDS = 12;

    private final ObjectMapper json = new ObjectMapper();

    @TempDir
    Path folder;

    private Path bucket;
    private Path map;

    @BeforeEach
    void makeFolders() throws IOException {
        bucket = Files.createDirectory(folder.resolve("bucket"));
        map = Files.writeString(
                folder.resolve("map.json"), "[{\"streamId\":1,\"topic\":\"" + TOPIC + "\",\"partition\":0}]");
    }

    private record Result(int code, String output, String errors) {}

    private static Result storage(String... arguments) {
        StringWriter output = new StringWriter();
        StringWriter errors = new StringWriter();
        int code = new CommandLine(new StorageCommand())
                .setOut(new PrintWriter(output))
                .setErr(new PrintWriter(errors))
                .execute(arguments);
        return new Result(code, output.toString(), errors.toString());
    }

    private SmallServer start(Path data, Path store, String lane) {
        Map<String, String> settings = new HashMap<>();
        settings.put("storage.uri", store.toUri().toString());
        settings.put("wal.lanes", lane);
        settings.put("wal.lane", lane);
        settings.put("metadata.mirror", "off");
        settings.put("storage.upload.interval.ms", "600000");
        settings.put("wal.s3.puts.per.second", "1000");
        return SmallServer.start(data, 0, WalDevices.ofThisMachine(), settings);
    }

    /** Each record is a batch, and in the s3 lane a slot, of its own. */
    private static void produce(SmallServer server, int records) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new Clients(server.bootstrap()).producer(Map.of())) {
            for (int i = 0; i < records; i++) {
                byte[] value = ("record " + System.nanoTime()).getBytes(StandardCharsets.UTF_8);
                producer.send(new ProducerRecord<>(TOPIC, 0, null, value)).get();
            }
        }
    }

    /** Offset and value of every record. */
    private static List<String> consume(SmallServer server) {
        List<String> seen = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new Clients(server.bootstrap()).consumer(Map.of())) {
            consumer.assign(List.of(PARTITION));
            long end = consumer.endOffsets(List.of(PARTITION)).get(PARTITION);
            consumer.seekToBeginning(List.of(PARTITION));
            while (consumer.position(PARTITION) < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(30))) {
                    seen.add(record.offset() + " " + new String(record.value(), StandardCharsets.UTF_8));
                }
            }
        }
        return seen;
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile)
                    .sorted(Comparator.comparing(file -> file.getFileName().toString()))
                    .toList();
        }
    }

    private static void flip(Path file, int position) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[position] ^= 4;
        Files.write(file, bytes);
    }

    /** What a crash leaves of the bucket. */
    private Path crashImage() throws IOException {
        Path image = folder.resolve("image");
        for (Path file : files(bucket)) {
            Path copy = image.resolve(bucket.relativize(file).toString());
            Files.createDirectories(copy.getParent());
            Files.copy(file, copy);
        }
        return image;
    }

    private Result rebuild(Path store, Path data, String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "fsck",
                "--rebuild",
                "--bucket",
                store.toUri().toString(),
                "--data",
                data.toString(),
                "--map",
                map.toString()));
        arguments.addAll(List.of(more));
        return storage(arguments.toArray(String[]::new));
    }

    @Test
    void fsckOfARunningNodeFindsMissingDamagedAndStrangeSlots() throws Exception {
        try (SmallServer server = start(folder.resolve("data"), bucket, "s3")) {
            new Clients(server.bootstrap()).createTopic(TOPIC, 1, Map.of());
            produce(server, RECORDS);
            Result clean = storage("fsck", "--http", server.http(), "--deep", "--output", "json");
            assertThat(clean.code()).as(clean.toString()).isZero();
            assertThat(json.readTree(clean.output()).get("wals").asLong()).isEqualTo(1);
            assertThat(json.readTree(clean.output()).get("slots").asLong()).isGreaterThanOrEqualTo(RECORDS);

            List<Path> slots = files(bucket.resolve("wal"));
            String sound = slots.get(1).toString();
            assertThat(storage("dump", sound).code()).isZero();
            Files.delete(slots.get(2));
            Files.copy(slots.get(4), slots.get(3), StandardCopyOption.REPLACE_EXISTING);
            flip(slots.get(5), 150);
            Path last = slots.get(slots.size() - 1);
            Files.delete(last);

            Result shallow = storage("fsck", "--http", server.http());
            assertThat(shallow.code()).isEqualTo(1);
            assertThat(shallow.output())
                    .contains("MISSING " + keyOf(slots.get(2)), "MISSING " + keyOf(last), "3 findings")
                    .contains("DAMAGED " + keyOf(slots.get(3)), "its slot tag", "slot 3");
            Result deep = storage("fsck", "--http", server.http(), "--deep", "--output", "json");
            JsonNode findings = json.readTree(deep.output()).get("findings");
            assertThat(findings.findValuesAsText("key")).contains(keyOf(slots.get(5)));

            Result dump = storage(
                    "dump", keyOf(slots.get(3)), "--bucket", bucket.toUri().toString());
            assertThat(dump.code()).isEqualTo(1);
            assertThat(dump.output()).contains("header at position 24: its slot tag");
            assertThat(storage("dump", slots.get(3).toString()).code())
                    .as("a file in a store's folder has its key in its path")
                    .isEqualTo(1);
        }
    }

    private String keyOf(Path file) {
        return bucket.relativize(file).toString();
    }

    @Test
    void slotsOfASealedWalAreVerifiedUpToItsSeal() throws Exception {
        Path image;
        Path data = folder.resolve("data");
        try (SmallServer server = start(data, bucket, "s3")) {
            new Clients(server.bootstrap()).createTopic(TOPIC, 1, Map.of());
            produce(server, RECORDS);
            image = crashImage();
        }
        Path rebuilt = folder.resolve("rebuilt");
        assertThat(rebuild(image, rebuilt).code()).isZero();
        try (SmallServer server = start(rebuilt, image, "s3")) {
            assertThat(consume(server)).hasSize(RECORDS);
            Result clean = storage("fsck", "--http", server.http(), "--deep", "--output", "json");
            assertThat(clean.code()).as(clean.toString()).isZero();
            assertThat(json.readTree(clean.output()).get("slots").asLong())
                    .as("records and the fence")
                    .isGreaterThan(RECORDS);
            Path slot = files(image.resolve("wal")).get(4);
            Files.delete(slot);
            Result found = storage("fsck", "--http", server.http());
            assertThat(found.code()).isEqualTo(1);
            assertThat(found.output())
                    .contains("MISSING " + image.relativize(slot))
                    .contains("1 findings");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"missing", "damaged", "strange"})
    void lossInTheWalIsAcceptedOnlyWhenAsked(String loss) throws Exception {
        Path image;
        List<String> before;
        try (SmallServer server = start(folder.resolve("data"), bucket, "s3")) {
            new Clients(server.bootstrap()).createTopic(TOPIC, 1, Map.of());
            produce(server, RECORDS);
            before = consume(server);
            image = crashImage();
        }
        List<Path> slots = files(image.resolve("wal"));
        Path victim = slots.get(7);
        switch (loss) {
            case "missing" -> Files.delete(victim);
            case "damaged" -> flip(victim, 150);
            default -> Files.copy(slots.get(6), victim, StandardCopyOption.REPLACE_EXISTING);
        }
        Path rebuilt = folder.resolve("rebuilt");
        Result refused = rebuild(image, rebuilt);
        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.output()).contains("MISSING stream 1", "Nothing was written");
        assertThat(rebuilt).doesNotExist();
        Result accepted = rebuild(image, rebuilt, "--accept-loss");
        assertThat(accepted.code()).as(accepted.toString()).isEqualTo(1);
        assertThat(accepted.output()).contains("Wrote the metadata");
        try (SmallServer server = start(rebuilt, image, "s3")) {
            assertThat(consume(server)).isEqualTo(before.subList(0, 7));
            produce(server, 3);
            assertThat(consume(server)).hasSize(10).containsAll(before.subList(0, 7));
        }
        try (SmallServer server = start(rebuilt, image, "s3")) {
            assertThat(consume(server)).as("after one more start").hasSize(10);
        }
    }

    /** Three lives of a server, each with an epoch and an object of its own; returns what a consumer saw. */
    private List<String> liveThrice() throws Exception {
        Path data = folder.resolve("data");
        List<String> seen = List.of();
        for (int life = 0; life < 3; life++) {
            try (SmallServer server = start(data, bucket, "block")) {
                if (life == 0) {
                    new Clients(server.bootstrap()).createTopic(TOPIC, 1, Map.of());
                }
                produce(server, 10);
                seen = consume(server);
            }
        }
        return seen;
    }

    @Test
    void aLostObjectIsAcceptedOnlyWhenAsked() throws Exception {
        List<String> before = liveThrice();
        List<Path> objects = files(bucket.resolve("data"));
        assertThat(objects).hasSize(3);
        Files.delete(objects.get(1));
        Path rebuilt = folder.resolve("rebuilt");
        Result refused = rebuild(bucket, rebuilt);
        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.output()).contains("GAP stream 1 [10, 20)", "Nothing was written");
        assertThat(rebuilt).doesNotExist();
        Result accepted = rebuild(bucket, rebuilt, "--accept-loss");
        assertThat(accepted.code()).isEqualTo(1);
        assertThat(accepted.output()).contains("log-0: stream 1, offsets [20, 30)", "Wrote the metadata");
        try (SmallServer server = start(rebuilt, bucket, "block")) {
            assertThat(consume(server)).isEqualTo(before.subList(20, 30));
            produce(server, 1);
            assertThat(consume(server).get(10)).startsWith("30 ");
        }
    }

    @Test
    void aDamagedObjectIsLeftOutWhenLossIsAccepted() throws Exception {
        List<String> before = liveThrice();
        flip(files(bucket.resolve("data")).get(2), 150);
        Path rebuilt = folder.resolve("rebuilt");
        assertThat(rebuild(bucket, rebuilt, "--deep").output()).contains("DAMAGED data/", "Nothing was written");
        assertThat(rebuild(bucket, rebuilt, "--deep", "--accept-loss").output()).contains("offsets [0, 20)");
        try (SmallServer server = start(rebuilt, bucket, "block")) {
            assertThat(consume(server)).isEqualTo(before.subList(0, 20));
            produce(server, 1);
            assertThat(consume(server)).hasSize(21);
            Result clean = storage("fsck", "--http", server.http());
            assertThat(clean.code()).as(clean.toString()).isZero();
        }
    }

    @Test
    void objectsThatOverlapBecomeTheSameLog() throws Exception {
        List<String> before = liveThrice();
        List<ObjectIndex> found = new ArrayList<>();
        List<ByteBuffer> batches = new ArrayList<>();
        for (Path file : files(bucket.resolve("data"))) {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
            ObjectIndex index =
                    ObjectIndex.verify(Long.parseLong(file.getFileName().toString(), 16), bytes);
            found.add(index);
            batches.addAll(batches(index, bytes));
        }
        assertThat(batches).hasSize(30);
        List<EpochStart> history = found.get(2).segments().get(0).checkpoint().epochStarts();
        assertThat(history).extracting(EpochStart::startOffset).containsExactly(0L, 10L, 20L);
        byte[] producers = found.get(1).segments().get(0).checkpoint().producerState();

        // a compaction's output that ends within the second object, a fenced owner's orphan, and a second upload of a
        // tail
        write(5000, batches.subList(0, 15), history.subList(0, 2), producers);
        write(5001, moved(batches.subList(0, 15), 10), history.subList(0, 1), producers);
        write(5002, batches.subList(25, 30), history, producers);

        Path rebuilt = folder.resolve("rebuilt");
        Result result = rebuild(bucket, rebuilt, "--deep");
        assertThat(result.code()).as(result.toString()).isZero();
        assertThat(result.output()).contains("offsets [0, 30) in 3 segments", "3 of 6 objects");
        try (SmallServer server = start(rebuilt, bucket, "block")) {
            assertThat(consume(server)).isEqualTo(before);
            produce(server, 1);
            assertThat(consume(server).get(30)).startsWith("30 ");
            Result clean = storage("fsck", "--http", server.http(), "--deep");
            assertThat(clean.code()).as(clean.toString()).isZero();
        }
    }

    private static List<ByteBuffer> batches(ObjectIndex index, ByteBuffer object) {
        List<ByteBuffer> batches = new ArrayList<>();
        for (BlockEntry block : index.blocks()) {
            ByteBuffer rest = object.slice((int) block.position() + ObjectFormat.BLOCK_HEADER_BYTES, block.dataBytes());
            while (rest.hasRemaining()) {
                int size = 12 + rest.getInt(rest.position() + 8);
                batches.add(rest.slice(rest.position(), size));
                rest.position(rest.position() + size);
            }
        }
        return batches;
    }

    /** The same batches at other offsets; Kafka's CRC does not cover these. */
    private static List<ByteBuffer> moved(List<ByteBuffer> batches, long by) {
        return batches.stream()
                .map(batch -> {
                    ByteBuffer copy = ByteBuffer.allocate(batch.limit())
                            .put(batch.duplicate())
                            .flip();
                    return copy.putLong(0, batch.getLong(0) + by);
                })
                .toList();
    }

    private void write(long objectId, List<ByteBuffer> batches, List<EpochStart> history, byte[] producers)
            throws IOException {
        long start = batches.get(0).getLong(0);
        long end = start + batches.size();
        ObjectEncoder encoder = new ObjectEncoder(objectId, 1, 1 << 20);
        encoder.add(new SegmentContent(
                1,
                start,
                end,
                batches.stream()
                        .map(batch -> SharedBytes.unpooled(batch.duplicate()))
                        .toList(),
                new SegmentCheckpoint(end, history, producers, List.of())));
        EncodedObject object = encoder.finish();
        ByteBuffer bytes = ByteBuffer.allocate((int) object.sizeBytes());
        object.body().forEach(part -> bytes.put(part.duplicate()));
        Path file = bucket.resolve(ObjectKeys.dataKey(objectId));
        Files.createDirectories(file.getParent());
        Files.write(file, bytes.array());
    }
}
