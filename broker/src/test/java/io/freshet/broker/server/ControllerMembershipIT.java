// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.common.runtime.Clock;
import io.freshet.metadata.MetadataFormat.Voter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.clients.admin.RaftVoterEndpoint;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Voters come and go at run time, asked for through Kafka's admin client on the controller listeners. */
class ControllerMembershipIT {
    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private Controllers controllers;

    private void start(int count, Clock clock, Map<String, String> overrides) {
        controllers = new Controllers(directory, clock, overrides);
        controllers.startVoters(count);
    }

    @AfterEach
    void stop() {
        controllers.close();
    }

    @Test
    void describesTheQuorumOnEveryNode() throws Exception {
        start(3, Clock.system(), Map.of());
        commit(1, 3);
        int leader = controllers.leader();
        for (int id : controllers.ids()) {
            try (Admin admin = admin(id)) {
                QuorumInfo quorum = describe(admin);
                assertThat(quorum.leaderId()).isEqualTo(leader);
                assertThat(voters(quorum)).containsExactlyInAnyOrder(1, 2, 3);
                assertThat(quorum.nodes())
                        .hasEntrySatisfying(
                                2,
                                node -> assertThat(node.endpoints())
                                        .singleElement()
                                        .satisfies(endpoint -> assertThat(endpoint.port())
                                                .isEqualTo(controllers.place(2).controllerPort())));
                assertThat(quorum.observers()).isEmpty();
                assertThat(admin.describeCluster().clusterId().get(30, TimeUnit.SECONDS))
                        .isEqualTo(controllers.clusterId);
                assertThat(admin.describeCluster().nodes().get(30, TimeUnit.SECONDS))
                        .hasSize(3);
            }
        }
    }

    @Test
    void aNodeJoinsVotesAndIsNeededThenLeaves() throws Exception {
        start(1, Clock.system(), Map.of());
        Set<Integer> done = commit(1, 10);
        controllers.startWithoutVote(2);
        controllers.startWithoutVote(3);
        controllers.awaitEverywhere(done);
        add(2);
        add(3);
        controllers.stop(controllers.leader());
        done.addAll(commit(11, 20));
        controllers.awaitEverywhere(done);
        controllers.start(1);
        remove(2);
        controllers.stop(2);
        done.addAll(commit(21, 30));
        controllers.awaitEverywhere(done);
        try (Admin admin = admin(controllers.leader())) {
            assertThat(voters(describe(admin))).containsExactlyInAnyOrder(1, 3);
        }
    }

    @Test
    void aFollowerFarBehindLoadsASnapshot() {
        JumpingClock clock = new JumpingClock();
        start(
                3,
                clock,
                Map.of(
                        "metadata.max.retention.bytes",
                        "1024",
                        "metadata.log.max.record.bytes.between.snapshots",
                        "2000"));
        Set<Integer> done = commit(1, 5);
        controllers.awaitEverywhere(done);
        int follower = controllers.ids().stream()
                .filter(id -> id != controllers.leader())
                .findFirst()
                .orElseThrow();
        controllers.stop(follower);
        done.addAll(commit(100, 140));
        controllers.awaitEverywhere(done);
        clock.jump(61_000);
        done.addAll(commit(200, 203));
        for (int id : controllers.ids()) {
            Path first = controllers
                    .directory(id)
                    .resolve("__cluster_metadata-0/00000000000000000000-0000000000.checkpoint");
            await().atMost(Controllers.PATIENCE).until(() -> !Files.exists(first));
        }
        controllers.start(follower);
        controllers.awaitEverywhere(done);
        assertThat(controllers
                        .directory(follower)
                        .resolve("__cluster_metadata-0")
                        .toFile()
                        .list((where, name) ->
                                name.endsWith(".checkpoint") && !name.startsWith("00000000000000000000-")))
                .isNotEmpty();
    }

    private Set<Integer> commit(int from, int to) {
        Set<Integer> done = new HashSet<>();
        for (int number = from; number <= to; number++) {
            controllers.commit(number);
            done.add(number);
        }
        return done;
    }

    private Admin admin(int id) {
        return Admin.create(Map.of(
                "bootstrap.controllers",
                "127.0.0.1:" + controllers.place(id).controllerPort(),
                "default.api.timeout.ms",
                "30000"));
    }

    private static QuorumInfo describe(Admin admin) throws Exception {
        return admin.describeMetadataQuorum().quorumInfo().get(30, TimeUnit.SECONDS);
    }

    private static Set<Integer> voters(QuorumInfo quorum) {
        return quorum.voters().stream().map(QuorumInfo.ReplicaState::replicaId).collect(Collectors.toSet());
    }

    /** Asked again until it is done: a voter that has not caught up, or a leader that is new, refuses for a while. */
    private void add(int id) {
        Voter voter = controllers.place(id);
        await().atMost(Controllers.PATIENCE).until(() -> {
            try (Admin admin = admin(controllers.leader())) {
                admin.addRaftVoter(
                                id,
                                voter.directoryId(),
                                Set.of(new RaftVoterEndpoint("CONTROLLER", "127.0.0.1", voter.controllerPort())))
                        .all()
                        .get(30, TimeUnit.SECONDS);
                return true;
            } catch (ExecutionException e) {
                return voters(describe(admin(controllers.leader()))).contains(id);
            }
        });
    }

    private void remove(int id) {
        await().atMost(Controllers.PATIENCE).until(() -> {
            try (Admin admin = admin(controllers.leader())) {
                admin.removeRaftVoter(id, controllers.place(id).directoryId())
                        .all()
                        .get(30, TimeUnit.SECONDS);
                return true;
            } catch (ExecutionException e) {
                return false;
            }
        });
    }
}
