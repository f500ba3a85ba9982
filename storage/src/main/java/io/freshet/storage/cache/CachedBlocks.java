// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.RemovalCause;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The blocks in memory: those worth keeping (admission and eviction by Caffeine's W-TinyLFU, weighed in bytes, from their
 * first use on), and the most recently loaded ones, oldest dropped first. The second kind is there for blocks read ahead,
 * and for readers that take a block in several reads: admission by frequency would refuse them a place. A block may be in
 * both. Safe for use by many threads; the staged blocks are guarded by their own lock.
 */
final class CachedBlocks {
    private final Cache<BlockKey, CachedBlock> cache;
    private final LinkedHashMap<BlockKey, CachedBlock> staged = new LinkedHashMap<>();
    private final BlockSource source;
    private final long maxStagedBytes;
    private final Counter evictions;
    private long stagedBytes;
    private volatile boolean isClosed;

    CachedBlocks(BlockCacheConfig config, BlockSource source, MeterRegistry registry) {
        this.source = source;
        maxStagedBytes = config.readAheadBytes();
        evictions = registry.counter("freshet.blockcache.evictions");
        cache = Caffeine.newBuilder()
                .maximumWeight(config.cachedBytes())
                .weigher((BlockKey key, CachedBlock block) -> block.weightBytes())
                .executor(Runnable::run)
                .removalListener(this::onRemoval)
                .build();
    }

    private void onRemoval(@Nullable BlockKey key, @Nullable CachedBlock block, RemovalCause cause) {
        if (cause.wasEvicted()) {
            evictions.increment();
        }
        if (block != null) {
            block.releaseInCache();
        }
    }

    /** The block with a reference for the caller, or null. */
    @Nullable
    CachedBlock find(BlockKey key) {
        CachedBlock block = cache.getIfPresent(key);
        if (block != null && block.tryRetain()) {
            return block;
        }
        synchronized (staged) {
            block = staged.get(key);
            if (block == null) {
                return null;
            }
            block.retain();
        }
        admit(key, block);
        return block;
    }

    boolean contains(BlockKey key) {
        synchronized (staged) {
            if (staged.containsKey(key)) {
                return true;
            }
        }
        return cache.asMap().containsKey(key);
    }

    /** Keeps a block that is being read; the caller keeps its reference. */
    void admit(BlockKey key, CachedBlock block) {
        if (isClosed) {
            return;
        }
        block.retain();
        if (cache.asMap().putIfAbsent(key, block) != null) {
            block.releaseInCache();
        } else {
            source.loaded(key, block); // again, because the disk may have been too busy when it came
        }
    }

    /** Keeps a block that has just been loaded; the caller keeps its reference. */
    void stage(BlockKey key, CachedBlock block) {
        if (isClosed) {
            return;
        }
        block.retain();
        List<CachedBlock> dropped = new ArrayList<>();
        synchronized (staged) {
            CachedBlock former = staged.put(key, block);
            stagedBytes += block.weightBytes();
            if (former != null) {
                stagedBytes -= former.weightBytes();
                dropped.add(former);
            }
            dropOldest(maxStagedBytes, dropped);
        }
        dropped.forEach(CachedBlock::releaseInCache);
    }

    private void dropOldest(long keepBytes, List<CachedBlock> dropped) {
        Iterator<CachedBlock> oldest = staged.values().iterator();
        while (stagedBytes > keepBytes && oldest.hasNext()) {
            CachedBlock block = oldest.next();
            oldest.remove();
            stagedBytes -= block.weightBytes();
            dropped.add(block);
        }
    }

    /** Lets go of about {@code bytes} of the coldest blocks; false if there was nothing to let go of. */
    boolean evict(long bytes, boolean alsoStaged) {
        cache.cleanUp();
        Map<BlockKey, CachedBlock> coldest =
                cache.policy().eviction().orElseThrow().coldestWeighted(Math.max(bytes, 2L * BlockArena.PAGE_BYTES));
        if (coldest.isEmpty()) {
            coldest = cache.policy().eviction().orElseThrow().coldest(1);
        }
        evictions.increment(coldest.size());
        cache.invalidateAll(coldest.keySet());
        boolean isDropped = alsoStaged && dropStaged(bytes);
        return isDropped || !coldest.isEmpty();
    }

    private boolean dropStaged(long bytes) {
        List<CachedBlock> dropped = new ArrayList<>();
        synchronized (staged) {
            dropOldest(Math.max(0, stagedBytes - Math.min(bytes, stagedBytes)), dropped);
        }
        dropped.forEach(CachedBlock::releaseInCache);
        return !dropped.isEmpty();
    }

    long stagedBytes() {
        synchronized (staged) {
            return stagedBytes;
        }
    }

    /** Lets go of everything, and of what is still to come. */
    void close() {
        isClosed = true;
        cache.invalidateAll();
        cache.cleanUp();
        dropStaged(Long.MAX_VALUE);
    }
}
