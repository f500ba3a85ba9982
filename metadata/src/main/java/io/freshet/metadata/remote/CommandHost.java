// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.metadata.ClusterController;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.raft.LeaderAndEpoch;

/** The node that commands are routed from and answered on. Safe for use by many threads. */
public interface CommandHost {
    int nodeId();

    String clusterId();

    /** Who leads the quorum, as far as this node knows now. */
    LeaderAndEpoch leader();

    /** Where voter {@code nodeId} takes commands; empty if this node does not know. */
    Optional<Node> voter(int nodeId);

    /** The ids of all voters, as far as this node knows now. */
    Set<Integer> voterIds();

    /** A voter has said that {@code leader} was elected in {@code epoch}, which is news here. */
    void named(Node leader, int epoch);

    /** Runs commands while this node leads. */
    ClusterController local();

    /** The last log offset that is applied here. */
    long appliedOffset();

    /** Completes when everything up to {@code offset} is applied here and told to the listeners. */
    CompletableFuture<Void> awaitOffset(long offset);

    /** The leader with its address, if both are known. */
    default Optional<Node> leaderNode() {
        LeaderAndEpoch leader = leader();
        return leader.leaderId().isPresent() ? voter(leader.leaderId().getAsInt()) : Optional.empty();
    }
}
