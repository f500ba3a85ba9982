// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.runtime;

import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one place where threads and pools are made: named, bounded, and stopped by their own handle. */
public final class Threads {
    private static final Logger LOG = LoggerFactory.getLogger(Threads.class);

    private Threads() {}

    /** Names threads {@code name-0}, {@code name-1}, …; they do not keep the process alive. */
    public static ThreadFactory factory(String name) {
        AtomicInteger next = new AtomicInteger();
        return task -> newThread(name + "-" + next.getAndIncrement(), task);
    }

    /** One thread that is not started yet; uncaught errors are logged. */
    public static Thread newThread(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.setUncaughtExceptionHandler(
                (t, e) -> LOG.error("Thread {} ended with an uncaught error", t.getName(), e));
        return thread;
    }

    /** A fixed pool; at most {@code queueLength} tasks wait, further ones are refused by RejectedExecutionException. */
    public static ExecutorService pool(String name, int threads, int queueLength) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                threads, threads, 30, TimeUnit.SECONDS, new ArrayBlockingQueue<>(queueLength), factory(name));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /** A scheduler with its own thread; close it with {@link SchedulerThread#close()}. */
    public static SchedulerThread scheduler(String name) {
        return new SchedulerThread(name);
    }

    /** Stops {@code pool}: running tasks may finish within {@code timeout}, then they are interrupted. */
    public static void stop(ExecutorService pool, Duration timeout) {
        pool.shutdown();
        try {
            if (!pool.awaitTermination(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                pool.shutdownNow();
            }
        } catch (InterruptedException e) {
            pool.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    /** A {@link Scheduler} on one thread of its own. */
    public static final class SchedulerThread implements Scheduler, AutoCloseable {
        private final ScheduledThreadPoolExecutor executor;

        private SchedulerThread(String name) {
            executor = new ScheduledThreadPoolExecutor(1, factory(name));
            executor.setRemoveOnCancelPolicy(true);
            executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        }

        @Override
        public Cancellable schedule(long delayMs, Runnable task) {
            if (executor.isShutdown()) {
                return () -> {};
            }
            var pending = executor.schedule(() -> runLogged(task), delayMs, TimeUnit.MILLISECONDS);
            return () -> pending.cancel(false);
        }

        private static void runLogged(Runnable task) {
            try {
                task.run();
            } catch (RuntimeException e) {
                LOG.error("A scheduled task failed", e);
            }
        }

        @Override
        public void close() {
            stop(executor, Duration.ofSeconds(5));
        }
    }
}
