// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.network.Send;
import org.apache.kafka.common.network.TransferableChannel;

/**
 * Collects a response's buffers instead of sending them: direct memory (record data) by reference, heap memory (the
 * response's fields) copied into pooled direct buffers, because a socket write would copy it anyway and a mixed
 * composite buffer would be copied whole.
 */
final class ResponseBytes implements TransferableChannel {
    private final List<ByteBuffer> collected = new ArrayList<>();
    private long sizeBytes;

    private ResponseBytes() {}

    /** The bytes of {@code send}, in order, to be released by the caller; direct memory stays owned by the response. */
    static List<ByteBuf> of(Send send, ByteBufAllocator allocator) throws IOException {
        ResponseBytes channel = new ResponseBytes();
        while (!send.completed()) {
            send.writeTo(channel);
        }
        if (channel.sizeBytes != send.size()) {
            throw new IllegalStateException(
                    "A response of " + send.size() + " bytes was written as " + channel.sizeBytes);
        }
        return channel.toBuffers(allocator);
    }

    private List<ByteBuf> toBuffers(ByteBufAllocator allocator) {
        List<ByteBuf> result = new ArrayList<>(collected.size());
        try {
            fill(result, allocator);
        } catch (RuntimeException | Error e) {
            result.forEach(ByteBuf::release);
            throw e;
        }
        return result;
    }

    private void fill(List<ByteBuf> result, ByteBufAllocator allocator) {
        int next = 0;
        while (next < collected.size()) {
            int end = next;
            int heapBytes = 0;
            while (end < collected.size() && !collected.get(end).isDirect()) {
                heapBytes += collected.get(end).remaining();
                end++;
            }
            if (end == next) {
                result.add(Unpooled.wrappedBuffer(collected.get(next)));
                next++;
                continue;
            }
            ByteBuf copy = allocator.directBuffer(heapBytes, heapBytes);
            for (; next < end; next++) {
                copy.writeBytes(collected.get(next));
            }
            result.add(copy);
        }
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) {
        long taken = 0;
        for (int i = offset; i < offset + length; i++) {
            taken += write(sources[i]);
        }
        return taken;
    }

    @Override
    public long write(ByteBuffer[] sources) {
        return write(sources, 0, sources.length);
    }

    @Override
    public int write(ByteBuffer source) {
        int taken = source.remaining();
        if (taken > 0) {
            collected.add(source.slice());
            source.position(source.limit());
            sizeBytes += taken;
        }
        return taken;
    }

    @Override
    public boolean hasPendingWrites() {
        return false;
    }

    @Override
    public long transferFrom(FileChannel file, long position, long count) throws IOException {
        throw new IOException("Responses carry memory, not files; give records as SlicedRecords or MemoryRecords");
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    @Override
    public void close() {}
}
