// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import io.freshet.common.runtime.Scheduler;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** A scheduler whose time stands still until a test moves it. */
public final class ManualScheduler implements Scheduler {
    private final List<Task> tasks = new ArrayList<>();
    private long nowMs;

    /** Known by identity: the same work may be due twice at the same time. */
    private static final class Task {
        private final long dueMs;
        private final Runnable work;

        Task(long dueMs, Runnable work) {
            this.dueMs = dueMs;
            this.work = work;
        }
    }

    @Override
    public synchronized Cancellable schedule(long delayMs, Runnable work) {
        Task task = new Task(nowMs + delayMs, work);
        tasks.add(task);
        return () -> remove(task);
    }

    private synchronized boolean remove(Task task) {
        return tasks.remove(task);
    }

    public synchronized int taskCount() {
        return tasks.size();
    }

    /** Moves time on and runs what is due, in order. */
    public void advance(long ms) {
        long untilMs = nowMs + ms;
        for (Optional<Task> due = nextDue(untilMs); due.isPresent(); due = nextDue(untilMs)) {
            if (remove(due.get())) {
                nowMs = due.get().dueMs;
                due.get().work.run();
            }
        }
        nowMs = untilMs;
    }

    private synchronized Optional<Task> nextDue(long untilMs) {
        return tasks.stream().filter(task -> task.dueMs <= untilMs).min(Comparator.comparingLong(task -> task.dueMs));
    }
}
