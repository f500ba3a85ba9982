// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** Virtual time, timers and an executor, all run by the test's own thread. */
public final class SimRuntime implements Clock, Scheduler {
    private record Timer(long atMs, long number, Runnable task, boolean[] cancelled) {}

    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(Comparator.comparingLong(Timer::atMs).thenComparingLong(Timer::number));
    private final Queue<Runnable> ready = new ArrayDeque<>();
    private long nowMs;
    private long nextNumber;

    public SimRuntime(long startMs) {
        nowMs = startMs;
    }

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
        boolean[] cancelled = {false};
        timers.add(new Timer(nowMs + delayMs, nextNumber++, task, cancelled));
        return () -> cancelled[0] = true;
    }

    public Executor executor() {
        return ready::add;
    }

    /** Runs everything that is due now. */
    public void runReady() {
        while (step(nowMs)) {
            // each step runs one task
        }
    }

    /** Lets {@code ms} milliseconds pass. */
    public void advance(long ms) {
        long until = nowMs + ms;
        while (step(until)) {
            // each step runs one task
        }
        nowMs = until;
    }

    /** Runs until {@code future} is done, at most ten virtual minutes. */
    public <T> T await(CompletableFuture<T> future) {
        long until = nowMs + 600_000;
        while (!future.isDone()) {
            if (!step(until)) {
                throw new AssertionError("Nothing left to run within ten minutes and the future is not done");
            }
        }
        return future.join();
    }

    private boolean step(long untilMs) {
        Runnable task = ready.poll();
        if (task != null) {
            task.run();
            return true;
        }
        Timer timer = timers.peek();
        if (timer == null || timer.atMs() > untilMs) {
            return false;
        }
        timers.poll();
        nowMs = Math.max(nowMs, timer.atMs());
        if (!timer.cancelled()[0]) {
            timer.task().run();
        }
        return true;
    }
}
