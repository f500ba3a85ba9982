// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.VoteRequestData;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.RaftRequest;
import org.apache.kafka.raft.RaftResponse;
import org.junit.jupiter.api.Test;

class NamedLeaderChannelTest {
    private static final Node FROZEN = new Node(1, "frozen", 9001);
    private static final Node ELECTED = new Node(2, "elected", 9002);
    private static final Uuid TOPIC = new Uuid(3, 4);

    private final Silence network = new Silence();
    private final NamedLeaderChannel channel = new NamedLeaderChannel(network);

    @Test
    void aFetchOnItsWayToALeaderOfThePastIsAnswered() {
        CompletableFuture<RaftResponse.Inbound> answer = send(fetch(5), FROZEN);
        channel.named(ELECTED, 5);
        assertThat(answer).as("the epoch that it knows").isNotDone();
        channel.named(ELECTED, 6);
        assertNames(answer, 6);
        network.waiting.get(0).complete(null);
        assertNames(answer, 6);
    }

    @Test
    void aLaterFetchOfAnOldEpochIsAnsweredAtOnce() {
        channel.named(ELECTED, 6);
        channel.named(FROZEN, 5);
        assertNames(send(fetch(5), new Node(-2, "first", 9001)), 6);
        assertThat(network.waiting).isEmpty();
    }

    @Test
    void whoeverKnowsTheLeaderOrAsksItselfAsksTheNetwork() {
        channel.named(ELECTED, 6);
        RaftResponse.Inbound given = new RaftResponse.Inbound(1, new FetchResponseData(), ELECTED);
        CompletableFuture<RaftResponse.Inbound> early = send(fetch(5), ELECTED);
        CompletableFuture<RaftResponse.Inbound> known = send(fetch(6), FROZEN);
        CompletableFuture<RaftResponse.Inbound> lost = send(fetch(6), FROZEN);
        CompletableFuture<RaftResponse.Inbound> vote = send(new VoteRequestData(), FROZEN);
        network.waiting.get(0).complete(given);
        network.waiting.get(1).complete(given);
        network.waiting.get(2).completeExceptionally(new IllegalStateException("lost"));
        network.waiting.get(3).complete(given);
        assertThat(early).isCompletedWithValue(given);
        assertThat(known).isCompletedWithValue(given);
        assertThat(lost).isCompletedExceptionally();
        assertThat(vote).isCompletedWithValue(given);
    }

    private static void assertNames(CompletableFuture<RaftResponse.Inbound> answer, int epoch) {
        assertThat(answer).isCompleted();
        FetchResponseData data = (FetchResponseData) answer.join().data();
        FetchResponseData.FetchableTopicResponse topic = data.responses().get(0);
        assertThat(topic.topicId()).isEqualTo(TOPIC);
        FetchResponseData.PartitionData partition = topic.partitions().get(0);
        assertThat(partition.errorCode()).isEqualTo(Errors.FENCED_LEADER_EPOCH.code());
        assertThat(partition.currentLeader().leaderId()).isEqualTo(ELECTED.id());
        assertThat(partition.currentLeader().leaderEpoch()).isEqualTo(epoch);
        assertThat(data.nodeEndpoints().find(ELECTED.id()).host()).isEqualTo(ELECTED.host());
    }

    private static FetchRequestData fetch(int leaderEpoch) {
        return new FetchRequestData()
                .setTopics(List.of(new FetchRequestData.FetchTopic()
                        .setTopicId(TOPIC)
                        .setPartitions(
                                List.of(new FetchRequestData.FetchPartition().setCurrentLeaderEpoch(leaderEpoch)))));
    }

    private CompletableFuture<RaftResponse.Inbound> send(ApiMessage data, Node to) {
        return channel.send(new RaftRequest.Outbound(1, data, to, 0)).toCompletableFuture();
    }

    /** Answers when the test does. */
    private static final class Silence implements NetworkChannel {
        private final List<CompletableFuture<RaftResponse.Inbound>> waiting = new ArrayList<>();

        @Override
        public int newCorrelationId() {
            return 0;
        }

        @Override
        public CompletionStage<RaftResponse.Inbound> send(RaftRequest.Outbound request) {
            CompletableFuture<RaftResponse.Inbound> answer = new CompletableFuture<>();
            waiting.add(answer);
            return answer;
        }

        @Override
        public ListenerName listenerName() {
            return new ListenerName(RaftLogSettings.CONTROLLER_LISTENER);
        }

        @Override
        public void close() {}
    }
}
