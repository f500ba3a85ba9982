// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.runtime.Randomness;
import io.freshet.common.stream.IdRange;
import io.freshet.metadata.MetadataFormat.Voter;
import io.freshet.metadata.log.RaftLogSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands of three voters while their leader changes. */
class ElectedCommandsTest {
    private static final int FIRST_PORT = 9093;
    private static final Map<String, String> QUICK = Map.of(
            "controller.quorum.election.timeout.ms", "300",
            "controller.quorum.fetch.timeout.ms", "500",
            "controller.quorum.election.backoff.max.ms", "100");

    @TempDir
    Path directory;

    private final LocalRaftNetwork raft = new LocalRaftNetwork();
    private final LocalCommandNetwork commands = new LocalCommandNetwork();
    private final Map<Integer, TestNode> nodes = new TreeMap<>();

    @BeforeEach
    void start() {
        String clusterId = MetadataFormat.newClusterId(Randomness.secure());
        List<Voter> voters = new ArrayList<>();
        for (int id = 1; id <= 3; id++) {
            voters.add(new Voter(id, Uuid.randomUuid(), "localhost", port(id)));
        }
        for (int id = 1; id <= 3; id++) {
            MetadataFormat.format(directory(id), clusterId, id, RaftLogSettings.CONTROLLER_LISTENER, voters);
        }
        for (int id = 1; id <= 3; id++) {
            open(id);
        }
        nodes.values().forEach(node -> TestNode.get(node.node.ready()));
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

    private void open(int id) {
        MetadataNodeConfig base =
                TestNode.config(directory(id), id, MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES, QUICK);
        MetadataNodeConfig config = new MetadataNodeConfig(
                base.directory(),
                id,
                "localhost",
                port(id),
                base.defaultPartitions(),
                base.defaultReplicationFactor(),
                base.snapshotAfterBytes(),
                base.validator(),
                base.schema(),
                base.staticConfig(),
                base.logOverrides());
        TestNode node = TestNode.vote(
                config,
                new QuorumLink(
                        List.of(address(1), address(2), address(3)), raft.channel(), Optional.of(commands.routing())));
        nodes.put(id, node);
        raft.join(address(id), node.node);
        commands.join(id, node.node);
    }

    private void stop(int id) {
        raft.leave(address(id));
        commands.leave(id);
        Objects.requireNonNull(nodes.remove(id)).close();
    }

    @AfterEach
    void stop() {
        List.copyOf(nodes.keySet()).forEach(this::stop);
        commands.close();
    }

    @Test
    void everyNodeCommandsAndSeesItsOwnWrites() {
        nodes.forEach((id, node) -> {
            node.register();
            assertThat(node.createTopic("of-" + id, 3).errorCode()).isZero();
            assertThat(node.node.image().topics().getTopic("of-" + id)).isNotNull();
        });
        nodes.values().forEach(node -> {
            TestNode.get(node.controller.barrier());
            assertThat(node.node.image().topics().topicsById()).hasSize(3);
        });
    }

    @Test
    void commandsGoOnUnderANewLeader() {
        Set<Long> given = new HashSet<>();
        for (int round = 0; round < 3; round++) {
            int leader = nodes.values()
                    .iterator()
                    .next()
                    .node
                    .leaderNode()
                    .orElseThrow()
                    .id();
            List<CompletableFuture<IdRange>> asked = new ArrayList<>();
            nodes.forEach((id, node) -> {
                if (id != leader) {
                    for (int i = 0; i < 50; i++) {
                        asked.add(node.controller.reserveObjectIds(1));
                    }
                }
            });
            stop(leader);
            nodes.values().forEach(node -> asked.add(node.controller.reserveObjectIds(1)));
            for (CompletableFuture<IdRange> ids : asked) {
                assertThat(given.add(TestNode.get(ids).first()))
                        .as("given once")
                        .isTrue();
            }
            open(leader);
            TestNode elected = Objects.requireNonNull(nodes.get(leader));
            TestNode.get(elected.node.ready());
            TestNode.get(elected.controller.barrier());
        }
        assertThat(given).hasSize(3 * 102);
    }
}
