// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Blocks that were loaded once, kept on a local disk for when they have left memory: a ring in one file, oldest overwritten
 * first, with its index in memory only. It begins empty and may lose or damage anything: whoever takes a block verifies it.
 * The first I/O error switches the tier off until the next start. No call blocks: blocks are written behind by one thread,
 * and dropped when too many wait. The ring is guarded by this object's lock, never held over I/O; the index may be read by
 * any thread.
 */
public final class DiskTier implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DiskTier.class);

    private final TierFile file;
    private final long capacityBytes;
    private final long maxQueuedBytes;
    private final Executor writer;
    private final Executor readers;
    private final ConcurrentHashMap<BlockKey, Slot> index = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<BlockKey, Boolean> queued = new ConcurrentHashMap<>();
    private final ArrayDeque<Slot> ring = new ArrayDeque<>();
    private final AtomicLong queuedBytes = new AtomicLong();
    private final Counter hits;
    private final Counter damaged;
    private final Counter dropped;
    private final Counter writtenBytes;
    private long head;
    private long usedBytes;
    private volatile boolean isOff;

    private record Slot(BlockKey key, long position, int sizeBytes) {
        long endPosition() {
            return position + sizeBytes;
        }
    }

    /**
     * @param ownedFile closed with this tier; bytes beyond {@code capacityBytes} are never touched
     * @param maxQueuedBytes memory of blocks that wait to be written; further ones are dropped
     * @param writer one thread
     * @param readers bounded; a read that they refuse counts as a miss
     */
    public DiskTier(
            TierFile ownedFile,
            long capacityBytes,
            long maxQueuedBytes,
            Executor writer,
            Executor readers,
            MeterRegistry registry) {
        this.file = ownedFile;
        this.capacityBytes = capacityBytes;
        this.maxQueuedBytes = maxQueuedBytes;
        this.writer = writer;
        this.readers = readers;
        hits = registry.counter("freshet.blockcache.hits", "tier", "disk");
        damaged = registry.counter("freshet.diskcache.damaged");
        dropped = registry.counter("freshet.diskcache.dropped");
        writtenBytes = registry.counter("freshet.diskcache.written.bytes");
        Gauge.builder("freshet.diskcache.bytes", this, DiskTier::usedBytes).register(registry);
        Gauge.builder("freshet.diskcache.on", this, tier -> tier.isOff ? 0 : 1).register(registry);
    }

    /** Bytes of blocks on the disk. */
    public synchronized long usedBytes() {
        return usedBytes;
    }

    /** False once an I/O error has switched the tier off. */
    public boolean isOn() {
        return !isOff;
    }

    boolean holds(BlockKey key) {
        return index.containsKey(key);
    }

    boolean holdsAll(List<Flight> flights) {
        for (Flight flight : flights) {
            if (!index.containsKey(flight.key)) {
                return false;
            }
        }
        return !index.isEmpty();
    }

    /** Writes the block behind, unless it is here or too much waits; the caller keeps its reference. */
    void offer(BlockKey key, CachedBlock block) {
        int size = block.sizeBytes();
        if (isOff || size > capacityBytes || index.containsKey(key) || queued.putIfAbsent(key, true) != null) {
            return;
        }
        if (queuedBytes.addAndGet(size) > maxQueuedBytes) {
            forgetQueued(key, size);
            dropped.increment();
            return;
        }
        block.retain();
        try {
            writer.execute(() -> write(key, block));
        } catch (RejectedExecutionException e) {
            forgetQueued(key, size);
            block.release();
            dropped.increment();
        }
    }

    private void forgetQueued(BlockKey key, int size) {
        queued.remove(key);
        queuedBytes.addAndGet(-size);
    }

    private void write(BlockKey key, CachedBlock ownedBlock) {
        int size = ownedBlock.sizeBytes();
        try {
            if (!isOff) {
                Slot slot = reserve(key, size);
                file.write(slot.position(), ownedBlock.view());
                publish(slot);
                writtenBytes.increment(size);
            }
        } catch (IOException | RuntimeException e) {
            switchOff("writing", e);
        } finally {
            forgetQueued(key, size);
            ownedBlock.release();
        }
    }

    /** Room at the ring's head; what was there is forgotten before it is overwritten. */
    private synchronized Slot reserve(BlockKey key, int size) {
        if (head + size > capacityBytes) {
            forgetWhile(head, capacityBytes);
            head = 0;
        }
        forgetWhile(head, head + size);
        Slot slot = new Slot(key, head, size);
        head += size;
        ring.add(slot);
        usedBytes += size;
        return slot;
    }

    private void forgetWhile(long from, long to) {
        for (Slot oldest = ring.peek(); oldest != null; oldest = ring.peek()) {
            if (oldest.position() >= to || oldest.endPosition() <= from) {
                return;
            }
            ring.poll();
            usedBytes -= oldest.sizeBytes();
            index.remove(oldest.key(), oldest);
        }
    }

    private synchronized void publish(Slot slot) {
        if (!isOff) {
            index.put(slot.key(), slot);
        }
    }

    /**
     * Fills {@code target} with the blocks of {@code flights}, one behind the other; false if one of them is not here (any
     * more), then {@code target} holds anything. What comes may be damaged.
     */
    CompletableFuture<Boolean> read(List<Flight> flights, ByteBuffer target) {
        CompletableFuture<Boolean> result = new CompletableFuture<>();
        try {
            readers.execute(() -> result.complete(readAll(flights, target)));
        } catch (RejectedExecutionException e) {
            result.complete(false);
        }
        return result;
    }

    private boolean readAll(List<Flight> flights, ByteBuffer target) {
        int at = target.position();
        for (Flight flight : flights) {
            Slot slot = index.get(flight.key);
            if (slot == null
                    || slot.sizeBytes() > target.limit() - at
                    || !read(slot, target.slice(at, slot.sizeBytes()))) {
                return false;
            }
            at += slot.sizeBytes();
        }
        boolean isWhole = at == target.limit();
        if (isWhole) {
            hits.increment(flights.size());
        }
        return isWhole;
    }

    private boolean read(Slot slot, ByteBuffer target) {
        try {
            file.read(slot.position(), target);
        } catch (IOException | RuntimeException e) {
            switchOff("reading", e);
            return false;
        }
        return slot.equals(index.get(slot.key()));
    }

    /** The block did not verify: if it came from here it is forgotten. */
    void forgetDamaged(BlockKey key) {
        if (index.remove(key) != null) {
            damaged.increment();
        }
    }

    private void switchOff(String doing, @Nullable Exception cause) {
        synchronized (this) {
            if (isOff) {
                return;
            }
            isOff = true;
            index.clear();
            ring.clear();
            usedBytes = 0;
        }
        LOG.warn(
                "The disk cache {} is switched off until the next start, because {} it failed; reads go to the object"
                        + " store. Check the disk's health and room",
                file.description(),
                doing,
                cause);
    }

    /** Forgets everything and closes the file. Its threads must have stopped before. */
    @Override
    public void close() throws IOException {
        synchronized (this) {
            isOff = true;
            index.clear();
            ring.clear();
            usedBytes = 0;
        }
        file.close();
    }
}
