// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import java.util.Comparator;
import java.util.PriorityQueue;

/** A clock and its timers, both moved by the test; one thread. */
final class ManualTime implements Clock, Scheduler {
    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(Comparator.comparingLong(Timer::atMs).thenComparingLong(Timer::order));
    private long nowMs = 1_000;
    private long order;

    private record Timer(long atMs, long order, Runnable task) {}

    @Override
    public long wallMs() {
        return nowMs;
    }

    @Override
    public long nanoTime() {
        return nowMs * 1_000_000;
    }

    @Override
    public Cancellable schedule(long delayMs, Runnable task) {
        Timer timer = new Timer(nowMs + delayMs, order++, task);
        timers.add(timer);
        return () -> timers.remove(timer);
    }

    /** Runs what becomes due within {@code ms}, in order. */
    void advance(long ms) {
        long untilMs = nowMs + ms;
        for (Timer next = timers.peek(); next != null && next.atMs <= untilMs; next = timers.peek()) {
            timers.poll();
            nowMs = Math.max(nowMs, next.atMs);
            next.task.run();
        }
        nowMs = untilMs;
    }

    int pending() {
        return timers.size();
    }
}
