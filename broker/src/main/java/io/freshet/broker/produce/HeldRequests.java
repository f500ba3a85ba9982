// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.produce;

import io.freshet.common.runtime.Scheduler;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Keeps requests back while the storage that they append to is overloaded, or a partition is on the move, and serves them in order of arrival when it has room
 * again, so that a store slower than its producers slows them down instead of refusing them. A connection's requests keep
 * their order: once one is held, all its later ones are, until the last held one has been served. Other connections' requests
 * to storage that has room go on. The bytes of held ones stay charged to the request memory, which bounds them. Safe for use
 * by many threads; one at a time serves.
 */
final class HeldRequests<T> {
    private record Held<T>(T request, long deadlineNanos) {}

    private final Scheduler scheduler;
    private final Function<T, String> connection;
    private final Predicate<T> mustWait;
    private final Consumer<T> serve;
    private final ArrayDeque<Held<T>> queue = new ArrayDeque<>();
    /** Requests held or just being served, by connection. */
    private final Map<String, Integer> unserved = new HashMap<>();

    private volatile boolean attentive;
    private boolean overloaded;
    private boolean serving;
    private boolean wantsService;

    /**
     * @param connection whose order a request keeps
     * @param mustWait whether the storage that a request appends to is overloaded now; cheap, called under this object's lock
     * @param serve runs on the scheduler's thread
     */
    HeldRequests(Scheduler scheduler, Function<T, String> connection, Predicate<T> mustWait, Consumer<T> serve) {
        this.scheduler = scheduler;
        this.connection = connection;
        this.mustWait = mustWait;
        this.serve = serve;
    }

    /** Takes the request if it must wait; false if the caller is to serve it now. */
    boolean hold(T request, long deadlineNanos) {
        if (!attentive) {
            return false;
        }
        synchronized (this) {
            String from = connection.apply(request);
            if (!attentive || (!unserved.containsKey(from) && !mustWait.test(request))) {
                return false;
            }
            queue.add(new Held<>(request, deadlineNanos));
            unserved.merge(from, 1, Integer::sum);
            return true;
        }
    }

    /** Some storage became overloaded, or has room again; {@code isAnyOverloaded} tells whether any is. Any thread; short. */
    void overloaded(boolean isAnyOverloaded) {
        synchronized (this) {
            overloaded = isAnyOverloaded;
            attentive = isAnyOverloaded || !unserved.isEmpty();
            if (queue.isEmpty()) {
                return;
            }
            wantsService = true;
            if (serving) {
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
                left(held.request());
            }
            return isLate;
        });
        return late;
    }

    private void serveAll() {
        while (true) {
            T request;
            synchronized (this) {
                request = next();
                if (request == null && wantsService) {
                    wantsService = false;
                    continue;
                }
                if (request == null) {
                    serving = false;
                    return;
                }
            }
            serve.accept(request);
            synchronized (this) {
                left(request);
            }
        }
    }

    /** The oldest request that need not wait and has none of its connection before it. */
    private @Nullable T next() {
        Set<String> waiting = new HashSet<>();
        for (Iterator<Held<T>> all = queue.iterator(); all.hasNext(); ) {
            T request = all.next().request();
            if (waiting.contains(connection.apply(request))) {
                continue;
            }
            if (!mustWait.test(request)) {
                all.remove();
                return request;
            }
            waiting.add(connection.apply(request));
        }
        return null;
    }

    private void left(T request) {
        unserved.computeIfPresent(connection.apply(request), (from, count) -> count == 1 ? null : count - 1);
        attentive = overloaded || !unserved.isEmpty();
    }
}
