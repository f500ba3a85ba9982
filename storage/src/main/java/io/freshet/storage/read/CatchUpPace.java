// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Gives reads that are not from the tail a common rate, so that a replay does not slow produces. The rate grows as long as
 * the tail's requests take about as long as they took without any replay, and shrinks as soon as they take longer; when
 * there are no such requests it doubles. Reads are admitted first come first served, so that many readers get equal
 * shares; none waits longer than the bytes before it take at the rate. State is guarded by this object's lock.
 */
public final class CatchUpPace implements AutoCloseable {
    static final long TICK_MS = 100;
    static final double LEAST_RATE = 32 << 20;
    static final double FIRST_RATE = 128 << 20;
    static final double GREATEST_RATE = 16L << 30;

    /** Slower than this share above the usual, and by more than what clocks and schedulers do anyway, is too slow. */
    private static final double TOLERATED = 1.1;

    private static final double TOLERATED_NANOS = 100_000;
    private static final double GROWTH = 1.08;
    private static final double SHRINKAGE = 0.6;
    private static final double RECENT_WEIGHT = 0.7;
    private static final double QUIET_WEIGHT = 0.05;
    /** So slowly the usual follows what is seen during a replay: in about half a minute. */
    private static final double BUSY_WEIGHT = 0.003;
    /** So few bytes in a tick are no replay. */
    private static final long QUIET_BYTES = 128 << 10;

    /** This much may go at once after a pause. */
    private static final long BURST_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Clock clock;
    private final Scheduler scheduler;
    private final Supplier<TailRequests> tail;
    private final Scheduler.Cancellable ticks;
    private final Counter delayedReads;
    private double rate = FIRST_RATE;
    private double usualNanos;
    private double recentNanos;
    private long freeAtNanos;
    private long tickBytes;
    private int idleTicks;
    private TailRequests former;

    /**
     * Requests of the tail since the start.
     *
     * @param count how many
     * @param totalNanos how long they took, all together
     */
    public record TailRequests(long count, double totalNanos) {}

    /** @param tail tells the requests so far; called ten times a second */
    public CatchUpPace(Clock clock, Scheduler scheduler, Supplier<TailRequests> tail, MeterRegistry registry) {
        this.clock = clock;
        this.scheduler = scheduler;
        this.tail = tail;
        this.former = tail.get();
        this.freeAtNanos = clock.nanoTime();
        this.delayedReads = registry.counter("freshet.catchup.delayed.reads");
        Gauge.builder("freshet.catchup.rate.bytes", this, CatchUpPace::bytesPerSecond)
                .register(registry);
        this.ticks = scheduler.scheduleRepeatedly(TICK_MS, this::tick);
    }

    /** Bytes per second that all readers together may have at present. */
    public synchronized double bytesPerSecond() {
        return rate;
    }

    /** Complete when a read that has room for {@code bytes} may begin: at once, or on the scheduler's thread. */
    CompletableFuture<Void> admit(int bytes) {
        long waitNanos = reserve(bytes);
        if (waitNanos <= 0) {
            return CompletableFuture.completedFuture(null);
        }
        delayedReads.increment();
        CompletableFuture<Void> turn = new CompletableFuture<>();
        scheduler.schedule(TimeUnit.NANOSECONDS.toMillis(waitNanos) + 1, () -> turn.complete(null));
        return turn;
    }

    private synchronized long reserve(int bytes) {
        long now = clock.nanoTime();
        long begin = Math.max(freeAtNanos, now - BURST_NANOS);
        freeAtNanos = begin + (long) (bytes / rate * 1e9);
        tickBytes += bytes;
        return begin - now;
    }

    /** The read that was admitted with room for {@code reserved} bytes took {@code taken}. */
    synchronized void taken(int reserved, int taken) {
        freeAtNanos -= (long) ((reserved - taken) / rate * 1e9);
        tickBytes -= reserved - taken;
    }

    private synchronized void tick() {
        TailRequests now = tail.get();
        long count = now.count() - former.count();
        double meanNanos = count == 0 ? 0 : (now.totalNanos() - former.totalNanos()) / count;
        former = now;
        boolean isIdle = tickBytes <= QUIET_BYTES && freeAtNanos <= clock.nanoTime();
        idleTicks = isIdle ? idleTicks + 1 : 0;
        boolean isQuiet = idleTicks >= 3;
        tickBytes = 0;
        if (count == 0) {
            rate = Math.min(GREATEST_RATE, rate * 2);
            return;
        }
        boolean isFirst = usualNanos == 0;
        recentNanos += (isFirst ? 1 : RECENT_WEIGHT) * (meanNanos - recentNanos);
        usualNanos += (isFirst ? 1 : isQuiet ? QUIET_WEIGHT : BUSY_WEIGHT) * (meanNanos - usualNanos);
        boolean isSlow = recentNanos > usualNanos * TOLERATED + TOLERATED_NANOS;
        if (isQuiet) {
            rate = Math.min(rate, FIRST_RATE);
        } else {
            rate = Math.max(LEAST_RATE, Math.min(GREATEST_RATE, rate * (isSlow ? SHRINKAGE : GROWTH)));
        }
    }

    /** Ends the adjustment; reads are admitted at the last rate. */
    @Override
    public void close() {
        ticks.cancel();
    }
}
