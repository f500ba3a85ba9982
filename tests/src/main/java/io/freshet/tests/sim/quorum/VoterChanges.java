// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.log.RaftLogSettings;
import io.freshet.tests.sim.SimRandom;
import java.util.List;
import org.apache.kafka.common.message.AddRaftVoterRequestData;
import org.apache.kafka.common.message.AddRaftVoterResponseData;
import org.apache.kafka.common.message.RemoveRaftVoterRequestData;
import org.apache.kafka.common.message.RemoveRaftVoterResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;

/**
 * Takes votes away and gives them back, as an operator would who asks the leader; in some runs. Two nodes vote at least. What is drawn here
 * does not disturb the course of other runs.
 */
final class VoterChanges {
    private static final long SALT = 0x766f746572734c4cL;
    private static final long TICK_MS = 1_000;
    private static final int LEAST_VOTERS = 2;
    private static final int TIMEOUT_MS = 5_000;

    private final QuorumWorld world;
    private final SimRandom random;
    private final double probability;
    private boolean isOver;

    VoterChanges(QuorumWorld world, long seed) {
        this.world = world;
        this.random = new SimRandom(seed ^ SALT);
        this.probability = random.chance(0.3) ? random.nextDouble() * 0.5 : 0;
    }

    /** Whether there are any in this run: then no node may be gone for good, as it may be one of two that vote. */
    boolean happen() {
        return probability > 0;
    }

    void start() {
        if (happen()) {
            world.process.after(TICK_MS, "voters", this::tick);
        }
    }

    void end() {
        isOver = true;
    }

    private void tick() {
        if (isOver) {
            return;
        }
        if (random.chance(probability)) {
            world.runs().stream()
                    .filter(run -> run.leads() && !run.process().isPaused())
                    .findFirst()
                    .ifPresent(this::change);
        }
        world.process.after(TICK_MS, "voters", this::tick);
    }

    private void change(NodeRun leader) {
        List<SimNode> able = world.nodes.stream().filter(SimNode::isVoter).toList();
        List<SimNode> voters =
                able.stream().filter(node -> leader.knowsVoter(node.id())).toList();
        List<SimNode> others =
                able.stream().filter(node -> !voters.contains(node)).toList();
        if (!others.isEmpty() && (voters.size() <= LEAST_VOTERS || random.chance(0.5))) {
            add(leader, others.get(random.below(others.size())));
        } else if (voters.size() > LEAST_VOTERS) {
            remove(leader, voters.get(random.below(voters.size())));
        }
    }

    private void add(NodeRun leader, SimNode node) {
        AddRaftVoterRequestData.ListenerCollection listeners = new AddRaftVoterRequestData.ListenerCollection();
        listeners.add(new AddRaftVoterRequestData.Listener()
                .setName(RaftLogSettings.CONTROLLER_LISTENER)
                .setHost("127.0.0.1")
                .setPort(SimRaftChannel.FIRST_PORT + node.id()));
        ask(
                leader,
                new AddRaftVoterRequestData()
                        .setClusterId(QuorumWorld.CLUSTER_ID)
                        .setTimeoutMs(TIMEOUT_MS)
                        .setVoterId(node.id())
                        .setVoterDirectoryId(node.directoryId())
                        .setListeners(listeners),
                ApiKeys.ADD_RAFT_VOTER,
                "gets a vote",
                node);
    }

    private void remove(NodeRun leader, SimNode node) {
        ask(
                leader,
                new RemoveRaftVoterRequestData()
                        .setClusterId(QuorumWorld.CLUSTER_ID)
                        .setVoterId(node.id())
                        .setVoterDirectoryId(node.directoryId()),
                ApiKeys.REMOVE_RAFT_VOTER,
                "loses its vote",
                node);
    }

    private void ask(NodeRun leader, ApiMessage request, ApiKeys key, String what, SimNode node) {
        leader.process()
                .after(
                        0,
                        "voters",
                        () -> leader.quorum()
                                .answerPeer(request, key.latestVersion())
                                .whenComplete((answer, error) -> {
                                    Errors result = error == null
                                            ? Errors.forCode(errorOf(answer))
                                            : Errors.forException(error);
                                    world.time.say(
                                            leader.process(), () -> "node " + node.id() + " " + what + ": " + result);
                                    if (result == Errors.NONE) {
                                        world.counts.add("node " + what);
                                    }
                                }));
    }

    private static short errorOf(ApiMessage answer) {
        return answer instanceof AddRaftVoterResponseData added
                ? added.errorCode()
                : ((RemoveRaftVoterResponseData) answer).errorCode();
    }
}
