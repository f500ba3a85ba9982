// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import org.jspecify.annotations.Nullable;

/**
 * A deque of entries in offset order on a ring array: O(1) at both ends, O(log n) by offset. Not thread-safe: guarded by
 * its stream's lock.
 */
final class TailBatches {
    private static final int MIN_CAPACITY = 8;

    private @Nullable TailEntry[] ring = new TailEntry[MIN_CAPACITY];
    private int head;
    private int count;

    int count() {
        return count;
    }

    TailEntry get(int index) {
        if (index < 0 || index >= count) {
            throw new IndexOutOfBoundsException("Entry " + index + " of " + count);
        }
        TailEntry entry = ring[(head + index) & (ring.length - 1)];
        if (entry == null) {
            throw new IllegalStateException("Entry " + index + " of " + count + " is empty: a bug in the tail's deque");
        }
        return entry;
    }

    void addLast(TailEntry entry) {
        if (count == ring.length) {
            resize(ring.length * 2);
        }
        ring[(head + count) & (ring.length - 1)] = entry;
        count++;
    }

    TailEntry removeFirst() {
        TailEntry entry = get(0);
        ring[head] = null;
        head = (head + 1) & (ring.length - 1);
        count--;
        shrink();
        return entry;
    }

    TailEntry removeLast() {
        TailEntry entry = get(count - 1);
        ring[(head + count - 1) & (ring.length - 1)] = null;
        count--;
        shrink();
        return entry;
    }

    /** Index of the first entry that ends after {@code offset}; {@link #count()} if there is none. */
    int indexEndingAfter(long offset) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (get(middle).endOffset() > offset) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    private void shrink() {
        if (ring.length > MIN_CAPACITY && count < ring.length / 4) {
            resize(ring.length / 2);
        }
    }

    private void resize(int capacity) {
        @Nullable TailEntry[] larger = new TailEntry[capacity];
        for (int i = 0; i < count; i++) {
            larger[i] = ring[(head + i) & (ring.length - 1)];
        }
        ring = larger;
        head = 0;
    }
}
