// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.config.ServerConfig;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.ClusterController.ConfigChange;
import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.MetadataFormat.Voter;
import io.freshet.metadata.QuorumNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.requests.ApiError;

/** Controllers without a broker on ports of this machine, each with a directory of its own. Used by one thread. */
final class Controllers implements AutoCloseable {
    static final Duration PATIENCE = Duration.ofSeconds(60);

    final String clusterId = Uuid.randomUuid().toString();
    private final Path directory;
    private final Clock clock;
    private final Map<String, String> overrides;
    private final Map<Integer, Voter> places = new TreeMap<>();
    private final Map<Integer, ControllerServer> running = new TreeMap<>();

    Controllers(Path directory, Clock clock, Map<String, String> overrides) {
        this.directory = directory;
        this.clock = clock;
        this.overrides = overrides;
    }

    /** Formats nodes 1 to {@code count} as the first voters, and starts all of them. */
    void startVoters(int count) {
        for (int id = 1; id <= count; id++) {
            assign(id);
        }
        List<Voter> voters = List.copyOf(places.values());
        for (Voter voter : voters) {
            MetadataFormat.format(directory(voter.nodeId()), clusterId, voter.nodeId(), "CONTROLLER", voters);
        }
        voters.forEach(voter -> start(voter.nodeId()));
    }

    /** Formats node {@code id} without a vote and starts it. */
    void startWithoutVote(int id) {
        assign(id);
        MetadataFormat.formatObserver(directory(id), clusterId, id, place(id).directoryId());
        start(id);
    }

    /** Gives node {@code id} a free port. */
    private void assign(int id) {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            places.put(id, new Voter(id, Uuid.randomUuid(), "127.0.0.1", free.getLocalPort()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What node {@code id} is in a voter set. */
    Voter place(int id) {
        return requireNonNull(places.get(id), "node " + id + " has no place");
    }

    Path directory(int id) {
        return directory.resolve("node-" + id);
    }

    void start(int id) {
        running.put(id, ControllerServer.start(ServerConfig.of(settings(id)), clock));
    }

    private Map<String, String> settings(int id) {
        Map<String, String> values = new HashMap<>(Map.of(
                "process.roles", "controller",
                "node.id", Integer.toString(id),
                "listeners", "CONTROLLER://127.0.0.1:" + place(id).controllerPort(),
                "controller.listener.names", "CONTROLLER",
                "listener.security.protocol.map", "CONTROLLER:PLAINTEXT",
                "controller.quorum.bootstrap.servers", bootstrap(),
                "controller.quorum.fetch.timeout.ms", "1200",
                "controller.quorum.election.timeout.ms", "600",
                "log.dirs", directory(id).toString(),
                "http.listener", ""));
        values.putAll(overrides);
        return values;
    }

    /** {@code host:port} of every controller. */
    String bootstrap() {
        return places.values().stream()
                .map(voter -> voter.controllerHost() + ":" + voter.controllerPort())
                .collect(Collectors.joining(","));
    }

    void stop(int id) {
        requireNonNull(running.remove(id), "node " + id + " does not run").close();
    }

    QuorumNode node(int id) {
        return requireNonNull(running.get(id), "node " + id + " does not run").node();
    }

    Set<Integer> ids() {
        return new TreeSet<>(running.keySet());
    }

    /** The node that leads, once one does. */
    int leader() {
        await().atMost(PATIENCE).until(() -> leaderNow().isPresent());
        return leaderNow().orElseThrow();
    }

    private Optional<Integer> leaderNow() {
        return running.keySet().stream().filter(this::leads).findFirst();
    }

    private boolean leads(int id) {
        return get(node(id).describeQuorum()).topics().stream()
                .flatMap(topic -> topic.partitions().stream())
                .anyMatch(partition -> partition.errorCode() == 0 && partition.leaderId() == id);
    }

    /** Commits change number {@code number}, trying the leaders of the moment until one says that it is done. */
    void commit(int number) {
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(tryCommit(number)).isEqualTo("done"));
    }

    private String tryCommit(int number) {
        Optional<Integer> leader = leaderNow();
        if (leader.isEmpty()) {
            return "no leader";
        }
        try {
            Map<ConfigResource, ApiError> outcome = get(change(leader.get(), number));
            return outcome.values().stream().allMatch(ApiError::isSuccess) ? "done" : outcome.toString();
        } catch (FreshetException e) {
            return e.toString();
        }
    }

    /** Asks node {@code id} to make change number {@code number}. */
    CompletableFuture<Map<ConfigResource, ApiError>> change(int id, int number) {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.BROKER, Integer.toString(number));
        return node(id).controller()
                .incrementalAlterConfigs(
                        Map.of(
                                resource,
                                Map.of("log.retention.ms", new ConfigChange(AlterConfigOp.OpType.SET, "86400000"))),
                        false);
    }

    /** The numbers of the changes that node {@code id} has applied. */
    Set<Integer> changes(int id) {
        return changes(node(id));
    }

    /** The same of any node. */
    static Set<Integer> changes(QuorumNode node) {
        return node.image().configs().resourceData().keySet().stream()
                .filter(resource -> resource.type() == ConfigResource.Type.BROKER)
                .map(resource -> Integer.parseInt(resource.name()))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Waits until every running node has applied all of {@code expected}. */
    void awaitEverywhere(Set<Integer> expected) {
        for (int id : ids()) {
            await("node " + id).atMost(PATIENCE).until(() -> changes(id).containsAll(expected));
        }
    }

    static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(30, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw FreshetException.of(e);
        } catch (InterruptedException | TimeoutException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        List<ControllerServer> all = new ArrayList<>(running.values());
        running.clear();
        List<Thread> closing =
                all.stream().map(server -> new Thread(server::close)).toList();
        closing.forEach(Thread::start);
        for (Thread thread : closing) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
