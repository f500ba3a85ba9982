// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The S3 lane. */
public final class S3Wal implements WriteAheadLog {
    private S3Wal() {}

    /**
     * Recovers all earlier WALs of the broker, each fenced and sealed if it was not yet, registers this epoch's WAL and starts
     * the lane. Never blocks; {@code visitor} runs on the lane's executor, in LSN order, and has seen every record when the
     * future completes. An exception from the visitor ends the opening.
     *
     * @return fails with CORRUPT if acknowledged records are damaged or missing (records before may have been visited already:
     *     drop them); UNAVAILABLE if store or quorum do not answer for long; FENCED if a newer registration of this broker exists
     */
    public static CompletableFuture<S3Wal> open(
            S3WalConfig config,
            ObjectStore store,
            WalRegistry registry,
            SlotFormat format,
            RecoveryVisitor visitor,
            S3WalServices services) {
        return CompletableFuture.failedFuture(new FreshetException(ErrorKind.UNAVAILABLE, "not yet"));
    }

    @Override
    public void append(WalEntry entry) {
        entry.onFailed(new FreshetException(ErrorKind.UNAVAILABLE, "not yet"));
    }

    @Override
    public CompletableFuture<Void> trim(long lsn) {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public long startLsn() {
        return 0;
    }

    @Override
    public long endLsn() {
        return 0;
    }

    @Override
    public long capacityBytes() {
        return 0;
    }

    @Override
    public long usedBytes() {
        return 0;
    }

    /** Why the lane stopped for good, if it did. */
    public Optional<FreshetException> failure() {
        return Optional.empty();
    }

    /** As {@link #close}, without waiting: completes when every entry is durable or failed. */
    public CompletableFuture<Void> shutdown() {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public void close() {}
}
