// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import io.freshet.tests.nemesis.Cluster;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.TopicPartition;
import org.awaitility.Awaitility;

/** Server processes of a packaged distribution with their S3 server, and what tests ask of them. Used by one thread. */
final class ClusterOnS3 implements AutoCloseable {
    private static final String BUCKET = "cluster";
    private static final Pattern FENCED =
            Pattern.compile("Broker (\\d+), epoch \\d+, was not heard of for \\d+ ms; it is fenced");

    private final S3Server s3;
    private final Cluster cluster;
    private final Clients clients;
    private final Admin admin;

    private ClusterOnS3(S3Server s3, Cluster cluster) {
        this.s3 = s3;
        this.cluster = cluster;
        this.clients = new Clients(cluster.bootstrap());
        this.admin = Admin.create(Map.of(
                "bootstrap.servers", cluster.bootstrap(),
                "retry.backoff.ms", "20",
                "retry.backoff.max.ms", "50",
                "reconnect.backoff.max.ms", "100",
                "request.timeout.ms", "1000"));
    }

    /** Starts {@code brokers} nodes, of which the first three vote, and waits until they serve. */
    static ClusterOnS3 start(Path folder, int brokers, Map<String, String> settings) throws Exception {
        return start(folder, brokers, settings, "127.0.0.1", plan -> plan);
    }

    /** The same, with the store at {@code storeHost} and nodes that are {@code placed} elsewhere than on the loopback interface. */
    static ClusterOnS3 start(
            Path folder,
            int brokers,
            Map<String, String> settings,
            String storeHost,
            UnaryOperator<Cluster.Plan> placed)
            throws Exception {
        S3Server s3 = S3Server.start(folder.resolve("s3"), BUCKET, storeHost);
        try {
            Map<String, String> all = new HashMap<>();
            all.put("storage.uri", s3.uri(BUCKET));
            all.put("balance.enabled", "false"); // partitions stay where the test has put them
            all.putAll(settings);
            long beginNanos = System.nanoTime();
            Cluster cluster = Cluster.start(placed.apply(new Cluster.Plan(
                    FreshetProcess.distribution(), folder.resolve("fleet"), brokers, all, s3.credentials())));
            System.out.printf("%d brokers serve after %d ms%n", brokers, msSince(beginNanos));
            return new ClusterOnS3(s3, cluster);
        } catch (IOException | RuntimeException | InterruptedException e) {
            s3.close();
            throw e;
        }
    }

    static long msSince(long beginNanos) {
        return (System.nanoTime() - beginNanos) / 1_000_000;
    }

    S3Server s3() {
        return s3;
    }

    Cluster nodes() {
        return cluster;
    }

    Clients clients() {
        return clients;
    }

    /** The node that leads the quorum; waits until one does. */
    int controller() throws InterruptedException {
        long beginNanos = System.nanoTime();
        OptionalInt leader = cluster.controller();
        while (leader.isEmpty() && msSince(beginNanos) < 60_000) {
            leader = cluster.controller();
        }
        return leader.orElseThrow(() -> new IllegalStateException("Nobody leads the quorum after 60 s"));
    }

    /** Makes a topic that brokers share evenly, three replicas each. */
    List<TopicPartition> createTopic(String name, int partitions) throws ExecutionException, InterruptedException {
        admin.createTopics(List.of(new NewTopic(name, partitions, (short) 3)))
                .all()
                .get();
        return DurableWriters.partitionsOf(name, partitions);
    }

    /** Makes a topic that one broker leads alone. */
    List<TopicPartition> createTopicOn(String name, int partitions, int leader)
            throws ExecutionException, InterruptedException {
        List<Integer> replicas = new ArrayList<>(List.of(leader));
        cluster.ids().stream().filter(id -> id != leader).limit(2).forEach(replicas::add);
        Map<Integer, List<Integer>> assignments = new HashMap<>();
        for (int i = 0; i < partitions; i++) {
            assignments.put(i, replicas);
        }
        admin.createTopics(List.of(new NewTopic(name, assignments))).all().get();
        return DurableWriters.partitionsOf(name, partitions);
    }

    /** Partitions of a topic that one of {@code brokers} leads. */
    List<Integer> led(String topic, List<Integer> brokers) throws ExecutionException, InterruptedException {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().stream()
                .filter(partition -> partition.leader() != null
                        && brokers.contains(partition.leader().id()))
                .map(partition -> partition.partition())
                .toList();
    }

    /** Brokers that clients are told of; none while nobody answers. */
    List<Integer> seenBrokers() throws InterruptedException {
        try {
            return admin.describeCluster().nodes().get(1, TimeUnit.SECONDS).stream()
                    .map(node -> node.id())
                    .toList();
        } catch (ExecutionException | TimeoutException e) {
            return List.of();
        }
    }

    /** Waits until clients are told of none of {@code dead} any more; the time since then, in ms. */
    long awaitFenced(List<Integer> dead, long sinceNanos) throws InterruptedException {
        while (true) {
            List<Integer> seen = seenBrokers();
            if (!seen.isEmpty() && dead.stream().noneMatch(seen::contains)) {
                return msSince(sinceNanos);
            }
            if (msSince(sinceNanos) > 60_000) {
                throw new IllegalStateException("Brokers " + dead + " are still among " + seen + " after 60 s");
            }
            LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
        }
    }

    /** Brokers that some controller has taken for dead since they were started first, by what the nodes log. */
    Set<Integer> fenced() throws IOException {
        Set<Integer> fenced = new TreeSet<>();
        for (int node : cluster.ids()) {
            FENCED.matcher(cluster.log(node)).results().forEach(line -> fenced.add(Integer.valueOf(line.group(1))));
        }
        return fenced;
    }

    /** Waits until all nodes that should run are ready, and clients are told of all brokers. */
    void awaitWhole() throws IOException {
        cluster.awaitReady();
        Awaitility.await("all brokers are seen")
                .atMost(Duration.ofSeconds(60))
                .until(() -> seenBrokers().containsAll(cluster.ids()));
    }

    @Override
    public void close() throws IOException {
        admin.close(Duration.ZERO);
        cluster.close();
        s3.close();
    }
}
