// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.log.MetadataLog;
import io.freshet.metadata.state.ClusterState;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.message.DescribeQuorumResponseData;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.SnapshotWriter;

/** A log whose batches are committed when the test says so. */
final class HeldLog implements MetadataLog {
    static final int NODE_ID = 1;

    private List<ApiMessageAndVersion> held = List.of();
    private long nextOffset;
    private int epoch = 1;
    private boolean isLeading = true;
    private boolean hasOtherVoters = true;

    boolean holdsSomething() {
        return !held.isEmpty();
    }

    /** Commits what is held, and applies it. */
    void commit(ClusterState state) {
        commit(state, held);
        held = List.of();
    }

    void commit(ClusterState state, List<ApiMessageAndVersion> records) {
        Batch<ApiMessageAndVersion> batch = Batch.data(nextOffset, epoch, 0, 100, records);
        nextOffset = batch.lastOffset() + 1;
        state.apply(List.of(batch).iterator());
    }

    /** Another node leads from now on, and what is held is lost. */
    void lose() {
        held = List.of();
        epoch++;
        isLeading = false;
    }

    /** This node is elected again. */
    void win() {
        epoch++;
        isLeading = true;
    }

    void votesAlone() {
        hasOtherVoters = false;
    }

    @Override
    public boolean hasOtherVoters() {
        return hasOtherVoters;
    }

    @Override
    public long append(int leaderEpoch, List<ApiMessageAndVersion> records) {
        held = List.copyOf(records);
        return nextOffset + records.size() - 1;
    }

    @Override
    public void flush() {}

    @Override
    public LeaderAndEpoch leaderAndEpoch() {
        return new LeaderAndEpoch(isLeading ? OptionalInt.of(NODE_ID) : OptionalInt.empty(), epoch);
    }

    @Override
    public int nodeId() {
        return NODE_ID;
    }

    @Override
    public OptionalLong highWatermark() {
        return OptionalLong.of(nextOffset);
    }

    @Override
    public long endOffset() {
        return nextOffset;
    }

    @Override
    public void start(Listener listener) {
        throw new UnsupportedOperationException("Nothing listens to this log");
    }

    @Override
    public Optional<SnapshotWriter<ApiMessageAndVersion>> createSnapshot(OffsetAndEpoch end, long timeMs) {
        return Optional.empty();
    }

    @Override
    public void resign(int leaderEpoch) {}

    @Override
    public CompletableFuture<DescribeQuorumResponseData> describeQuorum() {
        throw new UnsupportedOperationException("This log has no quorum");
    }

    @Override
    public CompletableFuture<ApiMessage> answer(ApiMessage request, short apiVersion) {
        throw new UnsupportedOperationException("This log has no peers");
    }

    @Override
    public void close() {}
}
