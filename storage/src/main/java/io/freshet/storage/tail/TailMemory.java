// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Byte budget of all streams' tails. Every entry is charged its payload and a fixed overhead. Committed entries are kept
 * while there is room and evicted oldest commit first; uncommitted ones are never evicted: admission bounds them
 * ({@link WalSpace}). Safe for use by many threads; one at a time evicts.
 */
public final class TailMemory {
    private record Evictable(StreamTail tail, long endOffset) {}

    private final long limitBytes;
    private final AtomicLong totalBytes = new AtomicLong();
    private final AtomicLong uncommittedBytes = new AtomicLong();
    private final Queue<Evictable> evictable = new ConcurrentLinkedQueue<>();
    private final ReentrantLock evicting = new ReentrantLock();

    public TailMemory(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    public long limitBytes() {
        return limitBytes;
    }

    /** All bytes in tails, overhead included. */
    public long totalBytes() {
        return totalBytes.get();
    }

    /** The part of {@link #totalBytes()} that is not yet committed as objects and thus cannot be evicted. */
    public long uncommittedBytes() {
        return uncommittedBytes.get();
    }

    void added(long bytes) {
        totalBytes.addAndGet(bytes);
        uncommittedBytes.addAndGet(bytes);
    }

    /** {@code bytes} of {@code tail} below {@code endOffset} may be evicted from now on. */
    void committed(StreamTail tail, long endOffset, long bytes) {
        uncommittedBytes.addAndGet(-bytes);
        evictable.add(new Evictable(tail, endOffset));
    }

    void droppedUncommitted(long bytes) {
        totalBytes.addAndGet(-bytes);
        uncommittedBytes.addAndGet(-bytes);
    }

    void droppedCommitted(long bytes) {
        totalBytes.addAndGet(-bytes);
    }

    /** Evicts until within budget or nothing evictable is left. Must be called without any stream's lock. */
    public void evictOverBudget() {
        if (totalBytes.get() <= limitBytes || !evicting.tryLock()) {
            return;
        }
        try {
            long excess = totalBytes.get() - limitBytes;
            while (excess > 0) {
                Evictable oldest = evictable.peek();
                if (oldest == null) {
                    return;
                }
                if (!oldest.tail().evict(oldest.endOffset(), excess)) {
                    evictable.poll();
                }
                excess = totalBytes.get() - limitBytes;
            }
        } finally {
            evicting.unlock();
        }
    }
}
