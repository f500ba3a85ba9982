// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.log.MetadataLog;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.message.DescribeQuorumResponseData;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.raft.BatchReader;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.SnapshotReader;
import org.apache.kafka.snapshot.SnapshotWriter;

/** A log that shows each committed batch to {@code onBatch} before its listener hears of it. */
class WatchedLog implements MetadataLog {
    private final MetadataLog real;
    private final Consumer<Batch<ApiMessageAndVersion>> onBatch;

    WatchedLog(MetadataLog real, Consumer<Batch<ApiMessageAndVersion>> onBatch) {
        this.real = real;
        this.onBatch = onBatch;
    }

    @Override
    public void start(Listener listener) {
        real.start(new Watcher(listener));
    }

    private final class Watcher implements Listener {
        private final Listener listener;

        Watcher(Listener listener) {
            this.listener = listener;
        }

        @Override
        public void onCommit(BatchReader<ApiMessageAndVersion> batches) {
            List<Batch<ApiMessageAndVersion>> read = new ArrayList<>();
            long base = batches.baseOffset();
            OptionalLong last = batches.lastOffset();
            try (batches) {
                batches.forEachRemaining(read::add);
            }
            read.forEach(onBatch);
            listener.onCommit(new Read(base, last, read.iterator()));
        }

        @Override
        public void onSnapshot(SnapshotReader<ApiMessageAndVersion> snapshot) {
            listener.onSnapshot(snapshot);
        }

        @Override
        public void onBootstrap(SnapshotReader<ApiMessageAndVersion> bootstrap) {
            listener.onBootstrap(bootstrap);
        }

        @Override
        public void onLeaderChange(LeaderAndEpoch leader) {
            listener.onLeaderChange(leader);
        }

        @Override
        public void onFault(Throwable fault) {
            listener.onFault(fault);
        }
    }

    /** Batches that were read already. */
    record Read(long baseOffset, OptionalLong lastOffset, Iterator<Batch<ApiMessageAndVersion>> batches)
            implements BatchReader<ApiMessageAndVersion> {
        @Override
        public boolean hasNext() {
            return batches.hasNext();
        }

        @Override
        public Batch<ApiMessageAndVersion> next() {
            return batches.next();
        }

        @Override
        public void close() {}
    }

    @Override
    public long append(int leaderEpoch, List<ApiMessageAndVersion> records) {
        return real.append(leaderEpoch, records);
    }

    @Override
    public void flush() {
        real.flush();
    }

    @Override
    public LeaderAndEpoch leaderAndEpoch() {
        return real.leaderAndEpoch();
    }

    @Override
    public Optional<Node> voter(int voterId) {
        return real.voter(voterId);
    }

    @Override
    public Optional<Node> place(int nodeId) {
        return real.place(nodeId);
    }

    @Override
    public Set<Integer> voterIds() {
        return real.voterIds();
    }

    @Override
    public void named(Node leader, int epoch) {
        real.named(leader, epoch);
    }

    @Override
    public OptionalLong leaderHeardAtNs() {
        return real.leaderHeardAtNs();
    }

    @Override
    public boolean hasOtherVoters() {
        return real.hasOtherVoters();
    }

    @Override
    public int nodeId() {
        return real.nodeId();
    }

    @Override
    public OptionalLong highWatermark() {
        return real.highWatermark();
    }

    @Override
    public long endOffset() {
        return real.endOffset();
    }

    @Override
    public long snapshotBytes() {
        return real.snapshotBytes();
    }

    @Override
    public Optional<SnapshotWriter<ApiMessageAndVersion>> createSnapshot(OffsetAndEpoch end, long timeMs) {
        return real.createSnapshot(end, timeMs);
    }

    @Override
    public void resign(int leaderEpoch) {
        real.resign(leaderEpoch);
    }

    @Override
    public CompletableFuture<DescribeQuorumResponseData> describeQuorum() {
        return real.describeQuorum();
    }

    @Override
    public CompletableFuture<ApiMessage> answer(ApiMessage request, short apiVersion) {
        return real.answer(request, apiVersion);
    }

    @Override
    public void close() {
        real.close();
    }
}
