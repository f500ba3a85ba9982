// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.produce;

import io.freshet.common.runtime.Scheduler;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Keeps requests back while storage is overloaded and serves them in order of arrival when it has room again, so that a
 * store slower than its producers slows them down instead of refusing them. A connection's requests keep their order:
 * once one is held, all later ones are, until the last held one has been served. Their bytes stay charged to the request
 * memory, which bounds them. Safe for use by many threads; one at a time serves.
 */
final class HeldRequests<T> {
    private record Held<T>(T request, long deadlineNanos) {}

    private final Scheduler scheduler;
    private final Consumer<T> serve;
    private final ArrayDeque<Held<T>> queue = new ArrayDeque<>();
    private volatile boolean holding;
    private boolean overloaded;
    private boolean serving;

    /** @param serve runs on the scheduler's thread */
    HeldRequests(Scheduler scheduler, Consumer<T> serve) {
        this.scheduler = scheduler;
        this.serve = serve;
    }

    /** Takes the request if it must wait; false if the caller is to serve it now. */
    boolean hold(T request, long deadlineNanos) {
        if (!holding) {
            return false;
        }
        synchronized (this) {
            if (holding) {
                queue.add(new Held<>(request, deadlineNanos));
            }
            return holding;
        }
    }

    /** Begins to hold, or lets go on. Any thread; short. */
    void overloaded(boolean isOverloaded) {
        synchronized (this) {
            overloaded = isOverloaded;
            if (isOverloaded) {
                holding = true;
                return;
            }
            if (!holding || serving) {
                return;
            }
            serving = true;
        }
        scheduler.schedule(0, this::serveAll);
    }

    /** Takes out the requests whose deadline has passed. */
    synchronized List<T> expired(long nowNanos) {
        List<T> late = new ArrayList<>();
        queue.removeIf(held -> {
            boolean isLate = nowNanos - held.deadlineNanos() >= 0;
            if (isLate) {
                late.add(held.request());
            }
            return isLate;
        });
        return late;
    }

    private void serveAll() {
        while (true) {
            T request;
            synchronized (this) {
                if (overloaded || queue.isEmpty()) {
                    holding = overloaded;
                    serving = false;
                    return;
                }
                request = queue.remove().request();
            }
            serve.accept(request);
        }
    }
}
