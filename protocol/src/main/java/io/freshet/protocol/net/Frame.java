// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.freshet.common.buffer.SharedBytes;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;

/** One whole request as received, without its length prefix, with its share of the request memory. */
record Frame(ByteBuf bytes, RequestMemory.Grant grant) {

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
        return new Part(bytes, part.slice());
    }

    private record Part(ByteBuf frame, ByteBuffer bytes) implements SharedBytes {
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
