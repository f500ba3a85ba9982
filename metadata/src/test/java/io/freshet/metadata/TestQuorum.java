// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.MetadataFormat.Voter;
import io.freshet.metadata.log.RaftLogSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;

/** Three voters in one process that elect quickly. */
final class TestQuorum implements AutoCloseable {
    private static final int FIRST_PORT = 9093;
    private static final Map<String, String> QUICK = Map.of(
            "controller.quorum.election.timeout.ms", "300",
            "controller.quorum.fetch.timeout.ms", "500",
            "controller.quorum.election.backoff.max.ms", "100");

    private final Path directory;
    private final LocalRaftNetwork raft = new LocalRaftNetwork();
    private final LocalCommandNetwork commands = new LocalCommandNetwork();

    /** Those that run. */
    final Map<Integer, TestNode> nodes = new TreeMap<>();

    private TestQuorum(Path directory) {
        this.directory = directory;
    }

    /** Formats and starts all; returns when each knows a leader. */
    static TestQuorum start(Path directory, FreshetVersion.Range versions) {
        TestQuorum quorum = new TestQuorum(directory);
        String clusterId = MetadataFormat.newClusterId(Randomness.secure());
        List<Voter> voters = new ArrayList<>();
        for (int id = 1; id <= 3; id++) {
            voters.add(new Voter(id, Uuid.randomUuid(), "localhost", port(id)));
        }
        for (int id = 1; id <= 3; id++) {
            MetadataFormat.format(quorum.directory(id), clusterId, id, RaftLogSettings.CONTROLLER_LISTENER, voters);
        }
        for (int id = 1; id <= 3; id++) {
            quorum.open(id, versions);
        }
        quorum.nodes.values().forEach(node -> TestNode.get(node.node.ready()));
        return quorum;
    }

    private Path directory(int id) {
        return directory.resolve("node-" + id);
    }

    private static int port(int id) {
        return FIRST_PORT + id;
    }

    private static String address(int id) {
        return "localhost:" + port(id);
    }

    /** Starts one that does not run. */
    TestNode open(int id, FreshetVersion.Range versions) {
        MetadataNodeConfig config =
                TestNode.voterConfig(directory(id), id, port(id), QUICK).withVersions(versions);
        TestNode node = TestNode.vote(
                config,
                new QuorumLink(
                        List.of(address(1), address(2), address(3)), raft.channel(), Optional.of(commands.routing())));
        nodes.put(id, node);
        raft.join(address(id), node.node);
        commands.join(id, node.node);
        return node;
    }

    void stop(int id) {
        raft.leave(address(id));
        commands.leave(id);
        Objects.requireNonNull(nodes.remove(id)).close();
    }

    @Override
    public void close() {
        List.copyOf(nodes.keySet()).forEach(this::stop);
        commands.close();
    }
}
