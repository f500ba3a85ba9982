// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.message.BeginQuorumEpochRequestData;
import org.apache.kafka.common.message.BeginQuorumEpochResponseData;
import org.apache.kafka.common.message.EndQuorumEpochRequestData;
import org.apache.kafka.common.message.EndQuorumEpochResponseData;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.raft.Endpoints;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.RaftRequest;
import org.apache.kafka.raft.RaftResponse;
import org.junit.jupiter.api.Test;

/** What keeps Raft's client going while voters come and go. */
@SuppressWarnings("try") // close() may throw what the interface lets it
class VoterChangeChannelTest {
    private static final ListenerName LISTENER = new ListenerName(RaftLogSettings.CONTROLLER_LISTENER);
    private static final Endpoints PLACE =
            Endpoints.fromInetSocketAddresses(Map.of(LISTENER, InetSocketAddress.createUnresolved("leader", 9093)));
    private static final Node PEER = new Node(2, "peer", 9094);

    private final Answering network = new Answering();
    private final Set<Integer> voters = new HashSet<>(Set.of(2));
    private final VoterChangeChannel channel = new VoterChangeChannel(network, PLACE, voters::contains);

    @Test
    void aLeaderThatResignsSaysWhereItIs() {
        network.answer = new EndQuorumEpochResponseData();
        EndQuorumEpochRequestData request = new EndQuorumEpochRequestData();
        send(request);
        assertThat(Endpoints.fromEndQuorumEpochRequest(request.leaderEndpoints()))
                .isEqualTo(PLACE);
        assertThat(network.sent).isSameAs(request);
    }

    @Test
    void aPlaceThatIsThereStays() {
        network.answer = new EndQuorumEpochResponseData();
        EndQuorumEpochRequestData request = new EndQuorumEpochRequestData();
        request.leaderEndpoints()
                .add(new EndQuorumEpochRequestData.LeaderEndpoint()
                        .setName("other")
                        .setHost("host")
                        .setPort(1));
        send(request);
        assertThat(request.leaderEndpoints()).hasSize(1);
        assertThat(request.leaderEndpoints().find("other")).isNotNull();
    }

    @Test
    void whoLosesItsVoteWhileItsAnswerWaitsIsNotAvailable() {
        network.answer = new BeginQuorumEpochResponseData()
                .setTopics(List.of(new BeginQuorumEpochResponseData.TopicData().setTopicName("topic")));
        BeginQuorumEpochResponseData answer = (BeginQuorumEpochResponseData) send(new BeginQuorumEpochRequestData());
        assertThat(answer.topics().get(0).topicName()).isEqualTo("topic");
        assertThat(Errors.forCode(answer.errorCode())).isEqualTo(Errors.NONE);
        voters.remove(2);
        assertThat(Errors.forCode(answer.errorCode())).isEqualTo(Errors.BROKER_NOT_AVAILABLE);
    }

    @Test
    void aVotersErrorIsItsOwn() {
        network.answer = new BeginQuorumEpochResponseData().setErrorCode(Errors.INVALID_REQUEST.code());
        BeginQuorumEpochResponseData answer = (BeginQuorumEpochResponseData) send(new BeginQuorumEpochRequestData());
        assertThat(Errors.forCode(answer.errorCode())).isEqualTo(Errors.INVALID_REQUEST);
    }

    private ApiMessage send(ApiMessage request) {
        return channel.send(new RaftRequest.Outbound(1, request, PEER, 0))
                .toCompletableFuture()
                .join()
                .data();
    }

    /** Gives each request the same answer, at once. */
    private static final class Answering implements NetworkChannel {
        private ApiMessage answer = new EndQuorumEpochResponseData();
        private ApiMessage sent = answer;

        @Override
        public int newCorrelationId() {
            return 0;
        }

        @Override
        public CompletionStage<RaftResponse.Inbound> send(RaftRequest.Outbound request) {
            sent = request.data();
            return CompletableFuture.completedFuture(
                    new RaftResponse.Inbound(request.correlationId(), answer, request.destination()));
        }

        @Override
        public ListenerName listenerName() {
            return LISTENER;
        }

        @Override
        public void close() {}
    }
}
