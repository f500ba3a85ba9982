// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.runtime.Clock;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.FetchSnapshotResponseData;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.RaftRequest;
import org.apache.kafka.raft.RaftResponse;
import org.junit.jupiter.api.Test;

/** What can be known of other nodes from Raft's own requests. */
@SuppressWarnings("try") // close() may throw what the interface lets it
class HearingChannelTest {
    @Test
    void remembersWhereRaftHasFoundANode() throws Exception {
        try (HearingChannel channel =
                new HearingChannel(new LonelyChannel(RaftLogSettings.CONTROLLER_LISTENER), Clock.system())) {
            assertThat(channel.place(3)).isEmpty();
            send(channel, new Node(-2, "first", 9000));
            assertThat(channel.place(-2)).isEmpty();
            Node leader = new Node(3, "leader", 9003);
            send(channel, leader);
            assertThat(channel.place(3)).contains(leader);
            Node moved = new Node(3, "leader", 9004);
            send(channel, moved);
            assertThat(channel.place(3)).contains(moved);
            assertThat(channel.place(4)).isEmpty();
        }
    }

    @Test
    void aLeaderIsHeardAtAnAddressWhoseNodeIsNotKnown() throws Exception {
        AtomicLong nowNs = new AtomicLong(7);
        Answering network = new Answering();
        try (HearingChannel channel = new HearingChannel(network, new NanoClock(nowNs))) {
            network.answer = fetched(Errors.NONE, 3);
            send(channel, new Node(-2, "first", 9000));
            assertThat(channel.leaderHeardAtNs()).hasValue(7);
            nowNs.set(8);
            network.answer = new FetchSnapshotResponseData()
                    .setTopics(List.of(new FetchSnapshotResponseData.TopicSnapshot()
                            .setPartitions(List.of(new FetchSnapshotResponseData.PartitionSnapshot()
                                    .setCurrentLeader(
                                            new FetchSnapshotResponseData.LeaderIdAndEpoch().setLeaderId(3))))));
            send(channel, new Node(3, "leader", 9003));
            assertThat(channel.leaderHeardAtNs()).hasValue(8);
        }
    }

    @Test
    void whoKnowsTheLeaderIsNotHeardForIt() throws Exception {
        Answering network = new Answering();
        try (HearingChannel channel = new HearingChannel(network, new NanoClock(new AtomicLong(7)))) {
            network.answer = fetched(Errors.NOT_LEADER_OR_FOLLOWER, 3);
            send(channel, new Node(2, "follower", 9002));
            network.answer = new FetchResponseData().setErrorCode(Errors.BROKER_NOT_AVAILABLE.code());
            send(channel, new Node(3, "leader", 9003));
            assertThat(channel.leaderHeardAtNs()).isEmpty();
        }
    }

    private static FetchResponseData fetched(Errors error, int leaderId) {
        return new FetchResponseData()
                .setResponses(List.of(new FetchResponseData.FetchableTopicResponse()
                        .setPartitions(List.of(new FetchResponseData.PartitionData()
                                .setErrorCode(error.code())
                                .setCurrentLeader(new FetchResponseData.LeaderIdAndEpoch().setLeaderId(leaderId))))));
    }

    private static void send(HearingChannel channel, Node to) {
        channel.send(new RaftRequest.Outbound(1, new FetchRequestData(), to, 0));
    }

    private record NanoClock(AtomicLong nowNs) implements Clock {
        @Override
        public long wallMs() {
            return 0;
        }

        @Override
        public long nanoTime() {
            return nowNs.get();
        }
    }

    /** Gives each request the same answer, at once. */
    private static final class Answering implements NetworkChannel {
        private ApiMessage answer = new FetchResponseData();

        @Override
        public int newCorrelationId() {
            return 0;
        }

        @Override
        public CompletionStage<RaftResponse.Inbound> send(RaftRequest.Outbound request) {
            return CompletableFuture.completedFuture(new RaftResponse.Inbound(0, answer, request.destination()));
        }

        @Override
        public ListenerName listenerName() {
            return new ListenerName(RaftLogSettings.CONTROLLER_LISTENER);
        }

        @Override
        public void close() {}
    }
}
