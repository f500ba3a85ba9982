// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import java.util.Arrays;
import java.util.Comparator;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Unwritten changes of one table. A row is found by the hash of its key; only who goes through them in order pays for an order, and
 * from the first {@link #inOrder} on it is kept up. One thread.
 */
final class TableChanges {
    private static final Comparator<Change> BY_KEY = (one, other) -> Arrays.compareUnsigned(one.key, other.key);
    private static final int FIRST_SLOTS = 64;

    /** Open addressing; a power of two, at most half of it in use. */
    private @Nullable Change[] slots = new Change[FIRST_SLOTS];

    private int count;
    private @Nullable TreeMap<byte[], byte[]> ordered;

    private static final class Change {
        private final byte[] key;
        private byte[] value;

        private Change(byte[] key, byte[] value) {
            this.key = key;
            this.value = value;
        }
    }

    byte @Nullable [] get(byte[] key) {
        Change change = slots[slotOf(key, slots)];
        return change == null ? null : change.value;
    }

    void put(byte[] key, byte[] value) {
        int slot = slotOf(key, slots);
        Change known = slots[slot];
        if (known == null) {
            slots[slot] = new Change(key, value);
            count++;
            grow();
        } else {
            known.value = value;
        }
        TreeMap<byte[], byte[]> kept = ordered;
        if (kept != null) {
            kept.put(key, value);
        }
    }

    /** Where the key is, or would be. */
    private static int slotOf(byte[] key, @Nullable Change[] slots) {
        int mask = slots.length - 1;
        int hash = Arrays.hashCode(key);
        int slot = (hash ^ hash >>> 15) & mask;
        for (Change found = slots[slot]; found != null; found = slots[slot]) {
            if (Arrays.equals(found.key, key)) {
                break;
            }
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void grow() {
        if (2 * count <= slots.length) {
            return;
        }
        @Nullable Change[] larger = new Change[2 * slots.length];
        for (Change change : slots) {
            if (change != null) {
                larger[slotOf(change.key, larger)] = change;
            }
        }
        slots = larger;
    }

    /** All changes in the order of their unsigned keys; a view that follows later changes. */
    NavigableMap<byte[], byte[]> inOrder() {
        TreeMap<byte[], byte[]> kept = ordered;
        if (kept == null) {
            kept = new TreeMap<>(Arrays::compareUnsigned);
            for (Change change : slots) {
                if (change != null) {
                    kept.put(change.key, change.value);
                }
            }
            ordered = kept;
        }
        return kept;
    }

    /** The same once, for a sink that changes nothing. */
    void forEachInOrder(Sink sink) throws org.rocksdb.RocksDBException {
        Change[] sorted = new Change[count];
        int next = 0;
        for (Change change : slots) {
            if (change != null) {
                sorted[next++] = change;
            }
        }
        Arrays.sort(sorted, BY_KEY);
        for (Change change : sorted) {
            sink.take(change.key, change.value);
        }
    }

    /** Takes one change. */
    interface Sink {
        void take(byte[] key, byte[] value) throws org.rocksdb.RocksDBException;
    }
}
