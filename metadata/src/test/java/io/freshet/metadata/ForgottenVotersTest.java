// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.log.RaftLogSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.AddRaftVoterRequestData;
import org.apache.kafka.common.message.AddRaftVoterResponseData;
import org.apache.kafka.common.message.RemoveRaftVoterRequestData;
import org.apache.kafka.common.message.RemoveRaftVoterResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node without a vote that has lost the end of its log, and with it the record that made its leader a voter. */
class ForgottenVotersTest {
    private static final int FIRST_PORT = 9093;
    private static final int TIMEOUT_MS = 30_000;
    private static final int FIRST = 1;
    private static final int SECOND = 2;
    private static final int OBSERVER = 3;

    @TempDir
    Path directory;

    private final LocalRaftNetwork raft = new LocalRaftNetwork();
    private final String clusterId = MetadataFormat.newClusterId(Randomness.secure());
    private final Uuid firstDirectory = Uuid.randomUuid();
    private final Uuid secondDirectory = Uuid.randomUuid();

    @Test
    void aLeaderThatTheRestOfTheLogDoesNotKnowIsFoundAnew() throws Exception {
        MetadataFormat.format(path(FIRST), clusterId, FIRST, firstDirectory, "localhost", port(FIRST));
        MetadataFormat.formatObserver(path(SECOND), clusterId, SECOND, secondDirectory);
        MetadataFormat.formatObserver(path(OBSERVER), clusterId, OBSERVER, Uuid.randomUuid());
        Path flushed = directory.resolve("flushed");
        try (LocalCommandNetwork commands = new LocalCommandNetwork();
                TestNode first = vote(FIRST, commands);
                TestNode second = vote(SECOND, commands)) {
            TestNode.get(first.node.ready());
            try (TestNode observer = observe()) {
                requireSame(observer, first);
            }
            TestNode.copy(path(OBSERVER), flushed);
            try (TestNode observer = observe()) {
                addSecond(first);
                removeFirst(first);
                await().until(() -> leader(observer).equals(Optional.of(SECOND)));
                requireSame(observer, second);
            }
            Path votes = Path.of("__cluster_metadata-0", "quorum-state");
            Files.copy(
                    path(OBSERVER).resolve(votes),
                    flushed.resolve(votes),
                    StandardCopyOption.REPLACE_EXISTING); // it is flushed with each write, the log is not
            TestNode.delete(path(OBSERVER));
            Files.move(flushed, path(OBSERVER));
            raft.leave("localhost:" + port(FIRST)); // who does not lead says where the leader is
            try (TestNode observer = observe()) {
                second.createTopic("after", 1);
                requireSame(observer, second);
            }
        }
    }

    private Path path(int id) {
        return directory.resolve("node-" + id);
    }

    private static int port(int id) {
        return FIRST_PORT + id;
    }

    private static List<String> voters() {
        return List.of("localhost:" + port(FIRST), "localhost:" + port(SECOND));
    }

    private MetadataNodeConfig config(int id) {
        return TestNode.voterConfig(path(id), id, port(id), Map.of());
    }

    private TestNode vote(int id, LocalCommandNetwork commands) {
        TestNode node =
                TestNode.vote(config(id), new QuorumLink(voters(), raft.channel(), Optional.of(commands.routing())));
        raft.join("localhost:" + port(id), node.node);
        commands.join(id, node.node);
        return node;
    }

    private TestNode observe() {
        return TestNode.observe(config(OBSERVER), voters(), raft.channel());
    }

    private static Optional<Integer> leader(TestNode node) {
        return node.node.leaderNode().map(org.apache.kafka.common.Node::id);
    }

    private void addSecond(TestNode leader) {
        AddRaftVoterRequestData.ListenerCollection listeners = new AddRaftVoterRequestData.ListenerCollection();
        listeners.add(new AddRaftVoterRequestData.Listener()
                .setName(RaftLogSettings.CONTROLLER_LISTENER)
                .setHost("localhost")
                .setPort(port(SECOND)));
        await().untilAsserted(
                        () -> { // until it has caught up
                            AddRaftVoterResponseData added = (AddRaftVoterResponseData) ask(
                                    leader,
                                    new AddRaftVoterRequestData()
                                            .setClusterId(clusterId)
                                            .setTimeoutMs(TIMEOUT_MS)
                                            .setVoterId(SECOND)
                                            .setVoterDirectoryId(secondDirectory)
                                            .setListeners(listeners),
                                    ApiKeys.ADD_RAFT_VOTER);
                            assertThat(Errors.forCode(added.errorCode())).isEqualTo(Errors.NONE);
                        });
    }

    private void removeFirst(TestNode leader) {
        RemoveRaftVoterResponseData removed = (RemoveRaftVoterResponseData) ask(
                leader,
                new RemoveRaftVoterRequestData()
                        .setClusterId(clusterId)
                        .setVoterId(FIRST)
                        .setVoterDirectoryId(firstDirectory),
                ApiKeys.REMOVE_RAFT_VOTER);
        assertThat(Errors.forCode(removed.errorCode())).isEqualTo(Errors.NONE);
    }

    private static ApiMessage ask(TestNode leader, ApiMessage request, ApiKeys key) {
        return TestNode.get(leader.node.answerPeer(request, key.latestVersion()));
    }

    private static void requireSame(TestNode observer, TestNode voter) {
        TestNode.get(observer.node.awaitOffset(voter.node.image().offset()));
        assertThat(observer.node.image().topics()).isEqualTo(voter.node.image().topics());
    }
}
