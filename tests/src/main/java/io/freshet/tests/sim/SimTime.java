// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.runtime.Scheduler.Cancellable;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Virtual time: the events to come, in order, and the trace of those that have been. */
public final class SimTime {
    /** 2026-01-01T00:00:00Z. */
    private static final long START_WALL_MS = 1_767_225_600_000L;

    private final PriorityQueue<Event> events = new PriorityQueue<>(
            Comparator.comparingLong((Event event) -> event.atNanos).thenComparingLong(event -> event.number));
    private final @Nullable Consumer<String> trace;
    private long nowNanos;
    private long nextNumber;
    private long hash = 17;
    private long eventCount;

    /** @param trace receives a line for each thing that happens; null for silence */
    public SimTime(@Nullable Consumer<String> trace) {
        this.trace = trace;
    }

    private static final class Event implements Cancellable {
        private final long atNanos;
        private final long number;
        private final SimProcess process;
        private final String label;
        private @Nullable Runnable task;

        Event(long atNanos, long number, SimProcess process, String label, Runnable task) {
            this.atNanos = atNanos;
            this.number = number;
            this.process = process;
            this.label = label;
            this.task = task;
        }

        @Override
        public void cancel() {
            task = null;
        }
    }

    public long nowNanos() {
        return nowNanos;
    }

    public long nowMs() {
        return nowNanos / 1_000_000;
    }

    /** True wall-clock time; processes may see another. */
    public long wallMs() {
        return START_WALL_MS + nowMs();
    }

    public long eventCount() {
        return eventCount;
    }

    /** A digest of everything that has happened so far. */
    public long hash() {
        return hash;
    }

    public Cancellable schedule(SimProcess process, long delayNanos, String label, Runnable task) {
        Event event = new Event(nowNanos + Math.max(0, delayNanos), nextNumber++, process, label, task);
        events.add(event);
        return event;
    }

    /** Writes down that something happened. */
    public void note(SimProcess process, String what, long first, long second) {
        hash = SimRandom.mix(hash ^ what.hashCode()) + first * 31 + second;
        Consumer<String> out = trace;
        if (out != null) {
            out.accept(String.format("%12.3f ms  %-12s %s %d %d", nowNanos / 1e6, process.name(), what, first, second));
        }
    }

    /** As {@link #note(SimProcess, String, long, long)}, with words for readers only. */
    public void say(SimProcess process, java.util.function.Supplier<String> words) {
        Consumer<String> out = trace;
        if (out != null) {
            out.accept(String.format("%12.3f ms  %-12s %s", nowNanos / 1e6, process.name(), words.get()));
        }
    }

    /** Runs everything up to {@code untilMs}. */
    public void runUntilMs(long untilMs) {
        long untilNanos = untilMs * 1_000_000;
        Event next = events.peek();
        while (next != null && next.atNanos <= untilNanos) {
            events.remove();
            run(next);
            next = events.peek();
        }
        nowNanos = Math.max(nowNanos, untilNanos);
    }

    private void run(Event event) {
        Runnable task = event.task;
        nowNanos = Math.max(nowNanos, event.atNanos);
        if (task == null || event.process.isDead()) {
            return;
        }
        if (event.process.isPaused()) {
            event.process.defer(() -> runNow(event.process, event.label, task));
            return;
        }
        runNow(event.process, event.label, task);
    }

    private void runNow(SimProcess process, String label, Runnable task) {
        eventCount++;
        hash = SimRandom.mix(hash ^ (nowNanos * 31 + label.hashCode())) + process.number();
        task.run();
    }
}
