// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/**
 * Keeps compaction's reads below a rate, and lets none begin while the broker has no room for them. Asked by one job at a
 * time; guarded by this object's lock.
 */
final class ReadPace {
    private static final long PAUSE_MS = 250;

    private final long bytesPerSecond;
    private final Clock clock;
    private final Scheduler scheduler;
    private final BooleanSupplier isPaused;
    private long nextNanos;
    private boolean begun;

    ReadPace(long bytesPerSecond, Clock clock, Scheduler scheduler, BooleanSupplier isPaused) {
        this.bytesPerSecond = bytesPerSecond;
        this.clock = clock;
        this.scheduler = scheduler;
        this.isPaused = isPaused;
    }

    /** Completes when {@code bytes} may be read. */
    CompletableFuture<Void> acquire(long bytes) {
        long waitMs = reserve(bytes);
        if (waitMs == 0 && !isPaused.getAsBoolean()) {
            return CompletableFuture.completedFuture(null);
        }
        CompletableFuture<Void> due = new CompletableFuture<>();
        scheduler.schedule(waitMs, () -> completeUnlessPaused(due));
        return due;
    }

    private void completeUnlessPaused(CompletableFuture<Void> due) {
        if (isPaused.getAsBoolean()) {
            scheduler.schedule(PAUSE_MS, () -> completeUnlessPaused(due));
        } else {
            due.complete(null);
        }
    }

    private synchronized long reserve(long bytes) {
        long now = clock.nanoTime();
        if (!begun || nextNanos - now < 0) {
            nextNanos = now;
            begun = true;
        }
        long waitMs = (nextNanos - now) / 1_000_000;
        nextNanos += (long) (bytes * (1e9 / bytesPerSecond));
        return waitMs;
    }
}
