// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;

/** One process: nothing of it happens after its death, and nothing during a pause, but all of it afterwards. */
final class SimProcess implements Clock, Scheduler {
    private final SimTime time;
    private final SimRandom random;
    private final String name;
    private final int number;
    private final long bornNanos;
    private final long maxTaskDelayNanos;
    private final Deque<Runnable> deferred = new ArrayDeque<>();
    private long wallSkewMs;
    private boolean isDead;
    private boolean isPaused;

    SimProcess(SimTime time, SimRandom random, String name, int number, long maxTaskDelayNanos) {
        this.time = time;
        this.random = random;
        this.name = name;
        this.number = number;
        this.bornNanos = time.nowNanos();
        this.maxTaskDelayNanos = maxTaskDelayNanos;
    }

    SimTime time() {
        return time;
    }

    String name() {
        return name;
    }

    int number() {
        return number;
    }

    boolean isDead() {
        return isDead;
    }

    boolean isPaused() {
        return isPaused;
    }

    void die() {
        if (!isDead) {
            time.note(this, "dies", 0, 0);
            isDead = true;
            deferred.clear();
        }
    }

    void pause() {
        time.note(this, "is paused", 0, 0);
        isPaused = true;
    }

    void resume() {
        if (!isPaused || isDead) {
            return;
        }
        time.note(this, "goes on", deferred.size(), 0);
        isPaused = false;
        while (!deferred.isEmpty()) {
            time.schedule(this, random.nextLong(1000), "deferred", deferred.remove());
        }
    }

    void defer(Runnable task) {
        deferred.add(task);
    }

    /** Moves this process's wall clock. */
    void jumpMs(long ms) {
        time.note(this, "wall clock jumps by ms", ms, 0);
        wallSkewMs += ms;
    }

    /** Sets this process's wall clock right, but for {@code ms}. */
    void setSkewMs(long ms) {
        wallSkewMs = ms;
    }

    @Override
    public long wallMs() {
        return time.wallMs() + wallSkewMs;
    }

    @Override
    public long nanoTime() {
        return time.nowNanos() - bornNanos + 1;
    }

    @Override
    public Cancellable schedule(long delayMs, Runnable task) {
        return time.schedule(this, delayMs * 1_000_000 + random.nextLong(50_000), "timer", task);
    }

    /** Runs {@code task} in this process after {@code delayMs}. */
    void after(long delayMs, String label, Runnable task) {
        time.schedule(this, delayMs * 1_000_000, label, task);
    }

    /** A pool: tasks run soon, in any order. */
    Executor pool() {
        return task -> time.schedule(this, random.nextLong(maxTaskDelayNanos), "pool", task);
    }

    /** One thread: tasks run soon, one after the other. */
    Executor thread(String label) {
        long[] busyUntilNanos = {0};
        return task -> {
            long at = Math.max(busyUntilNanos[0] + 1, time.nowNanos() + random.nextLong(maxTaskDelayNanos));
            busyUntilNanos[0] = at;
            time.schedule(this, at - time.nowNanos(), label, task);
        };
    }
}
