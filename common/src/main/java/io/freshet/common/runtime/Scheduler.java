// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.runtime;

/** Runs tasks later. Tasks must not block; long work is handed to an executor. */
public interface Scheduler {
    /** Runs {@code task} once after {@code delayMs} milliseconds (0 or more). */
    Cancellable schedule(long delayMs, Runnable task);

    /**
     * Runs {@code task} again and again, {@code periodMs} milliseconds after the end of the previous run, first after
     * one period. A task that throws is logged and runs again.
     */
    default Cancellable scheduleRepeatedly(long periodMs, Runnable task) {
        return RepeatedTask.start(this, periodMs, task);
    }

    /** A task that may still be called off. */
    interface Cancellable {
        /** Calls the task off if it has not begun; repeated calls do nothing. */
        void cancel();
    }
}
