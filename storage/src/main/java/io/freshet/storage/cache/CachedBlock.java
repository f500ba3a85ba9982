// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import io.freshet.common.buffer.SharedBytes;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One verified block, header included, in the arena. The cache holds one reference while the block is cached, each reader
 * one while it reads; the memory is reused after the last release. Safe for use by many threads.
 */
public final class CachedBlock implements SharedBytes {
    private final ByteBuffer memory;
    private final int weightBytes;
    private final Runnable free;
    private final Runnable onReaderRelease;
    private final AtomicInteger references = new AtomicInteger(1);

    CachedBlock(ByteBuffer memory, int weightBytes, Runnable free, Runnable onReaderRelease) {
        this.memory = memory;
        this.weightBytes = weightBytes;
        this.free = free;
        this.onReaderRelease = onReaderRelease;
    }

    /** Bytes of the pages that this block touches. */
    int weightBytes() {
        return weightBytes;
    }

    @Override
    public ByteBuffer view() {
        if (references.get() <= 0) {
            throw new IllegalStateException("A block was read after its last reference was released");
        }
        return memory.duplicate();
    }

    @Override
    public int sizeBytes() {
        return memory.capacity();
    }

    /** Adds a reference unless all are gone: a block found in the cache may be evicted before it is retained. */
    boolean tryRetain() {
        int current = references.get();
        while (current > 0) {
            if (references.compareAndSet(current, current + 1)) {
                return true;
            }
            current = references.get();
        }
        return false;
    }

    @Override
    public CachedBlock retain() {
        if (!tryRetain()) {
            throw new IllegalStateException("A block was retained after its last reference was released");
        }
        return this;
    }

    @Override
    public void release() {
        if (releaseInCache()) {
            onReaderRelease.run();
        }
    }

    /** Gives a reference back without starting loads that wait for memory; true if it was the last. */
    boolean releaseInCache() {
        int left = references.decrementAndGet();
        if (left < 0) {
            throw new IllegalStateException("A block was released more often than retained");
        }
        if (left == 0) {
            free.run();
        }
        return left == 0;
    }
}
