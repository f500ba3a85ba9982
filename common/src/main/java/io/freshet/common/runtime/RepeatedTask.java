// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.runtime;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A task that schedules itself again after each run. State is guarded by this object's lock, held only for a few loads. */
final class RepeatedTask implements Scheduler.Cancellable {
    private static final Logger LOG = LoggerFactory.getLogger(RepeatedTask.class);

    private final Scheduler scheduler;
    private final long periodMs;
    private final Runnable task;
    private boolean cancelled;
    private Scheduler.@Nullable Cancellable pending;

    private RepeatedTask(Scheduler scheduler, long periodMs, Runnable task) {
        this.scheduler = scheduler;
        this.periodMs = periodMs;
        this.task = task;
    }

    static RepeatedTask start(Scheduler scheduler, long periodMs, Runnable task) {
        RepeatedTask repeated = new RepeatedTask(scheduler, periodMs, task);
        repeated.scheduleNext();
        return repeated;
    }

    private void run() {
        try {
            task.run();
        } catch (RuntimeException e) {
            LOG.error("A repeated task failed; it runs again in {} ms", periodMs, e);
        }
        scheduleNext();
    }

    private synchronized void scheduleNext() {
        if (!cancelled) {
            pending = scheduler.schedule(periodMs, this::run);
        }
    }

    @Override
    public synchronized void cancel() {
        cancelled = true;
        if (pending != null) {
            pending.cancel();
        }
    }
}
