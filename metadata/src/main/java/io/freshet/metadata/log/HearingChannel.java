// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import io.freshet.common.runtime.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.FetchSnapshotResponseData;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.RaftRequest;
import org.apache.kafka.raft.RaftResponse;

/**
 * A channel that remembers when a leader has last answered a fetch (a follower fetches all the time, so that is how long its leader has
 * been silent when another is elected) and where Raft has last found each node. Safe for use by many threads.
 */
@SuppressWarnings("try") // close() may throw what the interface lets it
final class HearingChannel implements NetworkChannel {
    private final NetworkChannel owned;
    private final Clock clock;
    private final Map<Integer, Node> places = new ConcurrentHashMap<>();
    private volatile OptionalLong leaderHeardAtNs = OptionalLong.empty();

    HearingChannel(NetworkChannel owned, Clock clock) {
        this.owned = owned;
        this.clock = clock;
    }

    /** When a node last answered as leader, on the monotonic clock; empty if none ever did. */
    OptionalLong leaderHeardAtNs() {
        return leaderHeardAtNs;
    }

    /** Where Raft has last sent something for this node; empty if it never did, or did not know yet whose address that is. */
    Optional<Node> place(int nodeId) {
        return Optional.ofNullable(places.get(nodeId));
    }

    @Override
    public int newCorrelationId() {
        return owned.newCorrelationId();
    }

    @Override
    public CompletionStage<RaftResponse.Inbound> send(RaftRequest.Outbound request) {
        Node to = request.destination();
        if (to.id() >= 0 && !to.equals(places.get(to.id()))) { // those to ask first have negative numbers
            places.put(to.id(), to);
        }
        return owned.send(request).whenComplete((answer, error) -> {
            if (error == null && isLeaders(answer.data())) {
                leaderHeardAtNs = OptionalLong.of(clock.nanoTime());
            }
        });
    }

    /** Only a leader answers without an error. Without a connection the channel answers by itself, with one. */
    private static boolean isLeaders(ApiMessage answer) {
        if (answer instanceof FetchResponseData fetched && fetched.errorCode() == Errors.NONE.code()) {
            return fetched.responses().stream()
                    .flatMap(topic -> topic.partitions().stream())
                    .anyMatch(partition -> partition.errorCode() == Errors.NONE.code());
        }
        if (answer instanceof FetchSnapshotResponseData fetched && fetched.errorCode() == Errors.NONE.code()) {
            return fetched.topics().stream()
                    .flatMap(topic -> topic.partitions().stream())
                    .anyMatch(partition -> partition.errorCode() == Errors.NONE.code());
        }
        return false;
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
