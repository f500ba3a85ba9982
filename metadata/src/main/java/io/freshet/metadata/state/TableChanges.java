// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
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
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    /** As they were made: commands name streams in order, so most of them are sorted. */
    private final List<Change> made = new ArrayList<>();

    /** Open addressing; a power of two, at most half of it in use. */
    private @Nullable Change[] slots = new Change[FIRST_SLOTS];

    private @Nullable TreeMap<byte[], byte[]> ordered;

    private static final class Change {
        private final byte[] key;
        private final int hash;
        private byte[] value;

        private Change(byte[] key, int hash, byte[] value) {
            this.key = key;
            this.hash = hash;
            this.value = value;
        }
    }

    byte @Nullable [] get(byte[] key) {
        Change change = slots[slotOf(key, hash(key))];
        return change == null ? null : change.value;
    }

    void put(byte[] key, byte[] value) {
        int hash = hash(key);
        int slot = slotOf(key, hash);
        Change known = slots[slot];
        if (known == null) {
            Change change = new Change(key, hash, value);
            slots[slot] = change;
            made.add(change);
            grow();
        } else {
            known.value = value;
        }
        TreeMap<byte[], byte[]> kept = ordered;
        if (kept != null) {
            kept.put(key, value);
        }
    }

    /** Of eight bytes at a time: nearly all keys are one or two numbers. */
    private static int hash(byte[] key) {
        long hash = key.length;
        int at = 0;
        for (; at + Long.BYTES <= key.length; at += Long.BYTES) {
            hash = (hash ^ (long) LONGS.get(key, at)) * 0x9E37_79B9_7F4A_7C15L;
        }
        for (; at < key.length; at++) {
            hash = (hash ^ key[at]) * 0x9E37_79B9_7F4A_7C15L;
        }
        return (int) (hash >>> 32);
    }

    /** Where the key is, or would be. */
    private int slotOf(byte[] key, int hash) {
        int mask = slots.length - 1;
        int slot = hash & mask;
        for (Change found = slots[slot]; found != null; found = slots[slot]) {
            if (found.hash == hash && Arrays.equals(found.key, key)) {
                break;
            }
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void grow() {
        if (2 * made.size() <= slots.length) {
            return;
        }
        slots = new Change[2 * slots.length];
        for (Change change : made) {
            slots[slotOf(change.key, change.hash)] = change;
        }
    }

    /** All changes in the order of their unsigned keys; a view that follows later changes. */
    NavigableMap<byte[], byte[]> inOrder() {
        TreeMap<byte[], byte[]> kept = ordered;
        if (kept == null) {
            kept = new TreeMap<>(Arrays::compareUnsigned);
            for (Change change : made) {
                kept.put(change.key, change.value);
            }
            ordered = kept;
        }
        return kept;
    }

    /** The same once, for a sink that changes nothing. */
    <E extends Exception> void forEachInOrder(Sink<E> sink) throws E {
        List<Change> sorted = new ArrayList<>(made);
        sorted.sort(BY_KEY);
        for (Change change : sorted) {
            sink.take(change.key, change.value);
        }
    }

    /** Takes one change. */
    interface Sink<E extends Exception> {
        void take(byte[] key, byte[] value) throws E;
    }
}
