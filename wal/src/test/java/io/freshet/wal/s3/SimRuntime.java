// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Scheduler;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** Virtual time and everything that runs in it, on the test's own thread. Processes are hosts, which can be paused and killed. */
final class SimRuntime implements Clock, Scheduler {
    private record Timer(long atMs, long number, Runnable task, boolean[] cancelled) {}

    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(Comparator.comparingLong(Timer::atMs).thenComparingLong(Timer::number));
    private final Queue<Runnable> ready = new ArrayDeque<>();
    final Random random;
    private long nowMs = 1_000_000;
    private long nextNumber;

    SimRuntime(long seed) {
        random = new Random(seed);
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

    void advance(long ms) {
        long until = nowMs + ms;
        while (step(until)) {
            // each step runs one task
        }
        nowMs = until;
    }

    /** Runs until {@code future} is done, at most an hour of virtual time. */
    <T> T await(CompletableFuture<T> future) {
        long until = nowMs + 3_600_000;
        while (!future.isDone()) {
            if (!step(until)) {
                throw new AssertionError("Nothing left to run within an hour and the future is not done");
            }
        }
        return future.join();
    }

    boolean step(long untilMs) {
        Runnable task = ready.poll();
        if (task != null) {
            task.run();
            return true;
        }
        Timer timer = timers.peek();
        while (timer != null && timer.cancelled()[0]) {
            timers.poll();
            timer = timers.peek();
        }
        if (timer == null || timer.atMs() > untilMs) {
            return false;
        }
        timers.poll();
        nowMs = Math.max(nowMs, timer.atMs());
        timer.task().run();
        return true;
    }

    Host host() {
        return new Host();
    }

    /** One process: its tasks and timers run in the common time, unless it is paused or dead. */
    final class Host implements Scheduler {
        private final List<Runnable> held = new ArrayList<>();
        private boolean isPaused;
        private boolean isDead;
        /** By how much its wall clock is wrong. */
        long wallSkewMs;

        void pause() {
            isPaused = true;
        }

        void resume() {
            isPaused = false;
            ready.addAll(held);
            held.clear();
        }

        void kill() {
            isDead = true;
            held.clear();
        }

        boolean isDead() {
            return isDead;
        }

        /** Runs {@code task} in this process when its turn comes. */
        void run(Runnable task) {
            if (isDead) {
                return;
            }
            if (isPaused) {
                held.add(() -> run(task));
            } else {
                task.run();
            }
        }

        @Override
        public Cancellable schedule(long delayMs, Runnable task) {
            return SimRuntime.this.schedule(delayMs, () -> run(task));
        }

        Executor executor() {
            return task -> ready.add(() -> run(task));
        }

        private Clock clock() {
            return new Clock() {
                @Override
                public long wallMs() {
                    return nowMs + wallSkewMs;
                }

                @Override
                public long nanoTime() {
                    return SimRuntime.this.nanoTime();
                }
            };
        }

        Randomness randomness() {
            return random::nextLong;
        }

        S3WalServices services(MeterRegistry meters) {
            return new S3WalServices(clock(), this, executor(), randomness(), meters);
        }
    }
}
