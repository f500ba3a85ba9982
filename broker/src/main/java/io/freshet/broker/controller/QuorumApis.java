// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.controller;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.Replies;
import io.freshet.protocol.KafkaRequest;
import java.util.function.Function;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AddRaftVoterRequest;
import org.apache.kafka.common.requests.DescribeQuorumRequest;
import org.apache.kafka.common.requests.RemoveRaftVoterRequest;

/** What operators ask of the quorum, on any node: the leader answers. Safe for use by many threads. */
public final class QuorumApis {
    private final LeaderForward leader;

    public QuorumApis(LeaderForward leader) {
        this.leader = leader;
    }

    /** Adds the description of the quorum and the changes of its voters. */
    public void register(ApiRouter router) {
        router.register(ApiKeys.DESCRIBE_QUORUM, this::forward);
        router.register(ApiKeys.ADD_RAFT_VOTER, this::forward);
        router.register(ApiKeys.REMOVE_RAFT_VOTER, this::forward);
    }

    private void forward(KafkaRequest request) {
        ApiMessage body = request.body().data();
        Replies.whenDone(
                request, leader.ask(body, request.header().apiVersion(), copyOf(request.body())), Function.identity());
    }

    private static AbstractRequest.Builder<? extends AbstractRequest> copyOf(AbstractRequest request) {
        if (request instanceof DescribeQuorumRequest describe) {
            return new DescribeQuorumRequest.Builder(describe.data());
        }
        if (request instanceof AddRaftVoterRequest add) {
            return new AddRaftVoterRequest.Builder(add.data());
        }
        if (request instanceof RemoveRaftVoterRequest remove) {
            return new RemoveRaftVoterRequest.Builder(remove.data());
        }
        throw new IllegalArgumentException(request.apiKey() + " is not a request about the quorum");
    }
}
