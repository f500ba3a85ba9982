// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

import io.freshet.common.runtime.Clock;
import io.freshet.storage.cache.BlockCache;
import io.freshet.storage.format.ObjectIndex;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Recognises sequential readers: one that goes on where a read of the same stream ended. Its window of blocks read ahead
 * doubles with each read up to a limit, and shrinks to its share when many are active, down to nothing: all windows together
 * stay within a quarter of what the cache keeps for recent loads, so that no block is dropped before its reader comes. Safe for use by many threads; the map
 * of readers is guarded by this object's lock.
 */
final class ReadAhead {
    private static final int MAX_READERS = 4096;
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final BlockCache cache;
    private final Clock clock;
    private final int maxBlocks;
    private final LinkedHashMap<Expected, Sequence> readers = new LinkedHashMap<>();

    ReadAhead(BlockCache cache, Clock clock, int maxBlocks) {
        this.cache = cache;
        this.clock = clock;
        this.maxBlocks = maxBlocks;
    }

    /** Where a reader will go on if it is sequential. */
    private record Expected(long streamId, long nextOffset) {}

    /**
     * What is known of one sequential reader; handed from one read to the next.
     *
     * @param windowBlocks how far ahead it may go
     * @param objectId the object it was in
     * @param block the block it was in
     * @param position where in that block the next batch begins
     * @param aheadEnd number after the last block already requested for it
     */
    record Sequence(int windowBlocks, long objectId, int block, int position, int aheadEnd, long atNanos) {}

    /** The reader whose former read ended at {@code offset}; null for one that has just jumped there. */
    synchronized @Nullable Sequence resume(long streamId, long offset) {
        return readers.remove(new Expected(streamId, offset));
    }

    /**
     * A read has taken what it wanted up to {@code nextOffset}, at {@code position} of {@code block}; requests what a
     * sequential reader will want next.
     */
    void advance(@Nullable Sequence former, ObjectIndex index, Cursor at, int endBlock) {
        int window = former == null ? 0 : Math.min(Math.max(2, former.windowBlocks() * 2), share(index, at.block()));
        int aheadEnd = at.block() + 1;
        if (former != null && former.objectId() == index.objectId()) {
            aheadEnd = Math.max(aheadEnd, former.aheadEnd());
        }
        int wanted = Math.min(endBlock, at.block() + 1 + window);
        // Ask again only when half of the window is used up: few large requests instead of many small ones.
        if (window > 0 && (aheadEnd - at.block() - 1) * 2 <= window && aheadEnd < wanted) {
            aheadEnd = cache.prefetch(index, aheadEnd, wanted);
        }
        Sequence next = new Sequence(window, index.objectId(), at.block(), at.position(), aheadEnd, clock.nanoTime());
        remember(new Expected(at.streamId(), at.nextOffset()), next);
    }

    /** How many blocks like {@code block} one reader's load should bring at most, so that all readers find memory. */
    long fairBlocks(ObjectIndex index, int block) {
        return Math.max(1, fairShare(index, block));
    }

    /** Where a read ended. */
    record Cursor(long streamId, long nextOffset, int block, int position) {}

    private int share(ObjectIndex index, int block) {
        return (int) Math.min(maxBlocks, fairShare(index, block));
    }

    private long fairShare(ObjectIndex index, int block) {
        int active;
        synchronized (this) {
            active = readers.size() + 1;
        }
        int last = Math.min(block, index.blocks().size() - 1);
        long blockBytes = Math.max(1, index.blocks().get(last).sizeBytes());
        return cache.config().readAheadBytes() / 4 / active / blockBytes;
    }

    private synchronized void remember(Expected key, Sequence sequence) {
        readers.remove(key);
        readers.put(key, sequence);
        var oldest = readers.entrySet().iterator();
        while (oldest.hasNext()) {
            Map.Entry<Expected, Sequence> entry = oldest.next();
            boolean isIdle = sequence.atNanos() - entry.getValue().atNanos() > IDLE_NANOS;
            if (!isIdle && readers.size() <= MAX_READERS) {
                return;
            }
            oldest.remove();
        }
    }
}
