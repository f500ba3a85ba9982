// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.tests.nemesis.Cluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three controllers and three brokers that keep only the manifests of what they lead: whoever compacts, sweeps, deletes, trims or
 * verifies has to ask for the rest.
 */
class DedicatedControllersST {
    private static final int PARTITIONS = 12;
    private static final int EXPIRING = 3;
    private static final long ORPHAN = 1L << 40;
    private static final long SEED = Long.getLong("freshet.seed", 17);
    private static final Map<String, String> SETTINGS = Map.ofEntries(
            Map.entry("balance.enabled", "false"),
            Map.entry("broker.session.timeout.ms", "9000"),
            Map.entry("storage.upload.interval.ms", "300"),
            Map.entry("storage.compaction.interval.ms", "1000"),
            Map.entry("storage.delete.grace.ms", "1000"),
            Map.entry("storage.orphan.grace.ms", "60000"),
            Map.entry("log.retention.check.interval.ms", "1000"),
            Map.entry("log.initial.task.delay.ms", "1000"),
            Map.entry("offsets.topic.num.partitions", "3"));

    @TempDir
    Path folder;

    private final Random random = new Random(SEED);
    private final HttpClient http = HttpClient.newHttpClient();

    @Test
    void nothingIsLostAndEverythingIsTidiedUpByBrokersThatKeepAPart() throws Exception {
        try (Cluster cluster = Cluster.startWithControllers(
                        FreshetProcess.distribution(), folder.resolve("fleet"), 3, SETTINGS, Map.of());
                Admin admin = Admin.create(Map.of("bootstrap.servers", cluster.bootstrap()))) {
            Clients clients = new Clients(cluster.bootstrap());
            Path orphan = folder.resolve("fleet/objects").resolve(ObjectKeys.dataKey(ORPHAN));
            Files.createDirectories(orphan.getParent());
            Files.writeString(orphan, "of an upload that was never committed");
            createTopic(admin, "kept", PARTITIONS, Map.of());
            createTopic(admin, "expiring", EXPIRING, Map.of("retention.ms", "2000"));
            DurableWriters writers = DurableWriters.start(
                    clients, DurableWriters.partitionsOf("kept", PARTITIONS), 3, SEED, Duration.ofMillis(4));
            DurableWriters expiring = DurableWriters.start(
                    clients, DurableWriters.partitionsOf("expiring", EXPIRING), 1, SEED, Duration.ofMillis(10));
            writers.awaitProgress();
            List<Integer> all = cluster.brokerIds();
            for (int round = 0; round < 5; round++) {
                moveSome(admin, all);
                writers.awaitProgress();
            }
            int victim = all.get(1);
            List<Integer> others = List.of(all.get(0), all.get(2));
            cluster.kill(victim);
            await("all partitions are led by others")
                    .atMost(Duration.ofSeconds(90))
                    .until(() -> leaders(admin).size() == PARTITIONS
                            && others.containsAll(leaders(admin).values()));
            moveSome(admin, others);
            writers.awaitProgress();
            cluster.start(victim);
            cluster.awaitReady();
            int controller = cluster.controller().orElseThrow();
            cluster.kill(controller);
            moveSome(admin, all);
            writers.awaitProgress();
            cluster.start(controller);
            cluster.awaitReady();
            for (int round = 0; round < 3; round++) {
                moveSome(admin, all);
                writers.awaitProgress();
            }
            awaitCounter(cluster, "freshet_compaction_objects_written_total");
            awaitCounter(cluster, "freshet_storage_reaper_deleted_total");
            awaitCounter(cluster, "freshet_retention_segments_total");
            expiring.awaitProgress();
            expiring.finish();
            await("the orphan is swept")
                    .atMost(Duration.ofSeconds(240))
                    .pollInterval(Duration.ofSeconds(1))
                    .until(() -> !Files.exists(orphan));
            writers.finishAndVerify();
            awaitClean(cluster);
            sizes(cluster);
            assertThat(cluster.errorLines()).isEmpty();
        }
    }

    private static void createTopic(Admin admin, String name, int partitions, Map<String, String> configs)
            throws Exception {
        admin.createTopics(List.of(new NewTopic(name, partitions, (short) 3).configs(configs)))
                .all()
                .get(30, TimeUnit.SECONDS);
    }

    /** Gives a third of the partitions to brokers that did not lead them, and waits until they do. */
    private void moveSome(Admin admin, List<Integer> brokers) throws Exception {
        Map<TopicPartition, Integer> leaders = leaders(admin);
        Map<TopicPartition, Optional<NewPartitionReassignment>> moves = new HashMap<>();
        Map<TopicPartition, Integer> targets = new HashMap<>();
        for (int partition = 0; partition < PARTITIONS; partition++) {
            if (random.nextInt(3) == 0) {
                TopicPartition moved = new TopicPartition("kept", partition);
                List<Integer> replicas = new ArrayList<>(brokers);
                replicas.remove(leaders.get(moved)); // among the replicas it would stay the leader
                Collections.shuffle(replicas, random);
                moves.put(moved, Optional.of(new NewPartitionReassignment(replicas)));
                targets.put(moved, replicas.get(0));
            }
        }
        admin.alterPartitionReassignments(moves).all().get(30, TimeUnit.SECONDS);
        await("partitions are where they were moved to, seed " + SEED)
                .atMost(Duration.ofSeconds(60))
                .until(() -> leaders(admin).entrySet().containsAll(targets.entrySet()));
    }

    private static Map<TopicPartition, Integer> leaders(Admin admin) throws Exception {
        TopicDescription kept = admin.describeTopics(List.of("kept"))
                .allTopicNames()
                .get(30, TimeUnit.SECONDS)
                .get("kept");
        Map<TopicPartition, Integer> leaders = new HashMap<>();
        for (TopicPartitionInfo partition : kept.partitions()) {
            if (partition.leader() != null) {
                leaders.put(
                        new TopicPartition("kept", partition.partition()),
                        partition.leader().id());
            }
        }
        return leaders;
    }

    /** Waits until the counter is above zero on some broker. */
    private void awaitCounter(Cluster cluster, String name) {
        await(name)
                .atMost(Duration.ofSeconds(90))
                .pollInterval(Duration.ofMillis(500))
                .until(() -> cluster.brokerIds().stream()
                                .mapToDouble(id -> counter(cluster.http(id), name))
                                .sum()
                        > 0);
    }

    private double counter(String address, String name) {
        try {
            String body = http.send(
                            HttpRequest.newBuilder(URI.create("http://" + address + "/metrics"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
            return body.lines()
                    .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
                    .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void awaitClean(Cluster cluster) throws Exception {
        for (int id : cluster.brokerIds()) {
            Command fsck =
                    Command.run(120, Map.of(), "freshet", "storage", "fsck", "--http", cluster.http(id), "--deep");
            System.out.println("fsck of broker " + id + ": " + fsck.output());
            assertThat(fsck.code()).as(fsck.output() + fsck.errors()).isZero();
        }
    }

    private static void sizes(Cluster cluster) throws IOException {
        for (int id : cluster.ids()) {
            try (Stream<Path> folders = Files.list(cluster.dataDirectory(id))) {
                for (Path tables : folders.filter(
                                path -> path.getFileName().toString().endsWith("manifests"))
                        .toList()) {
                    System.out.println("node " + id + ": " + tables.getFileName() + " has " + bytes(tables) + " bytes");
                    boolean isBroker = cluster.brokerIds().contains(id);
                    assertThat(tables.getFileName().toString()).isEqualTo(isBroker ? "led-manifests" : "manifests");
                }
            }
        }
    }

    private static long bytes(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }
}
