// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.buffer;

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;

/**
 * Memory that several {@link SharedBytes} share and that is freed as a whole: a small slice that is kept keeps all of it. A
 * budget charges it once, with its first holder, until its last holder is gone. Holders are counted twice: all of them, and
 * those that cannot be evicted yet. One budget per memory. Safe for use by many threads.
 */
public final class BackingMemory {
    private static final AtomicIntegerFieldUpdater<BackingMemory> HOLDERS =
            AtomicIntegerFieldUpdater.newUpdater(BackingMemory.class, "holders");
    private static final AtomicIntegerFieldUpdater<BackingMemory> FIXED =
            AtomicIntegerFieldUpdater.newUpdater(BackingMemory.class, "fixedHolders");

    private final int sizeBytes;
    @SuppressWarnings("unused") // by its updater
    private volatile int holders;

    @SuppressWarnings("unused") // by its updater
    private volatile int fixedHolders;

    /** @param sizeBytes all that is freed with the last reference, the allocator's rounding included */
    public BackingMemory(int sizeBytes) {
        this.sizeBytes = sizeBytes;
    }

    public int sizeBytes() {
        return sizeBytes;
    }

    /** One more holder; the bytes that the budget has to be charged now: all, or 0. */
    public int hold() {
        return HOLDERS.getAndIncrement(this) == 0 ? sizeBytes : 0;
    }

    /** One holder less; the bytes that the budget gets back now. */
    public int letGo() {
        return ended(HOLDERS.decrementAndGet(this));
    }

    /** One more holder that cannot be evicted; the bytes that become fixed now. */
    public int fix() {
        return FIXED.getAndIncrement(this) == 0 ? sizeBytes : 0;
    }

    /** One holder may be evicted from now on; the bytes that are not fixed any more. */
    public int unfix() {
        return ended(FIXED.decrementAndGet(this));
    }

    private int ended(int left) {
        if (left < 0) {
            throw new IllegalStateException("Memory of " + sizeBytes + " bytes was given back more often than held");
        }
        return left == 0 ? sizeBytes : 0;
    }
}
