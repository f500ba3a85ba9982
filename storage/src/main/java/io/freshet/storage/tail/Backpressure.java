// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Tells whoever feeds the storage to pause, before appends have to be refused, and to go on when uploads have made room. Each
 * lane is looked at for itself. Safe for use by many threads; listeners run on the thread that found the change and must be
 * short.
 */
public final class Backpressure {
    private static final double PAUSE_LOAD = 0.9;
    private static final double RESUME_LOAD = 0.7;

    private final WalLanes lanes;
    private final AtomicBoolean[] overloaded;
    private final List<Consumer<Boolean>> listeners = new CopyOnWriteArrayList<>();

    public Backpressure(WalLanes lanes) {
        this.lanes = lanes;
        this.overloaded = new AtomicBoolean[lanes.all().size()];
        for (int i = 0; i < overloaded.length; i++) {
            overloaded[i] = new AtomicBoolean();
        }
    }

    /** Whether any lane is. */
    public boolean isOverloaded() {
        for (AtomicBoolean lane : overloaded) {
            if (lane.get()) {
                return true;
            }
        }
        return false;
    }

    /** Whether callers that append to {@code lane} should pause. */
    public boolean isOverloaded(WalLane lane) {
        return overloaded[lane.index()].get();
    }

    /** {@code listener} is told after each change of any lane, and by {@link #tell}, whether one is overloaded now. */
    public void addListener(Consumer<Boolean> listener) {
        listeners.add(listener);
    }

    /** Looks at all lanes again: after commits and trims. */
    public void check() {
        for (WalLane lane : lanes.all()) {
            check(lane);
        }
    }

    /** Looks at one lane again: after an append. */
    public void check(WalLane lane) {
        double load = lane.load();
        AtomicBoolean state = overloaded[lane.index()];
        boolean hasChanged = (load >= PAUSE_LOAD && state.compareAndSet(false, true))
                || (load < RESUME_LOAD && state.compareAndSet(true, false));
        if (hasChanged) {
            tell();
        }
    }

    /** Tells the listeners again: what some caller waits for may have changed although no lane has. */
    public void tell() {
        boolean any = isOverloaded();
        listeners.forEach(listener -> listener.accept(any));
    }
}
