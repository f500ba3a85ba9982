// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.ObjectIndex;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Verified blocks of objects, shared by all readers of a broker. One request at most is under way for a block; neighbours
 * are read by one ranged request. Memory is bounded by {@link BlockCacheConfig#capacityBytes()}; a block larger than the
 * arena's slabs lives on the heap for as long as it is read, one at a time. Loads that find no memory wait, first come
 * first served, until readers release blocks. Safe for use by many threads; no call blocks.
 *
 * <p>Every block handed out carries a reference that the receiver must release.
 */
public final class BlockCache implements AutoCloseable {
    private final BlockCacheConfig config;
    private final BlockSource source;
    private final BlockArena arena;
    private final CachedBlocks blocks;
    private final BlockLoader loader;
    private final ConcurrentHashMap<BlockKey, Flight> flights = new ConcurrentHashMap<>();
    private final Counter hits;
    private final Counter misses;
    private volatile boolean isClosed;

    /** The store is used, not owned. */
    public BlockCache(BlockCacheConfig config, ObjectStore store, MeterRegistry registry) {
        this(config, store, null, registry);
    }

    /** The same with a second tier behind memory, which is used, not owned. */
    public BlockCache(BlockCacheConfig config, ObjectStore store, @Nullable DiskTier disk, MeterRegistry registry) {
        this(config, store, disk, Runnable::run, registry);
    }

    /** @param growth asks the system for memory, which takes a while; an event loop should not */
    public BlockCache(
            BlockCacheConfig config,
            ObjectStore store,
            @Nullable DiskTier disk,
            Executor growth,
            MeterRegistry registry) {
        this.config = config;
        source = new BlockSource(store, disk, registry);
        arena = new BlockArena(config.capacityBytes(), growth, this::memoryHasCome);
        blocks = new CachedBlocks(config, source, registry);
        loader = new BlockLoader(config, arena, blocks, source, new Landing());
        hits = registry.counter("freshet.blockcache.hits", "tier", "memory");
        misses = registry.counter("freshet.blockcache.misses");
        Gauge.builder("freshet.blockcache.bytes", arena, BlockArena::usedBytes).register(registry);
        Gauge.builder("freshet.blockcache.reserved.bytes", arena, BlockArena::reservedBytes)
                .register(registry);
        Gauge.builder("freshet.blockcache.readahead.bytes", blocks, CachedBlocks::stagedBytes)
                .register(registry);
    }

    private void memoryHasCome() {
        loader.pump();
    }

    /** Bytes of memory in use: cached, in flight or being read. */
    public long usedBytes() {
        return arena.usedBytes();
    }

    /** Bytes of memory taken from the operating system, never given back. */
    public long reservedBytes() {
        return arena.reservedBytes();
    }

    public BlockCacheConfig config() {
        return config;
    }

    /**
     * The block, from memory or the store. If it must be loaded, its missing neighbours up to {@code endBlock}, exclusive,
     * come with it as far as memory allows. Fails with MISSING, UNAVAILABLE, THROTTLED, or with CORRUPT after two tries.
     */
    public CompletableFuture<CachedBlock> acquire(ObjectIndex index, int block, int endBlock) {
        BlockKey key = key(index, block);
        boolean isFirstTry = true;
        while (true) {
            CachedBlock found = blocks.find(key);
            if (found != null) {
                (isFirstTry ? hits : misses).increment();
                return CompletableFuture.completedFuture(found);
            }
            if (isClosed) {
                return CompletableFuture.failedFuture(closed());
            }
            isFirstTry = false;
            Flight mine = new Flight(key);
            CompletableFuture<CachedBlock> waiter = mine.join(false);
            Flight other = flights.putIfAbsent(key, mine);
            if (other != null) {
                waiter = other.join(false);
            } else if (!landIfPresent(mine)) {
                loader.load(run(index, block, endBlock, mine), true);
            }
            if (waiter != null) {
                misses.increment();
                return waiter;
            }
        }
    }

    /** The block if it is in memory or on its way there; null if it would have to be requested, or waits for memory. */
    public @Nullable CompletableFuture<CachedBlock> acquireIfNear(ObjectIndex index, int block) {
        BlockKey key = key(index, block);
        CachedBlock found = blocks.find(key);
        if (found != null) {
            hits.increment();
            return CompletableFuture.completedFuture(found);
        }
        Flight flight = flights.get(key);
        return flight == null ? null : flight.join(true);
    }

    /**
     * Reads blocks {@code fromBlock} to {@code endBlock}, exclusive, ahead as far as they are missing and budgets allow.
     * Returns the number after the last block that is in memory or on its way.
     */
    public int prefetch(ObjectIndex index, int fromBlock, int endBlock) {
        int next = fromBlock;
        while (next < endBlock && !isClosed) {
            BlockKey key = key(index, next);
            if (blocks.contains(key) || flights.containsKey(key)) {
                next++;
                continue;
            }
            if (!loader.hasReadAheadBudget(index.blocks().get(next).sizeBytes())) {
                return next;
            }
            Flight mine = new Flight(key);
            if (flights.putIfAbsent(key, mine) != null || landIfPresent(mine)) {
                next++;
                continue;
            }
            BlockLoad load = run(index, next, endBlock, mine);
            if (!loader.load(load, false)) {
                return next;
            }
            next += load.size();
        }
        return next;
    }

    /** After a flight was registered: whether a former one has brought the block in the meantime. */
    private boolean landIfPresent(Flight flight) {
        CachedBlock present = blocks.find(flight.key);
        if (present == null) {
            return false;
        }
        flights.remove(flight.key, flight);
        flight.land(present);
        present.release();
        return true;
    }

    /** The block of {@code first} and the missing ones right behind it, up to the greatest load. */
    private BlockLoad run(ObjectIndex index, int block, int endBlock, Flight first) {
        List<Flight> run = new ArrayList<>();
        run.add(first);
        long sizeBytes = index.blocks().get(block).sizeBytes();
        for (int next = block + 1; next < endBlock; next++) {
            BlockEntry entry = index.blocks().get(next);
            sizeBytes += entry.sizeBytes();
            if (sizeBytes > Math.min(config.maxLoadBytes(), arena.maxExtentBytes())) {
                break;
            }
            Flight flight = new Flight(key(index, next));
            if (!source.isSame(first.key, flight.key)
                    || blocks.contains(flight.key)
                    || flights.putIfAbsent(flight.key, flight) != null
                    || landIfPresent(flight)) {
                break;
            }
            run.add(flight);
        }
        return new BlockLoad(index, block, run);
    }

    /** Ends flights; a block is in memory before its flight is forgotten, so that nobody requests it again. */
    private final class Landing implements BlockLoader.Events {
        @Override
        public void landed(Flight flight, CachedBlock block) {
            flights.remove(flight.key, flight);
            flight.land(block);
        }

        @Override
        public void failed(Flight flight, FreshetException failure) {
            flights.remove(flight.key, flight);
            flight.fail(failure);
        }

        @Override
        public boolean gaveUp(Flight flight) {
            boolean isOver = flight.closeIfUnwaited();
            if (isOver) {
                flights.remove(flight.key, flight);
            }
            return isOver;
        }
    }

    private static BlockKey key(ObjectIndex index, int block) {
        return new BlockKey(index.objectId(), index.blocks().get(block).position());
    }

    private static FreshetException closed() {
        return new FreshetException(ErrorKind.UNAVAILABLE, "The block cache is closed; the broker is stopping");
    }

    /** Drops everything; blocks that are being read stay until released. Later calls fail with UNAVAILABLE. */
    @Override
    public void close() {
        isClosed = true;
        loader.close(closed());
        blocks.close();
    }
}
