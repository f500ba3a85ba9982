// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Gives reads that are not from the tail a common rate, so that a replay does not slow produces. The rate grows as long as no
 * more of the tail's requests are slow than without any replay ({@link UsualTail}), and shrinks as soon as more are; when there
 * have been none for a second it doubles. What is slow at the least rate is not the replay's doing, and becomes usual. Reads
 * are admitted first come first served, so that many readers get equal shares; none waits longer than the bytes before it take
 * at the rate. State is guarded by this object's lock.
 */
public final class CatchUpPace implements AutoCloseable {
    static final long TICK_MS = 100;
    static final double LEAST_RATE = 32 << 20;
    static final double FIRST_RATE = 64 << 20;
    static final double GREATEST_RATE = 16L << 30;

    /** By so much, in logarithms, a tick moves the rate: up while nothing is slow, down by as much for each excess. */
    private static final double GAIN = 0.05;

    private static final double GREATEST_FALL = 1;
    /** What is usual follows the last 5 s without a replay: a rough start, or a disturbance, should not excuse what comes later. */
    private static final double FORGOTTEN = 0.02;

    private static final double WEIGHT_AT_LEAST_RATE = 0.0005;
    /** A tail without requests for so many ticks is none; for fewer it may be a stall. */
    private static final int SILENT_TICKS = 10;
    /** So few bytes in a tick are no replay. */
    private static final long QUIET_BYTES = 128 << 10;

    /** This much may go at once after a pause. */
    private static final long BURST_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Clock clock;
    private final Scheduler scheduler;
    private final List<Sign> signs;
    private final Scheduler.Cancellable ticks;
    private final Counter delayedReads;
    private double rate = FIRST_RATE;
    private long freeAtNanos;
    private long tickBytes;
    private int idleTicks;
    private int silentTicks;

    /**
     * Requests of the tail, by how long they took.
     *
     * @param count how many
     * @param withinBounds how many of them took no longer than each of a fixed, ascending series of bounds
     */
    @SuppressWarnings("ArrayRecordComponent") // made ten times a second, and never compared
    public record TailRequests(double count, double[] withinBounds) {
        /** None, and no bounds. */
        public static final TailRequests NONE = new TailRequests(0, new double[0]);

        int bounds() {
            return withinBounds.length;
        }

        double above(int bound) {
            return count - withinBounds[bound];
        }

        TailRequests since(TailRequests former) {
            double[] within = withinBounds.clone();
            for (int i = 0; i < Math.min(within.length, former.bounds()); i++) {
                within[i] -= former.withinBounds[i];
            }
            return new TailRequests(count - former.count, within);
        }
    }

    /** One kind of requests, as they were at the last tick. */
    private static final class Sign {
        private final Supplier<TailRequests> source;
        private final UsualTail usual = new UsualTail();
        private TailRequests former;
        private TailRequests requests = TailRequests.NONE;

        Sign(Supplier<TailRequests> source) {
            this.source = source;
            this.former = source.get();
        }

        void look() {
            TailRequests now = source.get();
            requests = now.since(former);
            former = now;
        }
    }

    /**
     * @param signs what suffers when the tail does, requests since the start by kind; the first kind are those of the tail
     *     itself. Called ten times a second
     */
    public CatchUpPace(Clock clock, Scheduler scheduler, List<Supplier<TailRequests>> signs, MeterRegistry registry) {
        this.clock = clock;
        this.scheduler = scheduler;
        this.signs = signs.stream().map(Sign::new).toList();
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
        signs.forEach(Sign::look);
        boolean isIdle = tickBytes <= QUIET_BYTES && freeAtNanos <= clock.nanoTime();
        idleTicks = isIdle ? idleTicks + 1 : 0;
        silentTicks = signs.get(0).requests.count() > 0 ? 0 : silentTicks + 1;
        tickBytes = 0;
        if (silentTicks > 0) {
            rate = silentTicks >= SILENT_TICKS ? Math.min(GREATEST_RATE, rate * 2) : rate;
        } else if (idleTicks >= 3) {
            learn(1);
            rate = Math.min(rate, FIRST_RATE);
        } else if (!signs.get(0).usual.isKnown()) {
            learn(1);
        } else {
            steer();
            if (rate <= LEAST_RATE) {
                learn(WEIGHT_AT_LEAST_RATE);
            }
        }
    }

    private void learn(double weight) {
        signs.forEach(sign -> sign.usual.learn(sign.requests, weight, FORGOTTEN));
    }

    private void steer() {
        double slow = 0;
        double tolerated = 0;
        for (Sign sign : signs) {
            if (sign.usual.isKnown()) {
                slow += sign.usual.slow(sign.requests);
                tolerated += sign.usual.tolerated(sign.requests);
            }
        }
        double change = Math.max(-GREATEST_FALL, GAIN * (1 - slow / Math.max(tolerated, Double.MIN_NORMAL)));
        rate = Math.max(LEAST_RATE, Math.min(GREATEST_RATE, rate * Math.exp(change)));
    }

    /** Ends the adjustment; reads are admitted at the last rate. */
    @Override
    public void close() {
        ticks.cancel();
    }
}
