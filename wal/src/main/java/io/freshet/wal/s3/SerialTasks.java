// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.jctools.queues.MpscUnboundedArrayQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs tasks one at a time, in order, on the threads of another executor, and after each run of them a round: the lane's duty
 * cycle. What only tasks and rounds touch needs no lock. Any thread may hand in tasks; nothing runs while nobody does.
 */
final class SerialTasks implements Executor {
    private static final Logger LOG = LoggerFactory.getLogger(SerialTasks.class);
    private static final int QUEUE_CHUNK = 64;
    private static final int IDLE = 0;
    private static final int ACTIVE = 1;
    private static final int ACTIVE_AND_WOKEN = 2;

    private final Executor executor;
    private final MpscUnboundedArrayQueue<Runnable> tasks = new MpscUnboundedArrayQueue<>(QUEUE_CHUNK);
    private final AtomicInteger state = new AtomicInteger(IDLE);
    private Runnable round = () -> {};

    SerialTasks(Executor executor) {
        this.executor = executor;
    }

    /** Called within a task: {@code newRound} runs from now on. */
    void setRound(Runnable newRound) {
        round = newRound;
    }

    @Override
    public void execute(Runnable task) {
        tasks.offer(task);
        wake();
    }

    /** Sees to it that a round begins after this call. */
    void wake() {
        while (true) {
            int seen = state.get();
            if (seen == ACTIVE_AND_WOKEN) {
                return;
            }
            if (seen == IDLE && state.compareAndSet(IDLE, ACTIVE)) {
                executor.execute(this::run);
                return;
            }
            if (seen == ACTIVE && state.compareAndSet(ACTIVE, ACTIVE_AND_WOKEN)) {
                return;
            }
        }
    }

    private void run() {
        do {
            state.set(ACTIVE);
            Runnable task;
            while ((task = tasks.poll()) != null) {
                runLogged(task);
            }
            runLogged(round);
        } while (!state.compareAndSet(ACTIVE, IDLE));
    }

    private static void runLogged(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            LOG.error("A task of the S3 WAL failed", e);
        }
    }
}
