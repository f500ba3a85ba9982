// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.buffer.BackingMemory;
import io.freshet.common.buffer.SharedBytes;
import java.nio.ByteBuffer;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Byte budget of all streams' tails. What is charged is memory, not payload: each entry its objects, and each piece of memory
 * that entries refer to (a request's frame, a slab of small batches) its whole size from its first entry to its last.
 * Committed entries are kept while there is room and evicted oldest commit first; uncommitted ones are never evicted:
 * admission bounds them ({@link WalLane}). Safe for use by many threads; one at a time evicts.
 */
public final class TailMemory {
    /** Payloads up to this size are packed together with others. */
    public static final int PACKED_BYTES = TailSlabs.ALWAYS_COPIED_BYTES;

    private static final int EVICTABLE_BYTES = 64;
    /** Evicted by one call beyond what is over the budget, when entries leave but the memory they share stays in use. */
    private static final long STEP_BYTES = 1 << 20;

    private record Evictable(StreamTail tail, long endOffset) {}

    private final long limitBytes;
    private final TailSlabs slabs = new TailSlabs();
    private final AtomicLong heldBytes = new AtomicLong();
    private final AtomicLong uncommittedBytes = new AtomicLong();
    private final AtomicLong promisedBytes = new AtomicLong();
    private final Queue<Evictable> evictable = new ConcurrentLinkedQueue<>();
    private final ReentrantLock evicting = new ReentrantLock();

    public TailMemory(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    public long limitBytes() {
        return limitBytes;
    }

    /** All memory of tails: objects, payloads, what payloads share with others, and idle slabs. */
    public long totalBytes() {
        return heldBytes.get() + slabs.idleBytes();
    }

    /** The part of {@link #totalBytes()} that is not yet committed as objects and thus cannot be evicted. */
    public long uncommittedBytes() {
        return uncommittedBytes.get();
    }

    /** What is uncommitted and what is promised: beside it appends must find room. */
    long takenBytes() {
        return uncommittedBytes.get() + promisedBytes.get();
    }

    /**
     * Keeps {@code bytes} for records that are about to be read from elsewhere, if no more than {@code limitBytes} are taken then. Give
     * them back once the records are added, or will not come.
     */
    public boolean promise(long bytes, long limitBytes) {
        while (true) {
            long promised = promisedBytes.get();
            if (uncommittedBytes.get() + promised + bytes > limitBytes) {
                return false;
            }
            if (promisedBytes.compareAndSet(promised, promised + bytes)) {
                return true;
            }
        }
    }

    public void giveBack(long bytes) {
        promisedBytes.addAndGet(-bytes);
    }

    /** {@code bytes} with {@code references} references more, or a copy with that many where that takes less memory. */
    SharedBytes keep(SharedBytes bytes, int references) {
        if (TailSlabs.isBetterCopied(bytes)) {
            return slabs.copy(bytes.view(), references);
        }
        for (int i = 0; i < references; i++) {
            bytes.retain();
        }
        return bytes;
    }

    /** A copy of the small {@code payload}, with one reference, packed together with others. */
    public SharedBytes packed(ByteBuffer payload) {
        return slabs.copy(payload, 1);
    }

    void added(TailEntry entry) {
        BackingMemory backing = entry.bytes().backing();
        long unshared = entry.unsharedBytes();
        heldBytes.addAndGet(unshared + (backing == null ? 0 : backing.hold()));
        uncommittedBytes.addAndGet(unshared + (backing == null ? 0 : backing.fix()));
    }

    /** The entry is committed, though not yet evictable: {@link #committed} follows. */
    void entryCommitted(TailEntry entry) {
        BackingMemory backing = entry.bytes().backing();
        uncommittedBytes.addAndGet(-entry.unsharedBytes() - (backing == null ? 0 : backing.unfix()));
    }

    /** Entries of {@code tail} below {@code endOffset} may be evicted from now on. */
    void committed(StreamTail tail, long endOffset) {
        heldBytes.addAndGet(EVICTABLE_BYTES);
        evictable.add(new Evictable(tail, endOffset));
    }

    /** A committed entry has left its tail. */
    void dropped(TailEntry entry) {
        BackingMemory backing = entry.bytes().backing();
        heldBytes.addAndGet(-entry.unsharedBytes() - (backing == null ? 0 : backing.letGo()));
    }

    void droppedUncommitted(TailEntry entry) {
        entryCommitted(entry);
        dropped(entry);
    }

    /**
     * Evicts until within budget or nothing evictable is left, but a bounded number of entries: the next call goes on. Must
     * be called without any stream's lock.
     */
    public void evictOverBudget() {
        if (totalBytes() <= limitBytes || !evicting.tryLock()) {
            return;
        }
        try {
            long excess = totalBytes() - limitBytes;
            long left = excess + STEP_BYTES;
            while (excess > 0 && left > 0) {
                if (slabs.idleBytes() <= limitBytes / 16 || !slabs.dropIdle()) {
                    Evictable oldest = evictable.peek();
                    if (oldest == null) {
                        return;
                    }
                    long wanted = Math.min(excess, left);
                    long evicted = oldest.tail().evict(oldest.endOffset(), wanted);
                    left -= evicted;
                    if (evicted < wanted) {
                        evictable.poll();
                        heldBytes.addAndGet(-EVICTABLE_BYTES);
                    }
                }
                excess = totalBytes() - limitBytes;
            }
        } finally {
            evicting.unlock();
        }
    }
}
