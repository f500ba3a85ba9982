// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.metadata.ClusterController;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.raft.LeaderAndEpoch;

/** A node that believes what the test says. Its controller is never touched: the tests' commands bring their own. */
final class FakeHost implements CommandHost {
    static final String CLUSTER = "cluster-1";

    private final int nodeId;
    private final TreeMap<Long, CompletableFuture<Void>> waiting = new TreeMap<>();
    private LeaderAndEpoch leader = LeaderAndEpoch.UNKNOWN;
    private Set<Integer> voters = Set.of();
    private final List<String> named = new ArrayList<>();
    private long applied;

    FakeHost(int nodeId) {
        this.nodeId = nodeId;
    }

    static Node node(int id) {
        return new Node(id, "host-" + id, 9000 + id);
    }

    void leader(int id, int epoch) {
        leader = new LeaderAndEpoch(id < 0 ? OptionalInt.empty() : OptionalInt.of(id), epoch);
    }

    void voters(Integer... ids) {
        voters = Set.of(ids);
    }

    List<String> named() {
        return named;
    }

    void apply(long offset) {
        applied = offset;
        while (!waiting.isEmpty() && waiting.firstKey() <= offset) {
            waiting.pollFirstEntry().getValue().complete(null);
        }
    }

    @Override
    public int nodeId() {
        return nodeId;
    }

    @Override
    public String clusterId() {
        return CLUSTER;
    }

    @Override
    public LeaderAndEpoch leader() {
        return leader;
    }

    @Override
    public Optional<Node> voter(int nodeId) {
        return Optional.of(node(nodeId));
    }

    @Override
    public Set<Integer> voterIds() {
        return voters;
    }

    @Override
    public void named(Node leader, int epoch) {
        named.add(leader.id() + " in " + epoch);
    }

    @Override
    public ClusterController local() {
        return (ClusterController) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ClusterController.class}, (proxy, method, args) -> {
                    throw new UnsupportedOperationException(method.getName());
                });
    }

    @Override
    public long appliedOffset() {
        return applied;
    }

    @Override
    public CompletableFuture<Void> awaitOffset(long offset) {
        return applied >= offset
                ? CompletableFuture.completedFuture(null)
                : waiting.computeIfAbsent(offset, key -> new CompletableFuture<>());
    }
}
