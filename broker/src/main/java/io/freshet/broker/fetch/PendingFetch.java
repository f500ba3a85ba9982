// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fetch;

import io.freshet.broker.partition.PartitionLog;
import io.freshet.broker.partition.PartitionQueries;
import io.freshet.common.runtime.Scheduler;
import io.freshet.storage.StreamLog.StreamRead;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One fetch from its first read to its answer. It proceeds in passes that read what each partition has in addition; between
 * passes it holds no thread. A pass is run by whoever signals first (the request itself, an advance of a high watermark, the
 * time limit); signals during a pass make one more pass. That makes the thread of the pass the single writer.
 */
final class PendingFetch implements PartitionLog.HighWatermarkListener {
    private final List<PartitionFetch> partitions;
    private final FetchLimits limits;
    private final Scheduler scheduler;
    private final Consumer<PendingFetch> whenReady;
    private final AtomicInteger signals = new AtomicInteger();
    private final AtomicInteger outstandingReads = new AtomicInteger();
    private int signalsSeen;
    private boolean isWaiting;
    private Scheduler.@Nullable Cancellable timeLimit;
    private volatile boolean mustAnswer;
    private volatile boolean hasLostOne;

    /** @param whenReady is told once, with every partition ready for its answer */
    PendingFetch(
            List<PartitionFetch> partitions,
            FetchLimits limits,
            Scheduler scheduler,
            Consumer<PendingFetch> whenReady) {
        this.partitions = partitions;
        this.limits = limits;
        this.scheduler = scheduler;
        this.whenReady = whenReady;
        this.mustAnswer = limits.maxWaitMs() <= 0 || partitions.isEmpty();
    }

    /**
     * @param minBytes wait for that many
     * @param maxBytes answer with no more, but for one batch
     * @param maxWaitMs wait no longer
     */
    record FetchLimits(int minBytes, int maxBytes, int maxWaitMs) {}

    List<PartitionFetch> partitions() {
        return partitions;
    }

    int sizeBytes() {
        int sum = 0;
        for (PartitionFetch partition : partitions) {
            sum += partition.sizeBytes();
        }
        return sum;
    }

    void start() {
        signal();
    }

    @Override
    public void onHighWatermark(PartitionLog log, long highWatermark) {
        signal();
    }

    @Override
    public void onFailed(PartitionLog log) {
        hasLostOne = true;
        mustAnswer = true;
        signal();
    }

    private void onTimeLimit() {
        mustAnswer = true;
        signal();
    }

    private void signal() {
        if (signals.getAndIncrement() == 0) {
            run();
        }
    }

    private void run() {
        do {
            signalsSeen = signals.get();
        } while (readOn() && wantsAnotherPass());
    }

    /** Reads what there is now; whether all of it came at once. Otherwise the last read to complete goes on. */
    private boolean readOn() {
        outstandingReads.set(1);
        int budgetBytes = limits.maxBytes() - sizeBytes();
        boolean isFirst = budgetBytes == limits.maxBytes();
        for (PartitionFetch partition : partitions) {
            if (!partition.hasMore()) {
                continue;
            }
            int roomBytes = partition.roomBytes(budgetBytes);
            if (roomBytes == 0 && !isFirst) {
                partition.markFull();
                continue;
            }
            budgetBytes -= read(partition, roomBytes, isFirst);
            isFirst = false;
        }
        return outstandingReads.decrementAndGet() == 0;
    }

    /** Reads one partition; the bytes that it got, or may get. */
    private int read(PartitionFetch partition, int roomBytes, boolean minOneBatch) {
        CompletableFuture<StreamRead> read = partition.read(roomBytes, minOneBatch);
        if (read.isDone()) {
            int before = partition.sizeBytes();
            read.whenComplete((bytes, failure) -> partition.take(bytes, failure, minOneBatch));
            return partition.sizeBytes() - before;
        }
        outstandingReads.incrementAndGet();
        read.whenComplete((bytes, failure) -> {
            partition.take(bytes, failure, minOneBatch);
            if (outstandingReads.decrementAndGet() == 0 && wantsAnotherPass()) {
                run();
            }
        });
        return roomBytes;
    }

    private boolean wantsAnotherPass() {
        if (mustAnswer || isSatisfied()) {
            finish();
            return false;
        }
        if (!isWaiting) {
            beginWaiting();
            return true;
        }
        return signals.addAndGet(-signalsSeen) > 0;
    }

    private boolean isSatisfied() {
        int sum = 0;
        for (PartitionFetch partition : partitions) {
            if (partition.isDecided() || partition.isFull()) {
                return true;
            }
            sum += partition.sizeBytes();
        }
        return sum >= limits.minBytes();
    }

    /** Signals that arrive from here on are counted; the pass that follows sees what came before. */
    private void beginWaiting() {
        isWaiting = true;
        for (PartitionFetch partition : partitions) {
            PartitionQueries log = partition.log();
            if (log != null) {
                log.addHighWatermarkListener(this);
            }
        }
        timeLimit = scheduler.schedule(limits.maxWaitMs(), this::onTimeLimit);
    }

    /** Ends the passes: {@link #signals} stays above zero. */
    private void finish() {
        if (isWaiting) {
            endWaiting();
        }
        if (hasLostOne) {
            partitions.forEach(PartitionFetch::reopen);
        }
        CompletableFuture<?>[] prepared =
                partitions.stream().map(PartitionFetch::prepareAnswer).toArray(CompletableFuture<?>[]::new);
        CompletableFuture.allOf(prepared).whenComplete((done, failure) -> whenReady.accept(this));
    }

    private void endWaiting() {
        Scheduler.Cancellable limit = timeLimit;
        if (limit != null) {
            limit.cancel();
        }
        for (PartitionFetch partition : partitions) {
            PartitionQueries log = partition.log();
            if (log != null) {
                log.removeHighWatermarkListener(this);
            }
        }
    }
}
