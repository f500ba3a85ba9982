// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.freshet.common.buffer.BackingMemory;
import io.freshet.common.buffer.SharedBytes;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;

/** One whole request as received, without its length prefix, with its share of the request memory. */
record Frame(ByteBuf bytes, RequestMemory.Grant grant, BackingMemory backing) {
    /** Heap of the buffer's handle and of the views that parts share. */
    private static final int HANDLE_BYTES = 256;

    Frame(ByteBuf bytes, RequestMemory.Grant grant) {
        this(bytes, grant, new BackingMemory(pooledBytes(bytes.capacity()) + HANDLE_BYTES));
    }

    /** What the pooled allocator takes for {@code bytes}: four size classes for each power of two, at least 16 apart. */
    static int pooledBytes(int bytes) {
        int step = Math.max(16, Integer.highestOneBit(Math.max(1, bytes - 1)) >> 2);
        return (int) Math.min(Integer.MAX_VALUE - HANDLE_BYTES, ((long) bytes + step - 1) / step * step);
    }

    /** Ends the request's own hold; parts that were retained keep the memory alive. Called once. */
    void release() {
        grant.giveBack();
        bytes.release();
    }

    /** {@code part} as bytes with their own reference on the frame. */
    SharedBytes retainedPart(ByteBuffer part) {
        if (!part.isDirect()) {
            return SharedBytes.unpooled(part);
        }
        bytes.retain();
        return new Part(bytes, backing, part.slice());
    }

    private record Part(ByteBuf frame, BackingMemory backing, ByteBuffer bytes) implements SharedBytes {
        @Override
        public ByteBuffer view() {
            return bytes.duplicate();
        }

        @Override
        public int sizeBytes() {
            return bytes.remaining();
        }

        @Override
        public SharedBytes retain() {
            frame.retain();
            return this;
        }

        @Override
        public void release() {
            frame.release();
        }
    }
}
