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
 * The blocks in memory: those that have been read (admission and eviction by Caffeine's W-TinyLFU, weighed in bytes), and
 * those read ahead, oldest dropped first, which would not survive admission by frequency before their first use. Safe for
 * use by many threads; the staged blocks are guarded by their own lock.
 */
final class CachedBlocks {
    private final Cache<BlockKey, CachedBlock> cache;
    private final LinkedHashMap<BlockKey, CachedBlock> staged = new LinkedHashMap<>();
    private final long maxStagedBytes;
    private final Counter evictions;
    private long stagedBytes;

    CachedBlocks(BlockCacheConfig config, MeterRegistry registry) {
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
        unstage(key);
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
        block.retain();
        if (cache.asMap().putIfAbsent(key, block) != null) {
            block.releaseInCache();
        }
    }

    /** Keeps a block that nobody has asked for yet; the caller keeps its reference. */
    void stage(BlockKey key, CachedBlock block) {
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

    private void unstage(BlockKey key) {
        CachedBlock block;
        synchronized (staged) {
            block = staged.remove(key);
            if (block != null) {
                stagedBytes -= block.weightBytes();
            }
        }
        if (block != null) {
            block.releaseInCache();
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
        if (!coldest.isEmpty()) {
            evictions.increment(coldest.size());
            cache.invalidateAll(coldest.keySet());
            return true;
        }
        return alsoStaged && dropStaged(bytes);
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

    void clear() {
        cache.invalidateAll();
        cache.cleanUp();
        dropStaged(Long.MAX_VALUE);
    }
}
