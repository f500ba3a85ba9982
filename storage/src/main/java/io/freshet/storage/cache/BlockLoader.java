// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.BlockHeader;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Requests ranges of blocks into arena memory within the in-flight budget, verifies them, and hands each to its flight. A
 * block that does not verify is requested once more by itself. The budget and the queue of loads that wait for budget or
 * memory are guarded by this object's lock, never held over I/O or callbacks.
 */
final class BlockLoader {
    private final BlockCacheConfig config;
    private final BlockArena arena;
    private final CachedBlocks blocks;
    private final BlockSource source;
    private final Events events;
    private final ArrayDeque<BlockLoad> waiting = new ArrayDeque<>();
    private final AtomicInteger pumps = new AtomicInteger();
    private volatile int waitingCount;
    private long inFlightBytes;
    private long readAheadInFlightBytes;

    BlockLoader(BlockCacheConfig config, BlockArena arena, CachedBlocks blocks, BlockSource source, Events events) {
        this.config = config;
        this.arena = arena;
        this.blocks = blocks;
        this.source = source;
        this.events = events;
    }

    /** Whether read-ahead may request {@code bytes} more: half of the in-flight budget is kept for demand. */
    synchronized boolean hasReadAheadBudget(int bytes) {
        return waiting.isEmpty()
                && (inFlightBytes == 0 || inFlightBytes + bytes <= config.inFlightBytes() / 2)
                && readAheadInFlightBytes + bytes <= config.readAheadBytes();
    }

    /**
     * Starts the load. If there is no budget or memory now, the blocks that somebody waits for wait one by one, and the
     * others are given up; false if that happened to a load without demand.
     */
    boolean load(BlockLoad load, boolean isDemand) {
        Memory memory = memoryFor(load, isDemand);
        if (memory != null) {
            start(load, memory, isDemand);
            return true;
        }
        for (int i = 0; i < load.size(); i++) {
            if (!events.gaveUp(load.flights().get(i))) {
                await(load.part(i, i + 1));
            }
        }
        pump();
        return isDemand;
    }

    private synchronized void await(BlockLoad load) {
        waiting.add(load);
        waitingCount = waiting.size();
    }

    /** Starts waiting loads for which there is room now. */
    void pump() {
        if (waitingCount == 0 || pumps.getAndIncrement() != 0) {
            return;
        }
        int missed = 1;
        do {
            startWaiting();
            missed = pumps.addAndGet(-missed);
        } while (missed != 0);
    }

    private void startWaiting() {
        while (true) {
            BlockLoad next;
            synchronized (this) {
                next = waiting.peek();
            }
            Memory memory = next == null ? null : memoryFor(next, true);
            if (next == null || memory == null) {
                return;
            }
            synchronized (this) {
                if (next.equals(waiting.peek())) {
                    waiting.poll();
                    waitingCount = waiting.size();
                } else {
                    next = null;
                }
            }
            if (next == null) {
                memory.release();
                giveBack(memory.sizeBytes(), false);
            } else {
                start(next, memory, true);
            }
        }
    }

    /** Budget and memory for the load, or null. */
    private @Nullable Memory memoryFor(BlockLoad load, boolean isDemand) {
        int bytes = load.sizeBytes();
        synchronized (this) {
            boolean fits = inFlightBytes == 0 || inFlightBytes + bytes <= config.inFlightBytes();
            if (!fits || (!isDemand && !hasReadAheadBudget(bytes))) {
                return null;
            }
            inFlightBytes += bytes;
            readAheadInFlightBytes += isDemand ? 0 : bytes;
        }
        if (bytes > arena.maxExtentBytes()) {
            return new Memory(null, ByteBuffer.allocate(bytes), this::pump);
        }
        BlockArena.Extent extent = arena.tryAllocate(bytes);
        // Room in one piece for several blocks is not worth emptying the cache: the first one alone will find room.
        int tries = isDemand && load.size() == 1 ? Integer.MAX_VALUE : 2;
        while (extent == null && !arena.isGrowing() && tries-- > 0 && blocks.evict(bytes, isDemand)) {
            extent = arena.tryAllocate(bytes);
        }
        if (extent == null) {
            giveBack(bytes, !isDemand);
            return null;
        }
        return new Memory(extent, extent.view(), this::pump);
    }

    private synchronized void giveBack(int bytes, boolean isReadAhead) {
        inFlightBytes -= bytes;
        readAheadInFlightBytes -= isReadAhead ? bytes : 0;
    }

    private void start(BlockLoad load, Memory memory, boolean isDemand) {
        load.flights().forEach(Flight::start);
        source.read(load, memory.target()).whenComplete((done, error) -> {
            if (error == null) {
                publish(load, memory);
            } else if (FreshetException.of(error).kind() == ErrorKind.CORRUPT) {
                retryAll(load, memory);
            } else {
                fail(load, FreshetException.of(error));
            }
            memory.release();
            giveBack(memory.sizeBytes(), !isDemand);
            pump();
        });
    }

    private void publish(BlockLoad load, Memory memory) {
        for (int i = 0; i < load.size(); i++) {
            int at = (int) (load.entry(i).position() - load.position());
            CachedBlock block = memory.block(at, load.entry(i).sizeBytes());
            try {
                publish(load, i, block, memory.isPooled());
            } catch (FreshetException damaged) {
                source.damaged(load.flights().get(i).key);
                retry(load, i, block, memory.isPooled());
                continue;
            }
            block.release();
        }
    }

    private void publish(BlockLoad load, int i, CachedBlock block, boolean isPooled) {
        BlockEntry entry = load.entry(i);
        Flight flight = load.flights().get(i);
        BlockHeader.verify(load.index().objectId(), load.firstBlock() + i, entry, block.view());
        if (isPooled) {
            blocks.stage(flight.key, block);
            source.loaded(flight.key, block);
            if (flight.hasWaiters()) {
                blocks.admit(flight.key, block);
            }
        }
        events.landed(flight, block);
    }

    private void retryAll(BlockLoad load, Memory memory) {
        for (int i = 0; i < load.size(); i++) {
            int at = (int) (load.entry(i).position() - load.position());
            retry(load, i, memory.block(at, load.entry(i).sizeBytes()), memory.isPooled());
        }
    }

    /** Reads one block again into its own memory: a truncated or damaged answer may be the network's doing. */
    private void retry(BlockLoad load, int i, CachedBlock ownedBlock, boolean isPooled) {
        BlockLoad single = load.part(i, i + 1);
        source.read(single, ownedBlock.view()).whenComplete((done, error) -> {
            try {
                if (error != null) {
                    throw describe(single, FreshetException.of(error));
                }
                publish(single, 0, ownedBlock, isPooled);
            } catch (FreshetException failure) {
                events.failed(single.flights().get(0), failure);
            } finally {
                ownedBlock.release();
            }
        });
    }

    private static FreshetException describe(BlockLoad load, FreshetException failure) {
        BlockEntry entry = load.entry(0);
        return new FreshetException(
                failure.kind(),
                "Object " + load.index().objectId() + ": block " + load.firstBlock() + " at position "
                        + entry.position() + " (" + entry.sizeBytes() + " bytes, stream " + entry.streamId()
                        + ", offsets " + entry.baseOffset() + " to " + entry.endOffset() + ") cannot be read: "
                        + failure.getMessage(),
                failure);
    }

    private void fail(BlockLoad load, FreshetException failure) {
        load.flights().forEach(flight -> events.failed(flight, failure));
    }

    /** Fails the loads that wait for memory. */
    void close(FreshetException reason) {
        while (true) {
            BlockLoad next;
            synchronized (this) {
                next = waiting.poll();
                waitingCount = waiting.size();
            }
            if (next == null) {
                return;
            }
            fail(next, reason);
        }
    }

    /** What becomes of a load's flights; called without any lock held. */
    interface Events {
        void landed(Flight flight, CachedBlock block);

        void failed(Flight flight, FreshetException failure);

        /** Ends the flight if nobody waits for it; false if somebody does. */
        boolean gaveUp(Flight flight);
    }

    /** Where one request's bytes go. */
    private record Memory(BlockArena.@Nullable Extent extent, ByteBuffer whole, Runnable onReaderRelease) {
        boolean isPooled() {
            return extent != null;
        }

        int sizeBytes() {
            return whole.capacity();
        }

        ByteBuffer target() {
            return whole.duplicate();
        }

        CachedBlock block(int position, int lengthBytes) {
            return extent == null
                    ? new CachedBlock(whole.slice(position, lengthBytes), lengthBytes, () -> {}, onReaderRelease)
                    : extent.block(position, lengthBytes, onReaderRelease);
        }

        void release() {
            if (extent != null) {
                extent.release();
            }
        }
    }
}
