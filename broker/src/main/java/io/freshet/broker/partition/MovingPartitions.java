// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Counts the partitions that are just leaving this broker or coming to it, and tells those who keep requests for them when to
 * look again. Safe for use by many threads; listeners run on the caller's and must be short.
 */
public final class MovingPartitions {
    private final AtomicInteger count = new AtomicInteger();
    private final List<Consumer<Boolean>> listeners = new CopyOnWriteArrayList<>();

    /** {@code listener} is told after each change whether any partition is on the move. */
    public void addListener(Consumer<Boolean> listener) {
        listeners.add(listener);
        listener.accept(count.get() > 0);
    }

    /** Call it before appends to {@code partitions} partitions have to wait. */
    public void begin(int partitions) {
        tell(count.addAndGet(partitions));
    }

    /** Call it after appends to {@code partitions} partitions need not wait any more. */
    public void end(int partitions) {
        tell(count.addAndGet(-partitions));
    }

    private void tell(int moving) {
        listeners.forEach(listener -> listener.accept(moving > 0));
    }
}
