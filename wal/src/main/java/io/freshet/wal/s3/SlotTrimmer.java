// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves the start of the log: first the quorum is told, then the trim is complete, then slots are deleted. One round of quorum
 * commands is under way at a time; requests that come meanwhile are merged into the next. Used by the lane only; the volatile
 * fields may be read from anywhere.
 */
final class SlotTrimmer {
    private static final Logger LOG = LoggerFactory.getLogger(SlotTrimmer.class);

    private final WalRegistry registry;
    private final Backoff backoff;
    private final SlotDeletions deletions;
    private final DeadWals deadWals;
    private final Consumer<FreshetException> onFenced;
    private final Own own;
    private final ArrayDeque<Usage> slots = new ArrayDeque<>();
    private final List<Request> waiting = new ArrayList<>();
    private boolean isTrimming;
    private long ownStartSlot;
    private long targetLsn;
    private volatile long startLsn;
    private volatile long endLsn;
    private final AtomicLong usedBytes = new AtomicLong();
    private @Nullable FreshetException failure;

    /** The WAL that the lane writes; its slot 0 has {@code firstLsn}. */
    record Own(int brokerId, long brokerEpoch, long firstLsn) {}

    private record Usage(long lsn, long sizeBytes) {}

    private record Request(long lsn, CompletableFuture<Void> done) {}

    /** {@code onFenced} is told when the quorum refuses this registration. */
    SlotTrimmer(
            WalRegistry registry,
            Backoff backoff,
            SlotDeletions deletions,
            DeadWals deadWals,
            Own own,
            Consumer<FreshetException> onFenced) {
        this.registry = registry;
        this.backoff = backoff;
        this.deletions = deletions;
        this.deadWals = deadWals;
        this.own = own;
        this.onFenced = onFenced;
        this.endLsn = own.firstLsn;
        deadWals.forEachSlot((lsn, sizeBytes) -> use(lsn, sizeBytes));
    }

    /** A slot of ours was acknowledged. */
    void acknowledged(long lsn, long sizeBytes) {
        use(lsn, sizeBytes);
        endLsn = lsn + 1;
    }

    private void use(long lsn, long sizeBytes) {
        slots.add(new Usage(lsn, sizeBytes));
        usedBytes.addAndGet(sizeBytes);
    }

    CompletableFuture<Void> trim(long lsn) {
        if (failure != null) {
            return CompletableFuture.failedFuture(failure);
        }
        if (lsn > endLsn) {
            return CompletableFuture.failedFuture(new FreshetException(
                    ErrorKind.INVALID, "The S3 WAL ends at LSN " + endLsn + " and cannot be trimmed to " + lsn));
        }
        if (lsn <= startLsn) {
            return CompletableFuture.completedFuture(null);
        }
        Request request = new Request(lsn, new CompletableFuture<>());
        waiting.add(request);
        targetLsn = Math.max(targetLsn, lsn);
        pump();
        return request.done;
    }

    private void pump() {
        if (isTrimming || targetLsn <= startLsn || failure != null) {
            return;
        }
        isTrimming = true;
        long lsn = targetLsn;
        deadWals.trim(lsn).thenCompose(trimmed -> trimOwn(lsn)).whenComplete((done, error) -> {
            isTrimming = false;
            if (error == null) {
                moved(lsn);
                pump();
            } else {
                refused(FreshetException.of(error));
            }
        });
    }

    private CompletableFuture<Void> trimOwn(long lsn) {
        long slot = lsn - own.firstLsn;
        if (slot <= ownStartSlot) {
            return CompletableFuture.completedFuture(null);
        }
        return backoff.repeat(Integer.MAX_VALUE, () -> registry.trim(own.brokerId, own.brokerEpoch, slot))
                .thenRun(() -> {
                    deletions.add(own.brokerId, own.brokerEpoch, ownStartSlot, slot);
                    ownStartSlot = slot;
                });
    }

    private void moved(long lsn) {
        startLsn = lsn;
        Usage slot;
        while ((slot = slots.peek()) != null && slot.lsn < lsn) {
            slots.remove();
            usedBytes.addAndGet(-slot.sizeBytes);
        }
        List<Request> done =
                waiting.stream().filter(request -> request.lsn <= lsn).toList();
        waiting.removeAll(done);
        done.forEach(request -> request.done.complete(null));
    }

    private void refused(FreshetException cause) {
        if (cause.kind() == ErrorKind.FENCED) {
            onFenced.accept(cause);
            return;
        }
        LOG.warn("The S3 WAL could not be trimmed to LSN {}: {}", targetLsn, cause.getMessage());
        List<Request> failed = List.copyOf(waiting);
        waiting.clear();
        targetLsn = startLsn;
        failed.forEach(request -> request.done.completeExceptionally(cause));
    }

    /** The lane has stopped: nothing is trimmed or deleted any more. */
    void fail(FreshetException cause) {
        failure = cause;
        deletions.stop();
        deadWals.stop();
        List<Request> failed = List.copyOf(waiting);
        waiting.clear();
        failed.forEach(request -> request.done.completeExceptionally(cause));
    }

    long ownStartSlot() {
        return ownStartSlot;
    }

    long startLsn() {
        return startLsn;
    }

    long usedBytes() {
        return usedBytes.get();
    }
}
