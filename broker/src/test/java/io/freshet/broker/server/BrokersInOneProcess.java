// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static java.util.Objects.requireNonNull;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.cli.Formatted;
import io.freshet.broker.cli.fleet.Fleet;
import io.freshet.broker.config.ServerConfig;
import io.freshet.common.runtime.Threads;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;

/** A cluster of whole brokers on ports of this machine, in this process. Used by one thread. */
public final class BrokersInOneProcess implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long MIB = 1 << 20;

    private final Fleet fleet;
    private final Map<Integer, BrokerServer> running = Collections.synchronizedMap(new TreeMap<>());
    public final Admin admin;

    public BrokersInOneProcess(Path folder, int brokers, Map<String, String> overrides) {
        Map<String, String> settings = new HashMap<>(Map.of(
                "http.listener", "",
                "storage.upload.bytes", Long.toString(4 * MIB),
                "cache.tail.bytes", Long.toString(48 * MIB),
                "cache.block.bytes", Long.toString(32 * MIB),
                "offsets.topic.num.partitions", "3"));
        settings.putAll(overrides);
        fleet = Formatted.fleet(folder, brokers, settings);
        List<CompletableFuture<Void>> starts = new ArrayList<>();
        for (int id = 1; id <= brokers; id++) {
            int node = id;
            CompletableFuture<Void> started = new CompletableFuture<>();
            starts.add(started);
            Threads.newThread("start-" + id, () -> {
                        try {
                            start(node);
                            started.complete(null);
                        } catch (RuntimeException e) {
                            started.completeExceptionally(e);
                        }
                    })
                    .start();
        }
        try {
            CompletableFuture.allOf(starts.toArray(CompletableFuture[]::new)).join();
        } catch (RuntimeException e) {
            closeServers();
            throw e;
        }
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap()));
        await().atMost(PATIENCE)
                .until(() -> admin.describeCluster()
                                .nodes()
                                .get(30, TimeUnit.SECONDS)
                                .size()
                        == brokers);
    }

    public String bootstrap() {
        return fleet.bootstrap();
    }

    void start(int id) {
        running.put(id, BrokerServer.start(ServerConfig.load(fleet.node(id).propertiesFile(), Map.of())));
    }

    void stop(int id) {
        requireNonNull(running.remove(id), "node " + id + " does not run").close();
    }

    /** A topic whose every partition is led by {@code leader}, with all brokers as its replicas. */
    public void createTopic(String name, int partitions, int leader) throws Exception {
        List<Integer> replicas = new ArrayList<>(List.of(leader));
        fleet.nodes().stream().map(node -> node.id()).filter(id -> id != leader).forEach(replicas::add);
        Map<Integer, List<Integer>> assignment = new TreeMap<>();
        for (int i = 0; i < partitions; i++) {
            assignment.put(i, replicas);
        }
        admin.createTopics(List.of(new NewTopic(name, assignment))).all().get(60, TimeUnit.SECONDS);
        await().atMost(PATIENCE).until(() -> leaders(name).size() == partitions);
    }

    /** Who leads each partition; those without a leader are left out. */
    public Map<Integer, Integer> leaders(String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get(30, TimeUnit.SECONDS).values().stream()
                .flatMap(described -> described.partitions().stream())
                .filter(partition -> partition.leader() != null)
                .collect(Collectors.toMap(
                        TopicPartitionInfo::partition,
                        partition -> partition.leader().id()));
    }

    /** Who leads a partition that has a leader. */
    int leader(String topic, int partition) throws Exception {
        return requireNonNull(leaders(topic).get(partition), "no leader of " + topic + "-" + partition);
    }

    /** Wishes that {@code brokers} are the partition's replicas, the first its leader. */
    void reassign(String topic, int partition, List<Integer> brokers) throws Exception {
        admin.alterPartitionReassignments(Map.of(
                        new TopicPartition(topic, partition),
                        java.util.Optional.of(new NewPartitionReassignment(brokers))))
                .all()
                .get(30, TimeUnit.SECONDS);
    }

    BrokerServer server(int id) {
        return requireNonNull(running.get(id), "node " + id + " does not run");
    }

    private void closeServers() {
        List<Thread> stops = new ArrayList<>();
        for (BrokerServer server : List.copyOf(running.values())) {
            Thread stop = Threads.newThread("stop", server::close);
            stop.start();
            stops.add(stop);
        }
        for (Thread stop : stops) {
            try {
                stop.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        admin.close(Duration.ofSeconds(5));
        closeServers();
    }
}
