// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.storage.format.SlotObjects;
import io.freshet.wal.s3.SlotFormat.SlotKey;
import io.freshet.wal.s3.SlotFormat.SlotName;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The s3 lane, alone and beside the block lane, on a real S3 server, with kill -9 under load. Rounds: {@code
 * -Dfreshet.kill.rounds} (3); seed: {@code -Dfreshet.seed}.
 */
class WalLanesST {
    private static final int PARTITIONS = 3;
    private static final int PRODUCERS = 3;
    private static final String BUCKET = "lanes";

    private final int rounds = Integer.getInteger("freshet.kill.rounds", 3);
    private final long seed = Long.getLong("freshet.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @TempDir
    Path folder;

    private S3Server s3;

    @BeforeEach
    void startStore() throws Exception {
        System.out.println(rounds + " rounds, seed " + seed);
        s3 = S3Server.start(folder.resolve("s3"), BUCKET);
    }

    @AfterEach
    void stopStore() throws Exception {
        s3.close();
    }

    private FreshetProcess start(String lanes) throws Exception {
        return FreshetProcess.start(
                folder.resolve("data"),
                s3.credentials(),
                "--wal",
                lanes,
                "--bucket",
                s3.uri(BUCKET),
                "--override=storage.upload.bytes=8388608",
                "--override=storage.upload.interval.ms=2000");
    }

    private void pause(int mostMs) {
        LockSupport.parkNanos(Duration.ofMillis(random.nextInt(mostMs)).toNanos());
    }

    @Test
    void everythingIsInTheBucketWhenTheDataDirectoryIsGone() throws Exception {
        try (FreshetProcess server = start("s3")) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic("survivors", PARTITIONS, Map.of("retention.ms", "86400000"));
            DurableWriters writers = DurableWriters.start(
                    clients, DurableWriters.partitionsOf("survivors", PARTITIONS), PRODUCERS, seed);
            for (int round = 0; round < rounds; round++) {
                writers.awaitProgress();
                commitOffset(clients, 100 + round);
                String name = "made-in-round-" + round;
                clients.createTopic(name, 2, Map.of("segment.ms", Integer.toString(7000 + round)));
                assertThat(folder.resolve("data/wal")).doesNotExist();
                pause(2000);
                server.kill9();
                boolean isDeleted = round % 2 == 0;
                if (isDeleted) {
                    Directories.delete(folder.resolve("data"));
                    Files.createDirectories(folder.resolve("data"));
                }
                server.start();
                System.out.println("round " + round + ": ready again after " + server.readyMs() + " ms"
                        + (isDeleted ? " without its directory" : ""));
                assertThat(committedOffset(clients)).isEqualTo(100 + round);
                assertThat(configOf(clients, name, "segment.ms")).isEqualTo(Integer.toString(7000 + round));
                assertThat(configOf(clients, "survivors", "retention.ms")).isEqualTo("86400000");
                assertThat(configOf(clients, "survivors", "wal.lane")).isEqualTo("s3");
            }
            writers.awaitProgress();
            writers.finishAndVerify();
            assertThat(server.stop()).isIn(0, 143);
        }
    }

    @Test
    void topicsChangeTheirLaneUnderLoad() throws Exception {
        try (FreshetProcess server = start("both")) {
            Clients clients = new Clients(server.bootstrap());
            List<String> topics = List.of("on-block", "on-s3");
            List<TopicPartition> partitions = new ArrayList<>();
            for (String topic : topics) {
                clients.createTopic(topic, PARTITIONS, Map.of("wal.lane", topic.substring(3)));
                partitions.addAll(DurableWriters.partitionsOf(topic, PARTITIONS));
                assertThat(configOf(clients, topic, "wal.lane")).isEqualTo(topic.substring(3));
            }
            assertThatThrownBy(() -> setLane(clients, "on-s3", "tape"))
                    .hasCauseInstanceOf(InvalidConfigurationException.class)
                    .hasMessageContaining("[block, s3]");
            DurableWriters writers = DurableWriters.start(clients, partitions, PRODUCERS, seed);
            for (int round = 0; round < rounds; round++) {
                writers.awaitProgress();
                for (int change = 0; change < 6; change++) {
                    setLane(clients, topics.get(random.nextInt(2)), random.nextBoolean() ? "block" : "s3");
                    pause(300);
                }
                server.kill9();
                server.start();
                System.out.println("round " + round + ": ready again after " + server.readyMs() + " ms");
            }
            writers.awaitProgress();
            writers.finishAndVerify();
            assertThat(server.stop()).isIn(0, 143);
        }
    }

    @Test
    void anOutageOfTheStoreOnlyDelays() throws Exception {
        try (FreshetProcess server = start("s3")) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic("survivors", PARTITIONS, Map.of());
            DurableWriters writers = DurableWriters.start(
                    clients, DurableWriters.partitionsOf("survivors", PARTITIONS), PRODUCERS, seed);
            for (int outage = 0; outage < 2; outage++) {
                writers.awaitProgress();
                s3.interrupt();
                pause(4000);
                s3.restart();
            }
            writers.awaitProgress();
            writers.finishAndVerify();
            assertThat(server.stop()).isIn(0, 143);
        }
    }

    @Test
    void aFencedLaneEndsTheServerAndTheNextStartTakesItOver() throws Exception {
        try (FreshetProcess server = start("s3")) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic("survivors", PARTITIONS, Map.of());
            DurableWriters writers = DurableWriters.start(
                    clients, DurableWriters.partitionsOf("survivors", PARTITIONS), PRODUCERS, seed);
            writers.awaitProgress();
            fenceLane();
            assertThat(server.awaitEnd()).isEqualTo(1);
            assertThat(Files.readString(server.errors())).contains("This node stops");
            server.start();
            writers.awaitProgress();
            writers.finishAndVerify();
            assertThat(server.stop()).isIn(0, 143);
        }
    }

    /** Puts fences where the running server's next slots will be, as a stranger that takes its WAL over would. */
    private void fenceLane() throws Exception {
        Path wals = folder.resolve("s3").resolve(BUCKET).resolve("wal/1");
        Path newest;
        try (Stream<Path> epochs = Files.list(wals)) {
            newest = epochs.max(Comparator.naturalOrder()).orElseThrow();
        }
        long last;
        try (Stream<Path> slots = Files.list(newest)) {
            last = slots.map(slot -> slot.getFileName().toString())
                    .filter(slot -> slot.length() == 16)
                    .mapToLong(slot -> Long.parseLong(slot, 16))
                    .max()
                    .orElseThrow();
        }
        long brokerEpoch = Long.parseLong(newest.getFileName().toString(), 16);
        SlotObjects format = new SlotObjects(1 << 20);
        for (long slot = last + 20; slot < last + 60; slot++) {
            SlotKey key = new SlotKey(1, brokerEpoch, slot);
            Path made = folder.resolve("fence");
            Files.deleteIfExists(made);
            try (FileChannel file = FileChannel.open(made, CREATE_NEW, WRITE)) {
                for (ByteBuffer part :
                        format.fence(new SlotName(key, 2, (1L << 40) + slot)).body()) {
                    file.write(part.duplicate());
                }
            }
            Files.move(made, newest.resolve(String.format("%016x", slot)));
        }
    }

    private static void commitOffset(Clients clients, long offset) {
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of("group.id", "readers"))) {
            consumer.assign(List.of(new TopicPartition("survivors", 0)));
            consumer.commitSync(Map.of(new TopicPartition("survivors", 0), new OffsetAndMetadata(offset)));
        }
    }

    private static long committedOffset(Clients clients) throws Exception {
        try (Admin admin = clients.admin()) {
            return admin.listConsumerGroupOffsets("readers")
                    .partitionsToOffsetAndMetadata()
                    .get()
                    .get(new TopicPartition("survivors", 0))
                    .offset();
        }
    }

    private static String configOf(Clients clients, String topic, String name) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try (Admin admin = clients.admin()) {
            Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            return config.get(name).value();
        }
    }

    private static void setLane(Clients clients, String topic, String lane) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        AlterConfigOp change = new AlterConfigOp(new ConfigEntry("wal.lane", lane), OpType.SET);
        try (Admin admin = clients.admin()) {
            admin.incrementalAlterConfigs(Map.of(resource, List.of(change)))
                    .all()
                    .get();
        }
    }
}
