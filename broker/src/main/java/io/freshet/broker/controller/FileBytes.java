// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.controller;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.apache.kafka.common.network.TransferableChannel;

/** Takes a slice of a file into memory, where Kafka's libraries would send it. Used by one thread. */
final class FileBytes implements TransferableChannel {
    private final ByteBuffer bytes;

    FileBytes(int sizeBytes) {
        this.bytes = ByteBuffer.allocate(sizeBytes);
    }

    /** What was taken so far. */
    ByteBuffer taken() {
        return bytes.duplicate().flip();
    }

    @Override
    public long transferFrom(FileChannel file, long position, long count) throws IOException {
        ByteBuffer target = bytes.slice(bytes.position(), (int) Math.min(count, bytes.remaining()));
        int read = file.read(target, position);
        if (read <= 0) {
            throw new EOFException("The file ends at " + position);
        }
        bytes.position(bytes.position() + read);
        return read;
    }

    @Override
    public boolean hasPendingWrites() {
        return false;
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) {
        long written = 0;
        for (int i = offset; i < offset + length; i++) {
            written += write(sources[i]);
        }
        return written;
    }

    @Override
    public long write(ByteBuffer[] sources) {
        return write(sources, 0, sources.length);
    }

    @Override
    public int write(ByteBuffer source) {
        int size = source.remaining();
        bytes.put(source);
        return size;
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    @Override
    public void close() {}
}
