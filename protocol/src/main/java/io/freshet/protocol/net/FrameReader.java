// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.jspecify.annotations.Nullable;

/**
 * Cuts the incoming bytes into frames. A frame asks for memory once its first {@link RequestSize#WHOLE_BYTES} are here,
 * or all of it: an announced length alone costs its sender's bytes and nothing else. It gets one buffer of its exact
 * size; while it is incomplete, {@link #landingBuffer()} lets the socket read straight into it. Only bytes that arrived
 * in another buffer (the start of a frame, whole requests, everything behind TLS) are copied. Confined to one event loop.
 */
final class FrameReader {
    private final ByteBufAllocator allocator;
    private final RequestMemory memory;
    private final int maxFrameBytes;
    private final RequestMemory.Holder holder;

    private @Nullable ByteBuf input;
    private int lengthBytesRead;
    private int length;
    private RequestMemory.@Nullable Grant grant;
    private @Nullable ByteBuf frame;

    FrameReader(ByteBufAllocator allocator, RequestMemory memory, int maxFrameBytes, RequestMemory.Holder holder) {
        this.allocator = allocator;
        this.memory = memory;
        this.maxFrameBytes = maxFrameBytes;
        this.holder = holder;
    }

    /** The buffer that the next socket read must fill, or null if no frame is in progress. Its capacity is the frame's size. */
    @Nullable
    ByteBuf landingBuffer() {
        return input == null ? frame : null;
    }

    /** Takes what the socket delivered: the landing buffer with an extra reference, or other bytes. */
    @SuppressWarnings("ReferenceEquality")
    void offer(ByteBuf ownedBytes) {
        if (ownedBytes == frame) {
            ownedBytes.release();
        } else if (input == null) {
            input = ownedBytes;
        } else {
            input.discardSomeReadBytes().writeBytes(ownedBytes);
            ownedBytes.release();
        }
    }

    /** The next complete frame, owned by the caller, or null. Throws InvalidRequestException on an impossible length. */
    @Nullable
    Frame poll() {
        if (frame == null && !openFrame()) {
            return null;
        }
        ByteBuf target = frame;
        RequestMemory.Grant held = grant;
        if (target == null || held == null) {
            return null;
        }
        copyInput(target);
        held.received(target.writerIndex());
        if (target.isWritable()) {
            return null;
        }
        frame = null;
        grant = null;
        lengthBytesRead = 0;
        return new Frame(target, held);
    }

    /** Whether bytes are here that no frame has taken. */
    boolean hasInput() {
        return input != null;
    }

    /** Whether a frame's length is known but its memory is not granted yet. */
    boolean isWaitingForMemory() {
        return grant != null && !grant.isGiven();
    }

    /** The bytes that {@code asked} has received, or −1 if it is not the frame in progress. */
    int receivedBytes(RequestMemory.Grant asked) {
        return asked.equals(grant) ? asked.receivedBytes() : -1;
    }

    /** Frees everything that is incomplete. */
    void close() {
        if (input != null) {
            input.release();
            input = null;
        }
        if (frame != null) {
            frame.release();
            frame = null;
        }
        if (grant != null) {
            grant.giveBack();
            grant = null;
        }
    }

    private boolean openFrame() {
        if (grant == null) {
            if (!readLength() || !hasStart()) {
                return false;
            }
            grant = memory.acquire(length, holder);
        }
        if (!grant.isGiven()) {
            return false;
        }
        frame = allocator.directBuffer(length, length);
        return true;
    }

    private boolean hasStart() {
        return input != null && input.readableBytes() >= Math.min(length, RequestSize.WHOLE_BYTES);
    }

    private boolean readLength() {
        if (lengthBytesRead == Integer.BYTES) {
            return true;
        }
        ByteBuf source = input;
        if (source == null) {
            return false;
        }
        while (lengthBytesRead < Integer.BYTES && source.isReadable()) {
            length = length << 8 | source.readUnsignedByte();
            lengthBytesRead++;
        }
        dropInputIfRead(source);
        if (lengthBytesRead < Integer.BYTES) {
            return false;
        }
        if (length <= 0 || length > maxFrameBytes) {
            throw new InvalidRequestException("Request of " + length + " bytes; allowed are 1 to " + maxFrameBytes
                    + " (socket.request.max.bytes)");
        }
        return true;
    }

    private void copyInput(ByteBuf target) {
        ByteBuf source = input;
        if (source != null) {
            target.writeBytes(source, Math.min(source.readableBytes(), target.writableBytes()));
            dropInputIfRead(source);
        }
    }

    private void dropInputIfRead(ByteBuf source) {
        if (!source.isReadable()) {
            source.release();
            input = null;
        }
    }
}
