// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.broker.partition.MovablePartition;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.jspecify.annotations.Nullable;

/** Whether a cluster serves all that it should. */
record ServiceCheck(QuorumWorld world) {
    /** What keeps the cluster from serving every partition; null if nothing does. */
    @Nullable
    String whatIsMissing() {
        List<NodeRun> leaders = world.runs().stream().filter(NodeRun::leads).toList();
        if (leaders.size() != 1) {
            return leaders.size() + " nodes lead";
        }
        for (SimNode node : world.nodes) {
            NodeRun run = node.run();
            if (!node.isGone() && (run == null || !run.isReady())) {
                return "node " + node.id() + " is not ready";
            }
            Member broker = run == null ? null : run.broker();
            if (!node.isGone() && node.isBroker() && (broker == null || !broker.mayServe())) {
                return "node " + node.id() + " does not serve: " + broker;
            }
        }
        NodeRun leader = leaders.get(0);
        for (NodeRun run : world.runs()) {
            if (run.quorum().state().appliedOffset() != leader.quorum().state().appliedOffset()) {
                return "node " + run.id() + " has applied "
                        + run.quorum().state().appliedOffset() + " only";
            }
        }
        return whichIsNotServed(leader.quorum().image());
    }

    private @Nullable String whichIsNotServed(MetadataImage image) {
        for (TopicImage topic : image.topics().topicsById().values()) {
            for (Map.Entry<Integer, PartitionRegistration> entry : new TreeMap<>(topic.partitions()).entrySet()) {
                TopicPartition name = new TopicPartition(topic.name(), entry.getKey());
                List<Member> owners = world.brokers().stream()
                        .filter(broker ->
                                broker.mayServe() && broker.storage().takesAppends(name, entry.getValue().leaderEpoch))
                        .toList();
                if (owners.size() != 1 || owners.get(0).id() != entry.getValue().leader) {
                    return "partition " + name + ", " + entry.getValue() + ", is served by " + owners;
                }
            }
        }
        return null;
    }

    /** The same, and what is in no object yet. */
    @Nullable
    String whatIsUncommitted() {
        for (Member broker : world.brokers()) {
            for (MovablePartition partition : broker.storage().partitions()) {
                if (!partition.isSettled()) {
                    return partition.id() + " in leader epoch " + partition.leaderEpoch() + " of " + broker
                            + " is not committed";
                }
            }
        }
        return whatIsMissing();
    }
}
