// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStore.DeleteOutcome;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.wal.s3.SlotFormat.SlotKey;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sealed WALs of earlier registrations, until nothing of them is needed. When all of a WAL is trimmed, its fence still has to
 * stand between a late put of the old owner and an acknowledgement; only when it is {@link S3WalConfig#fenceRetentionMs} old by
 * the wall clocks, and this process has known it for {@link S3WalConfig#fenceWatchedMs}, is the WAL retired and everything under
 * its prefix deleted. A process that ends before leaves it to the next one, which begins to count anew. Used by the lane only.
 */
final class DeadWals {
    private static final Logger LOG = LoggerFactory.getLogger(DeadWals.class);
    private static final int TRIES = 10;
    private static final long RETRY_MS = 60_000;

    private final Parts parts;
    private final S3WalConfig config;
    private final long sinceNs;
    private final List<Dead> wals = new ArrayList<>();
    private final List<Scheduler.Cancellable> timers = new ArrayList<>();
    private boolean isStopped;

    /** What it works with. */
    record Parts(ObjectStore store, WalRegistry registry, Backoff backoff, SlotDeletions deletions, Clock clock) {}

    /** Receives slots with their LSNs, in order. */
    interface SlotVisitor {
        void slot(long lsn, long sizeBytes);
    }

    private static final class Dead {
        private final RecoveredWal wal;
        private boolean isUnneeded;
        private boolean isDone;

        Dead(RecoveredWal wal) {
            this.wal = wal;
        }
    }

    /** All of {@code recovered} are fenced by now. */
    DeadWals(Parts parts, List<RecoveredWal> recovered, S3WalConfig config) {
        this.parts = parts;
        this.config = config;
        this.sinceNs = parts.clock.nanoTime();
        recovered.forEach(wal -> wals.add(new Dead(wal)));
    }

    void forEachSlot(SlotVisitor visitor) {
        for (Dead dead : wals) {
            for (int i = 0; i < dead.wal.slotBytes().size(); i++) {
                visitor.slot(dead.wal.firstLsn() + i, dead.wal.slotBytes().get(i));
            }
        }
    }

    /** Looks after those that hold nothing any more. */
    void start() {
        wals.stream().filter(dead -> dead.wal.startSlot() == dead.wal.endSlot()).forEach(this::await);
    }

    /**
     * Nothing below {@code lsn} is needed by this process: frees the WALs that lie below it. The quorum refuses as long as
     * another process needs a record; such a WAL is tried again later, and nobody waits for it.
     */
    CompletableFuture<Void> trim(long lsn) {
        CompletableFuture<Void> trimmed = CompletableFuture.completedFuture(null);
        for (Dead dead : wals) {
            if (lsn >= dead.wal.endLsn() && !dead.isUnneeded) {
                dead.isUnneeded = true;
                trimmed = trimmed.thenCompose(done -> free(dead));
            }
        }
        return trimmed;
    }

    private CompletableFuture<Void> free(Dead dead) {
        RecoveredWal wal = dead.wal;
        return parts.backoff
                .repeat(Integer.MAX_VALUE, () -> parts.registry.trim(wal.brokerId(), wal.brokerEpoch(), wal.endSlot()))
                .thenRun(() -> {
                    parts.deletions.add(wal.brokerId(), wal.brokerEpoch(), wal.startSlot(), wal.endSlot());
                    await(dead);
                })
                .exceptionallyCompose(error -> {
                    FreshetException refusal = FreshetException.of(error);
                    if (refusal.kind() != ErrorKind.INVALID) {
                        return CompletableFuture.failedFuture(refusal);
                    }
                    LOG.info("A sealed S3 WAL is kept for now: {}", refusal.getMessage());
                    if (!isStopped) {
                        timers.add(parts.backoff.after(RETRY_MS, () -> free(dead)));
                    }
                    return CompletableFuture.completedFuture(null);
                });
    }

    /** Retires the WAL when its fence is old enough by both clocks. */
    private void await(Dead dead) {
        if (isStopped || dead.isDone) {
            return;
        }
        String fence = SlotWrite.keyOf(new SlotKey(dead.wal.brokerId(), dead.wal.brokerEpoch(), dead.wal.endSlot()));
        parts.backoff
                .<Optional<ObjectStat>>repeat(TRIES, () -> parts.store.stat(fence))
                .whenComplete((stat, error) -> {
                    if (error != null) {
                        later(dead, RETRY_MS);
                        return;
                    }
                    long leftMs = Math.max(
                            leftToWatchMs(), stat.map(this::leftUntilOldMs).orElse(0L));
                    if (leftMs <= 0) {
                        retire(dead);
                    } else {
                        later(dead, Math.max(1_000, Math.min(config.fenceRetentionMs(), leftMs)));
                    }
                });
    }

    private long leftToWatchMs() {
        return config.fenceWatchedMs() - TimeUnit.NANOSECONDS.toMillis(parts.clock.nanoTime() - sinceNs);
    }

    private long leftUntilOldMs(ObjectStat fence) {
        return config.fenceRetentionMs() - (parts.clock.wallMs() - fence.modifiedAtMs());
    }

    private void later(Dead dead, long delayMs) {
        if (!isStopped) {
            timers.add(parts.backoff.after(delayMs, () -> await(dead)));
        }
    }

    private void retire(Dead dead) {
        if (isStopped) {
            return;
        }
        RecoveredWal wal = dead.wal;
        parts.backoff
                .repeat(TRIES, () -> parts.registry.retire(wal.brokerId(), wal.brokerEpoch()))
                .thenCompose(retired -> {
                    dead.isDone = true;
                    return new SlotListing(parts.store, parts.backoff).list(wal.brokerId(), wal.brokerEpoch(), 0);
                })
                .thenCompose(left -> parts.backoff.repeat(TRIES, () -> delete(wal, left)))
                .whenComplete((deleted, error) -> {
                    if (error == null) {
                        wals.remove(dead);
                    } else if (dead.isDone) {
                        LOG.warn(
                                "What is left of the retired S3 WAL of broker {} epoch {} could not be deleted: {}",
                                wal.brokerId(),
                                wal.brokerEpoch(),
                                FreshetException.of(error).getMessage());
                    } else {
                        later(dead, RETRY_MS);
                    }
                });
    }

    private CompletableFuture<DeleteOutcome> delete(RecoveredWal wal, NavigableMap<Long, Long> slots) {
        List<String> keys = slots.keySet().stream()
                .map(slot -> SlotWrite.keyOf(new SlotKey(wal.brokerId(), wal.brokerEpoch(), slot)))
                .toList();
        return keys.isEmpty()
                ? CompletableFuture.completedFuture(new DeleteOutcome(java.util.Map.of()))
                : parts.store.delete(keys);
    }

    void stop() {
        isStopped = true;
        timers.forEach(Scheduler.Cancellable::cancel);
        timers.clear();
    }
}
