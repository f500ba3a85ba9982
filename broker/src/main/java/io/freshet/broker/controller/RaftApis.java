// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.controller;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.Replies;
import io.freshet.metadata.QuorumNode;
import io.freshet.protocol.KafkaRequest;
import java.util.Set;
import java.util.function.Function;
import org.apache.kafka.common.protocol.ApiKeys;

/** Hands the requests of the quorum's other nodes to this node's Raft engine. Safe for use by many threads. */
public final class RaftApis {
    private static final Set<ApiKeys> APIS = Set.of(
            ApiKeys.VOTE,
            ApiKeys.BEGIN_QUORUM_EPOCH,
            ApiKeys.END_QUORUM_EPOCH,
            ApiKeys.FETCH,
            ApiKeys.FETCH_SNAPSHOT,
            ApiKeys.UPDATE_RAFT_VOTER,
            ApiKeys.ADD_RAFT_VOTER,
            ApiKeys.REMOVE_RAFT_VOTER,
            ApiKeys.DESCRIBE_QUORUM);

    private final QuorumNode node;

    public RaftApis(QuorumNode node) {
        this.node = node;
    }

    /** Adds all of Raft's APIs to the router of a controller listener. */
    public void register(ApiRouter router) {
        APIS.forEach(api -> router.register(api, this::answer));
    }

    private void answer(KafkaRequest request) {
        Replies.whenDone(
                request,
                node.answerPeer(request.body().data(), request.header().apiVersion())
                        .thenApply(RaftAnswers::inMemory),
                Function.identity());
    }
}
