// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.RaftRequest;
import org.apache.kafka.raft.RaftResponse;
import org.jspecify.annotations.Nullable;

/**
 * A channel that answers Raft's fetches itself, as any voter would, when another node has named a leader of a later epoch than theirs. A fetch
 * of a node without a vote may be on its way to a leader of the past that is frozen or cut off: the client would wait for its answer until the
 * request times out, and then ask configured addresses at random, which may be that node's again. Safe for use by many threads.
 */
@SuppressWarnings("try") // close() may throw what the interface lets it
final class NamedLeaderChannel implements NetworkChannel {
    private final NetworkChannel owned;
    private final Set<Fetch> waiting = ConcurrentHashMap.newKeySet();
    private volatile @Nullable Named newest;

    NamedLeaderChannel(NetworkChannel owned) {
        this.owned = owned;
    }

    private record Named(Node leader, int epoch) {}

    /** One that has no answer yet. */
    private static final class Fetch {
        private final RaftRequest.Outbound request;
        private final FetchRequestData.FetchTopic topic;
        private final CompletableFuture<RaftResponse.Inbound> answer = new CompletableFuture<>();

        Fetch(RaftRequest.Outbound request, FetchRequestData data) {
            this.request = request;
            this.topic = data.topics().get(0); // the metadata, which have one partition
        }

        FetchRequestData.FetchPartition partition() {
            return topic.partitions().get(0);
        }
    }

    /** A voter says that {@code leader} was elected in {@code epoch}. */
    void named(Node leader, int epoch) {
        synchronized (this) {
            Named before = newest;
            if (before == null || epoch > before.epoch) {
                newest = new Named(leader, epoch);
            }
        }
        waiting.forEach(this::answerByName);
    }

    @Override
    public CompletionStage<RaftResponse.Inbound> send(RaftRequest.Outbound request) {
        if (!(request.data() instanceof FetchRequestData data)) {
            return owned.send(request);
        }
        Fetch fetch = new Fetch(request, data);
        waiting.add(fetch);
        fetch.answer.whenComplete((answer, error) -> waiting.remove(fetch));
        answerByName(fetch);
        if (!fetch.answer.isDone()) {
            owned.send(request).whenComplete((answer, error) -> {
                if (error == null) {
                    fetch.answer.complete(answer);
                } else {
                    fetch.answer.completeExceptionally(error);
                }
            });
        }
        return fetch.answer;
    }

    private void answerByName(Fetch fetch) {
        Named named = newest;
        Node asked = fetch.request.destination();
        if (named != null && fetch.partition().currentLeaderEpoch() < named.epoch && asked.id() != named.leader.id()) {
            fetch.answer.complete(new RaftResponse.Inbound(fetch.request.correlationId(), answer(fetch, named), asked));
        }
    }

    private static FetchResponseData answer(Fetch fetch, Named named) {
        FetchResponseData answer = new FetchResponseData()
                .setResponses(List.of(new FetchResponseData.FetchableTopicResponse()
                        .setTopic(fetch.topic.topic())
                        .setTopicId(fetch.topic.topicId())
                        .setPartitions(List.of(new FetchResponseData.PartitionData()
                                .setPartitionIndex(fetch.partition().partition())
                                .setErrorCode(Errors.FENCED_LEADER_EPOCH.code())
                                .setCurrentLeader(new FetchResponseData.LeaderIdAndEpoch()
                                        .setLeaderId(named.leader.id())
                                        .setLeaderEpoch(named.epoch))))));
        answer.nodeEndpoints()
                .add(new FetchResponseData.NodeEndpoint()
                        .setNodeId(named.leader.id())
                        .setHost(named.leader.host())
                        .setPort(named.leader.port()));
        return answer;
    }

    @Override
    public int newCorrelationId() {
        return owned.newCorrelationId();
    }

    @Override
    public ListenerName listenerName() {
        return owned.listenerName();
    }

    @Override
    public void close() throws Exception {
        owned.close();
    }
}
