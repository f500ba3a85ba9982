// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;

/** One process: nothing of it happens after its death, and nothing during a pause, but all of it afterwards. */
public final class SimProcess implements Clock, Scheduler {
    private final SimTime time;
    private final SimRandom random;
    private final String name;
    private final int number;
    private final long bornNanos;
    private final long maxTaskDelayNanos;
    private final Deque<Runnable> deferred = new ArrayDeque<>();
    private long wallSkewMs;
    private double clockRate = 1;
    private boolean isDead;
    private boolean isPaused;

    public SimProcess(SimTime time, SimRandom random, String name, int number, long maxTaskDelayNanos) {
        this.time = time;
        this.random = random;
        this.name = name;
        this.number = number;
        this.bornNanos = time.nowNanos();
        this.maxTaskDelayNanos = maxTaskDelayNanos;
    }

    public SimTime time() {
        return time;
    }

    public String name() {
        return name;
    }

    public int number() {
        return number;
    }

    public boolean isDead() {
        return isDead;
    }

    public boolean isPaused() {
        return isPaused;
    }

    public void die() {
        if (!isDead) {
            time.note(this, "dies", 0, 0);
            isDead = true;
            deferred.clear();
        }
    }

    public void pause() {
        time.note(this, "is paused", 0, 0);
        isPaused = true;
    }

    public void resume() {
        if (!isPaused || isDead) {
            return;
        }
        time.note(this, "goes on", deferred.size(), 0);
        isPaused = false;
        while (!deferred.isEmpty()) {
            time.schedule(this, random.nextLong(1000), "deferred", deferred.remove());
        }
    }

    public void defer(Runnable task) {
        deferred.add(task);
    }

    /** Moves this process's wall clock. */
    public void jumpMs(long ms) {
        time.note(this, "wall clock jumps by ms", ms, 0);
        wallSkewMs += ms;
    }

    /** Sets this process's wall clock right, but for {@code ms}. */
    public void setSkewMs(long ms) {
        wallSkewMs = ms;
    }

    @Override
    public long wallMs() {
        return time.wallMs() + wallSkewMs;
    }

    /** How fast this process's monotonic clock goes; set it before anybody looks at the clock. */
    public void setClockRate(double rate) {
        clockRate = rate;
    }

    @Override
    public long nanoTime() {
        long trueNanos = time.nowNanos() - bornNanos + 1;
        return clockRate == 1 ? trueNanos : (long) (trueNanos * clockRate);
    }

    @Override
    public Cancellable schedule(long delayMs, Runnable task) {
        return time.schedule(this, delayMs * 1_000_000 + random.nextLong(50_000), "timer", task);
    }

    /** Runs {@code task} in this process after {@code delayMs}. */
    public void after(long delayMs, String label, Runnable task) {
        time.schedule(this, delayMs * 1_000_000, label, task);
    }

    /** A pool: tasks run soon, in any order. */
    public Executor pool() {
        return task -> time.schedule(this, random.nextLong(maxTaskDelayNanos), "pool", task);
    }

    /** One thread: tasks run soon, one after the other, also those that a pause has held up. */
    public Executor thread(String label) {
        long[] busyUntilNanos = {0};
        Deque<Runnable> waiting = new ArrayDeque<>();
        return task -> {
            long at = Math.max(busyUntilNanos[0] + 1, time.nowNanos() + random.nextLong(maxTaskDelayNanos));
            busyUntilNanos[0] = at;
            waiting.add(task);
            time.schedule(
                    this, at - time.nowNanos(), label, () -> waiting.remove().run());
        };
    }
}
