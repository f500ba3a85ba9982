// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.metadata.state.ClusterState.FrozenState;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;

/**
 * The way from the log's commits to the state. All calls but {@link #writeSnapshot} are made on the metadata thread, and
 * what is handed over runs there, in the order of the calls.
 */
public interface CommitPath {
    /** The batches are committed in the log; {@code apply} makes them take effect, at once or when they are mirrored. */
    void commit(List<Batch<ApiMessageAndVersion>> batches, Runnable apply);

    /** Runs {@code event} when everything that was committed before it has taken effect. */
    void after(Runnable event);

    /** The state was loaded from a local snapshot that ends at {@code end}. */
    void loaded(OffsetAndEpoch end);

    /** Whether a snapshot is due for the mirror's sake. */
    boolean wantsSnapshot();

    /** Takes a copy of a snapshot that is being written; on the snapshot thread, which may encode but not wait. */
    void writeSnapshot(FrozenState state);

    /** Completes when all that was committed before is as durable as this path makes it; from any thread. */
    CompletableFuture<Void> flush();

    /** Nothing that waits takes effect any more. */
    void close();

    /** Commits take effect at once. */
    CommitPath DIRECT = new CommitPath() {
        @Override
        public void commit(List<Batch<ApiMessageAndVersion>> batches, Runnable apply) {
            apply.run();
        }

        @Override
        public void after(Runnable event) {
            event.run();
        }

        @Override
        public void loaded(OffsetAndEpoch end) {}

        @Override
        public boolean wantsSnapshot() {
            return false;
        }

        @Override
        public void writeSnapshot(FrozenState state) {}

        @Override
        public CompletableFuture<Void> flush() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void close() {}
    };
}
