// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Memory outside the heap, handed out in runs of 4 KiB pages from a fixed number of slabs. Slabs are allocated on first
 * need and kept, so that a steady state allocates nothing; the system takes tens of milliseconds for one, so that happens on an
 * executor, and the next one is begun before the last one is full. A page is given back when the last block that touches it is
 * released: blocks that were read by one request share the pages at their borders. State is guarded by this object's lock,
 * which is never held over I/O.
 */
final class BlockArena {
    static final int PAGE_BYTES = 4096;
    private static final Logger LOG = LoggerFactory.getLogger(BlockArena.class);
    private static final int MAX_SLAB_BYTES = 32 << 20;

    private final int slabBytes;
    private final Executor growth;
    private final Runnable whenGrown;
    private final List<Slab> slabs = new ArrayList<>();
    private int maxSlabs;
    private long usedPages;
    private boolean isGrowing;

    /**
     * @param growth allocates slabs
     * @param whenGrown told, on {@code growth}, that memory has come or will not come
     */
    BlockArena(long capacityBytes, Executor growth, Runnable whenGrown) {
        this.growth = growth;
        this.whenGrown = whenGrown;
        slabBytes = (int) Math.max(PAGE_BYTES, Math.min(MAX_SLAB_BYTES, capacityBytes) / PAGE_BYTES * PAGE_BYTES);
        maxSlabs = (int) Math.max(1, capacityBytes / slabBytes);
    }

    /** Greatest extent that can ever be allocated. */
    synchronized int maxExtentBytes() {
        return maxSlabs == 0 ? 0 : slabBytes;
    }

    synchronized long capacityBytes() {
        return (long) slabBytes * maxSlabs;
    }

    synchronized long usedBytes() {
        return usedPages * PAGE_BYTES;
    }

    synchronized long reservedBytes() {
        return (long) slabBytes * slabs.size();
    }

    static int pages(long bytes) {
        return Math.toIntExact((bytes + PAGE_BYTES - 1) / PAGE_BYTES);
    }

    /** Memory for {@code sizeBytes} in one piece; null if there is none now. */
    @Nullable
    Extent tryAllocate(int sizeBytes) {
        Extent found = find(sizeBytes);
        if (sizeBytes <= slabBytes && beginsToGrow(found == null)) {
            try {
                growth.execute(this::grow);
            } catch (RejectedExecutionException stopping) {
                endGrowing(null);
            }
            found = found == null ? find(sizeBytes) : found;
        }
        return found;
    }

    /** Whether more memory is on its way, so that nothing need be given up for it. */
    synchronized boolean isGrowing() {
        return isGrowing;
    }

    private synchronized boolean beginsToGrow(boolean isNeeded) {
        long freeBytes = (long) slabs.size() * slabBytes - usedPages * PAGE_BYTES;
        boolean begins = !isGrowing && slabs.size() < maxSlabs && (isNeeded || freeBytes < slabBytes / 2);
        isGrowing |= begins;
        return begins;
    }

    private void grow() {
        try {
            endGrowing(new Slab(slabBytes));
        } catch (OutOfMemoryError e) {
            synchronized (this) {
                maxSlabs = slabs.size();
            }
            LOG.warn(
                    "The block cache stays at {} bytes, because the process has no direct memory left: raise"
                            + " -XX:MaxDirectMemorySize or lower cache.block.bytes",
                    reservedBytes());
            endGrowing(null);
        }
        whenGrown.run();
    }

    private synchronized void endGrowing(@Nullable Slab slab) {
        isGrowing = false;
        if (slab != null) {
            slabs.add(slab);
        }
    }

    private synchronized @Nullable Extent find(int sizeBytes) {
        int pageCount = pages(sizeBytes);
        for (Slab slab : slabs) {
            int page = slab.find(pageCount);
            if (page >= 0) {
                return take(slab, page, pageCount, sizeBytes);
            }
        }
        return null;
    }

    private Extent take(Slab slab, int page, int pageCount, int sizeBytes) {
        usedPages += pageCount;
        slab.free -= pageCount;
        slab.retain(page, pageCount);
        return new Extent(slab, page, pageCount, sizeBytes);
    }

    private synchronized void retain(Slab slab, int page, int pageCount) {
        slab.retain(page, pageCount);
    }

    private synchronized void release(Slab slab, int page, int pageCount) {
        int freed = slab.release(page, pageCount);
        usedPages -= freed;
        slab.free += freed;
    }

    /** One run of pages, held by whoever fills it. */
    final class Extent {
        private final Slab slab;
        private final int firstPage;
        private final int pageCount;
        private final int sizeBytes;

        Extent(Slab slab, int firstPage, int pageCount, int sizeBytes) {
            this.slab = slab;
            this.firstPage = firstPage;
            this.pageCount = pageCount;
            this.sizeBytes = sizeBytes;
        }

        ByteBuffer view() {
            return slab.memory.slice(firstPage * PAGE_BYTES, sizeBytes);
        }

        /** A block with one reference, at {@code position} of this extent; its pages outlive the extent. */
        CachedBlock block(int position, int lengthBytes, Runnable onReaderRelease) {
            int first = firstPage + position / PAGE_BYTES;
            int count = pages(position % PAGE_BYTES + (long) lengthBytes);
            retain(slab, first, count);
            ByteBuffer memory = slab.memory.slice(firstPage * PAGE_BYTES + position, lengthBytes);
            return new CachedBlock(
                    memory, count * PAGE_BYTES, () -> BlockArena.this.release(slab, first, count), onReaderRelease);
        }

        void release() {
            BlockArena.this.release(slab, firstPage, pageCount);
        }
    }

    /** One piece of memory and its pages' reference counts. */
    private static final class Slab {
        private final ByteBuffer memory;
        private final int[] references;
        private int free;
        private int nextFit;

        Slab(int sizeBytes) {
            memory = ByteBuffer.allocateDirect(sizeBytes);
            references = new int[sizeBytes / PAGE_BYTES];
            free = references.length;
        }

        /** First page of a free run, sought from where the last one ended; −1 if there is none. */
        int find(int pageCount) {
            if (free < pageCount) {
                return -1;
            }
            int found = find(pageCount, nextFit, references.length);
            if (found < 0) {
                found = find(pageCount, 0, Math.min(references.length, nextFit + pageCount));
            }
            if (found >= 0) {
                nextFit = found + pageCount;
            }
            return found;
        }

        private int find(int pageCount, int from, int to) {
            int run = 0;
            for (int page = from; page < to; page++) {
                run = references[page] == 0 ? run + 1 : 0;
                if (run == pageCount) {
                    return page - pageCount + 1;
                }
            }
            return -1;
        }

        void retain(int page, int pageCount) {
            for (int i = page; i < page + pageCount; i++) {
                references[i]++;
            }
        }

        int release(int page, int pageCount) {
            int freed = 0;
            for (int i = page; i < page + pageCount; i++) {
                if (--references[i] == 0) {
                    freed++;
                } else if (references[i] < 0) {
                    throw new IllegalStateException("Page " + i + " released too often, "
                            + Arrays.stream(references).sum() + " references in all");
                }
            }
            return freed;
        }
    }
}
