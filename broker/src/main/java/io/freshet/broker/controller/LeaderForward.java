// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.controller;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.QuorumNode;
import io.freshet.metadata.log.PeerRequests;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;

/**
 * Asks the quorum's leader: this node's own engine if it leads, else the leader's controller listener. Safe for use by many
 * threads.
 */
public final class LeaderForward {
    private final QuorumNode node;
    private final int nodeId;
    private final Optional<PeerRequests> peers;

    /** @param peers the way to other nodes; empty on the only voter of its quorum, which always leads */
    public LeaderForward(QuorumNode node, int nodeId, Optional<PeerRequests> peers) {
        this.node = node;
        this.nodeId = nodeId;
        this.peers = peers;
    }

    /**
     * The leader's response to {@code body} in {@code version}.
     *
     * @param again makes the same request for another node
     * @return fails with UNAVAILABLE if no leader is known, or as {@link PeerRequests#send}
     */
    CompletableFuture<AbstractResponse> ask(
            ApiMessage body, short version, AbstractRequest.Builder<? extends AbstractRequest> again) {
        Optional<Node> leader = node.leaderNode();
        if (peers.isEmpty() || (leader.isPresent() && leader.get().id() == nodeId)) {
            return node.answerPeer(body, version).thenApply(RaftAnswers::inMemory);
        }
        return leader.map(at -> peers.get().send(at, again))
                .orElseGet(() -> CompletableFuture.failedFuture(new FreshetException(
                        ErrorKind.UNAVAILABLE, "The metadata quorum has no leader that this node knows; retry")));
    }
}
