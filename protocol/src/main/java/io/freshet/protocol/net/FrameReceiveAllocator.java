// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;

/**
 * Gives socket reads the frame in progress as their buffer, so that record bytes land where they stay; between frames, a
 * small adaptive buffer. Works for NIO and epoll: both read at most capacity − writerIndex bytes, release the buffer
 * when nothing came, and hand it to the pipeline otherwise. Not for channels where TLS sits before the frames.
 */
final class FrameReceiveAllocator implements RecvByteBufAllocator {
    private static final int MIN_BYTES = 1024;
    private static final int START_BYTES = 2048;
    private static final int MAX_BYTES = 16 * 1024;

    private final FrameReader reader;
    private final AdaptiveRecvByteBufAllocator between =
            new AdaptiveRecvByteBufAllocator(MIN_BYTES, START_BYTES, MAX_BYTES);

    FrameReceiveAllocator(FrameReader reader) {
        this.reader = reader;
        between.maxMessagesPerRead(16);
    }

    @Override
    @SuppressWarnings("deprecation") // The super-interface's only method; netty calls it.
    public ExtendedHandle newHandle() {
        return new FrameHandle((ExtendedHandle) between.newHandle());
    }

    private final class FrameHandle extends DelegatingHandle implements ExtendedHandle {
        private final ExtendedHandle between;

        FrameHandle(ExtendedHandle between) {
            super(between);
            this.between = between;
        }

        @Override
        public ByteBuf allocate(ByteBufAllocator alloc) {
            ByteBuf landing = reader.landingBuffer();
            return landing == null ? between.allocate(alloc) : landing.retain();
        }

        @Override
        public boolean continueReading(UncheckedBooleanSupplier maybeMoreData) {
            return between.continueReading(maybeMoreData);
        }
    }
}
