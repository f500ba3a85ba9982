// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.metadata.log.MetadataLog;
import io.freshet.metadata.mirror.CommitPath;
import io.freshet.metadata.state.ClusterState;
import io.freshet.metadata.state.ClusterState.FrozenState;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.apache.kafka.raft.Batch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** When a node writes a snapshot. Metadata thread; the writing itself is the snapshot thread's. */
final class SnapshotSchedule {
    private static final Logger LOG = LoggerFactory.getLogger(SnapshotSchedule.class);

    /** Some seconds of a restart. */
    private static final long MAX_REPLAYED_BYTES = 256L << 20;

    private final MetadataLog log;
    private final ClusterState state;
    private final CommitPath path;
    private final NodeThreads threads;
    private final long afterBytes;
    private final Counter written;
    private long bytesSince;
    private volatile boolean isWriting;

    /** {@code afterBytes}: the least that the log grows by between two snapshots. */
    SnapshotSchedule(
            MetadataLog log,
            ClusterState state,
            CommitPath path,
            NodeThreads threads,
            long afterBytes,
            MeterRegistry registry) {
        this.log = log;
        this.state = state;
        this.path = path;
        this.threads = threads;
        this.afterBytes = afterBytes;
        this.written = registry.counter("freshet.metadata.snapshots");
    }

    /** These are in the state: a snapshot may be due. */
    void onApplied(List<? extends Batch<?>> batches) {
        for (Batch<?> batch : batches) {
            bytesSince += batch.sizeInBytes();
        }
        if (!isWriting && (isDue() || path.wantsSnapshot())) {
            write(new CompletableFuture<>());
        }
    }

    /** The state came from a snapshot. */
    void onLoaded() {
        bytesSince = 0;
    }

    /**
     * A snapshot holds everything, so a large one is due when the log has grown by twice its size, about half of what it has unpacked:
     * that bounds what is written for each byte of the log, and what a restart reads.
     */
    private boolean isDue() {
        return bytesSince >= afterBytes && bytesSince >= Math.min(2 * log.snapshotBytes(), MAX_REPLAYED_BYTES);
    }

    /** Writes what is applied now; {@code done} says whether there was something to write, when it is on the disk. */
    void write(CompletableFuture<Boolean> done) {
        isWriting = true;
        bytesSince = 0;
        FrozenState frozen = state.freeze();
        try {
            threads.snapshots().execute(() -> write(frozen, done));
        } catch (RejectedExecutionException e) {
            frozen.close();
            done.completeExceptionally(QuorumNode.stopping());
        }
    }

    private void write(FrozenState frozen, CompletableFuture<Boolean> done) {
        try (frozen) {
            boolean isWritten = SnapshotWriting.write(log, frozen);
            path.writeSnapshot(frozen);
            written.increment();
            done.complete(isWritten);
        } catch (RuntimeException e) {
            LOG.warn("Writing a metadata snapshot failed; the log keeps growing until one succeeds", e);
            done.completeExceptionally(e);
        } finally {
            isWriting = false;
        }
    }
}
