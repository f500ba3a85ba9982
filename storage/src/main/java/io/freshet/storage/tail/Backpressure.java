// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Tells whoever feeds the storage to pause, before appends have to be refused, and to go on when uploads have made room.
 * Safe for use by many threads; listeners run on the thread that found the change and must be short.
 */
public final class Backpressure {
    private static final double PAUSE_LOAD = 0.9;
    private static final double RESUME_LOAD = 0.7;

    private final WalSpace space;
    private final AtomicBoolean overloaded = new AtomicBoolean();
    private final List<Consumer<Boolean>> listeners = new CopyOnWriteArrayList<>();

    public Backpressure(WalSpace space) {
        this.space = space;
    }

    public boolean isOverloaded() {
        return overloaded.get();
    }

    /** {@code listener} is told true when callers should pause, false when they may go on. */
    public void addListener(Consumer<Boolean> listener) {
        listeners.add(listener);
    }

    /** Looks at the load again: after appends, commits and trims. */
    public void check() {
        double load = space.load();
        if (load >= PAUSE_LOAD && overloaded.compareAndSet(false, true)) {
            listeners.forEach(listener -> listener.accept(true));
        } else if (load < RESUME_LOAD && overloaded.compareAndSet(true, false)) {
            listeners.forEach(listener -> listener.accept(false));
        }
    }
}
