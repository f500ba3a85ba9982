// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.buffer.BackingMemory;
import io.freshet.common.buffer.SharedBytes;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Keeps copies of small batches packed together outside of the heap, where a slice of the request would cost several times
 * its size in handles, or keep a large request from being freed. A slab is used again once the last of its pieces is
 * released. The slab being filled and the idle ones are guarded by this object's lock; bytes are copied outside it.
 */
final class TailSlabs {
    static final int SLAB_BYTES = 256 << 10;
    /** A copy of so little costs less than the handles of a slice. */
    static final int ALWAYS_COPIED_BYTES = 1024;
    /** Pieces up to this size are copied out of memory that is several times larger. */
    static final int COPIED_BYTES = 4096;

    private static final int PINNED_TIMES = 4;

    private final ArrayDeque<ByteBuffer> idle = new ArrayDeque<>();
    private volatile int idleCount;
    private @Nullable Slab filling;

    /** Whether {@code bytes} are better copied than kept by reference. */
    static boolean isBetterCopied(SharedBytes bytes) {
        int size = bytes.sizeBytes();
        BackingMemory backing = bytes.backing();
        return size <= ALWAYS_COPIED_BYTES
                || (size <= COPIED_BYTES && backing != null && backing.sizeBytes() > PINNED_TIMES * size);
    }

    /** A copy with {@code references} references; {@code source} is read to its limit. */
    SharedBytes copy(ByteBuffer source, int references) {
        SharedBytes piece = reserve(source.remaining(), references);
        piece.view().put(source);
        return piece;
    }

    private synchronized SharedBytes reserve(int length, int references) {
        Slab slab = filling;
        if (slab == null || slab.used + length > SLAB_BYTES) {
            Slab full = slab;
            ByteBuffer memory = idle.poll();
            idleCount = idle.size();
            slab = new Slab(memory == null ? ByteBuffer.allocateDirect(SLAB_BYTES) : memory);
            filling = slab;
            if (full != null) {
                full.release();
            }
        }
        slab.references.addAndGet(references);
        SharedBytes piece = new Piece(slab, slab.used, length);
        slab.used += length;
        return piece;
    }

    /** Memory kept for slabs to come. */
    long idleBytes() {
        return (long) idleCount * SLAB_BYTES;
    }

    /** Lets go of one idle slab, whose memory the collector then frees; false if there is none. */
    synchronized boolean dropIdle() {
        boolean isDropped = idle.poll() != null;
        idleCount = idle.size();
        return isDropped;
    }

    private synchronized void recycle(ByteBuffer memory) {
        idle.add(memory);
        idleCount = idle.size();
    }

    /** Some memory, and how many references there are on pieces of it, besides the one of whoever fills it. */
    final class Slab {
        private final ByteBuffer memory;
        private final BackingMemory backing = new BackingMemory(SLAB_BYTES);
        private final AtomicInteger references = new AtomicInteger(1);
        private int used;

        Slab(ByteBuffer memory) {
            this.memory = memory;
        }

        void retain() {
            if (references.getAndIncrement() <= 0) {
                throw new IllegalStateException("A tail slab was retained after its last reference was released");
            }
        }

        void release() {
            int left = references.decrementAndGet();
            if (left < 0) {
                throw new IllegalStateException("A tail slab was released more often than retained");
            }
            if (left == 0) {
                recycle(memory);
            }
        }
    }

    /** One batch's bytes in a slab. */
    record Piece(Slab slab, int position, int lengthBytes) implements SharedBytes {
        Piece {
            Objects.checkFromIndexSize(position, lengthBytes, SLAB_BYTES);
        }

        @Override
        public ByteBuffer view() {
            return slab.memory.slice(position, lengthBytes);
        }

        @Override
        public int sizeBytes() {
            return lengthBytes;
        }

        @Override
        public BackingMemory backing() {
            return slab.backing;
        }

        @Override
        public SharedBytes retain() {
            slab.retain();
            return this;
        }

        @Override
        public void release() {
            slab.release();
        }
    }
}
