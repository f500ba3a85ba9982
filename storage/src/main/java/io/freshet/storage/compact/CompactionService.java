// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler.Cancellable;
import io.freshet.storage.cache.IndexCache;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compacts the objects of the whole cluster, of streams that are open here or not, as long as this broker has the lease: one
 * round after another looks at all objects, plans, and rewrites one object at a time. Any error ends the round; the next one
 * plans anew. Flags are guarded by this object's lock; a round's steps follow one another.
 */
public final class CompactionService implements AutoCloseable {
    /** The job's name for {@link CompactionMetadata#lease}. */
    public static final String JOB = "compaction";

    private static final Logger LOG = LoggerFactory.getLogger(CompactionService.class);
    private static final long INDEX_CACHE_BYTES = 16L << 20;
    private static final int INDEX_TAIL_HINT_BYTES = 256 << 10;
    /** A round that looked for so long waits this many times as long before the next one. */
    private static final int LOOK_SHARE = 20;

    private final CompactionConfig config;
    private final CompactionParts parts;
    private final CompactionMeters meters;
    private final CompactionRound round;
    private volatile boolean closed;
    private volatile boolean hasLease;
    private volatile long leaseEndNanos;
    private Cancellable timer;
    private @Nullable CompletableFuture<Void> running;

    /**
     * Starts at once: the first round begins within one period.
     *
     * @param scratch takes 56 bytes for each object that exists
     */
    public CompactionService(CompactionConfig config, CompactionParts parts, ScratchSpace scratch) {
        this.config = config;
        this.parts = parts;
        this.meters = new CompactionMeters(parts.meters());
        IndexCache indexes = parts.indexes(INDEX_CACHE_BYTES, INDEX_TAIL_HINT_BYTES);
        this.round = new CompactionRound(
                config, parts, meters, indexes, new ObjectRewriter(config, parts, indexes, this::mayGoOn), scratch);
        this.timer = parts.scheduler().schedule(jittered(0), this::begin);
    }

    /** From half a period to one and a half, and never less than {@code leastMs}. */
    private long jittered(long leastMs) {
        return Math.max(leastMs, config.periodMs() / 2 + parts.randomness().nextLong(config.periodMs()));
    }

    private boolean mayGoOn() {
        return !closed && hasLease && parts.clock().nanoTime() - leaseEndNanos < 0;
    }

    private void begin() {
        synchronized (this) {
            if (closed || running != null) {
                return;
            }
            running = new CompletableFuture<>();
        }
        if (parts.isPaused().getAsBoolean()) {
            ended(null);
            return;
        }
        lease().thenComposeAsync(granted -> granted ? runLeased() : CompletableFuture.completedFuture(null), executor())
                .whenComplete((nothing, error) -> ended(error));
    }

    private java.util.concurrent.Executor executor() {
        return task -> {
            try {
                parts.executor().execute(task);
            } catch (RejectedExecutionException e) {
                throw new FreshetException(
                        ErrorKind.THROTTLED, "The compaction's executor takes no task; a later round tries again", e);
            }
        };
    }

    private CompletableFuture<Void> runLeased() {
        Cancellable renewal = parts.scheduler().scheduleRepeatedly(Math.max(1, config.leaseMs() / 4), () -> lease());
        return round.run().whenComplete((nothing, error) -> renewal.cancel());
    }

    /** Asks for the lease or for more of it. It counts from before the question, so that it ends here before it ends there. */
    private CompletableFuture<Boolean> lease() {
        long askedNanos = parts.clock().nanoTime();
        return parts.compaction()
                .lease(JOB, parts.brokerId(), parts.brokerEpoch(), config.leaseMs())
                .handle((granted, error) -> {
                    if (error == null) {
                        hasLease = granted;
                        leaseEndNanos = askedNanos + config.leaseMs() * 1_000_000;
                        return granted;
                    }
                    FreshetException cause = FreshetException.of(error);
                    LOG.debug("No answer about the lease of compaction ({})", cause.kind(), cause);
                    if (cause.kind() == ErrorKind.FENCED) {
                        hasLease = false;
                    }
                    return mayGoOn();
                });
    }

    private void ended(@Nullable Throwable error) {
        if (error != null && !closed) {
            FreshetException cause = FreshetException.of(error);
            meters.failures.increment();
            LOG.warn(
                    "A round of compaction ended early ({}: {}); the next one plans anew",
                    cause.kind(),
                    cause.getMessage());
        }
        CompletableFuture<Void> finished;
        synchronized (this) {
            finished = running;
            running = null;
            if (!closed) {
                timer = parts.scheduler().schedule(jittered(round.lookMs() * LOOK_SHARE), this::begin);
            }
        }
        if (finished != null) {
            finished.complete(null);
        }
    }

    /** Completes when no round is under way. */
    public synchronized CompletableFuture<Void> idle() {
        CompletableFuture<Void> present = running;
        return present == null ? CompletableFuture.completedFuture(null) : present.copy();
    }

    /** Begins no more rounds; the one under way ends at its next step. What it had not committed is swept later. */
    @Override
    public void close() {
        closed = true;
        synchronized (this) {
            timer.cancel();
        }
    }
}
