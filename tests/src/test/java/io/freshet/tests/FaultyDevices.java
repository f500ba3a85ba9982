// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import io.freshet.broker.server.WalDevices;
import io.freshet.wal.block.BlockDevice;
import io.freshet.wal.block.FileBlockDevice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/** Real files whose writes fail as told. Safe for use by many threads. */
final class FaultyDevices implements WalDevices {
    enum Fault {
        NONE("", 0),
        /** Nothing of it reaches the disk. */
        REFUSED("Input/output error", 0),
        /** Half of it reaches the disk. */
        TORN("Input/output error", 0.5),
        /** All of it reaches the disk, but the flush fails: nobody knows. */
        FLUSH_FAILED("Input/output error", 1),
        FULL("No space left on device", 0);

        private final String message;
        private final double written;

        Fault(String message, double written) {
            this.message = message;
            this.written = written;
        }
    }

    private final AtomicLong failures = new AtomicLong();
    private volatile Fault fault = Fault.NONE;

    void set(Fault next) {
        fault = next;
    }

    /** Writes that failed so far. */
    long failures() {
        return failures.get();
    }

    @Override
    public BlockDevice open(Path path, long sizeBytes) {
        return new Device(FileBlockDevice.open(path, sizeBytes));
    }

    @Override
    public BlockDevice reopen(Path path) {
        return new Device(FileBlockDevice.reopen(path));
    }

    private final class Device implements BlockDevice {
        private final BlockDevice device;

        Device(BlockDevice device) {
            this.device = device;
        }

        @Override
        public void read(long position, ByteBuffer target) throws IOException {
            device.read(position, target);
        }

        @Override
        public void write(long position, ByteBuffer source) throws IOException {
            Fault present = fault;
            if (present == Fault.NONE) {
                device.write(position, source);
                return;
            }
            int bytes = (int) (source.remaining() * present.written) & -4096;
            if (bytes > 0) {
                device.write(position, source.slice(source.position(), bytes));
            }
            failures.incrementAndGet();
            throw new IOException(present.message);
        }

        @Override
        public long sizeBytes() {
            return device.sizeBytes();
        }

        @Override
        public int alignmentBytes() {
            return device.alignmentBytes();
        }

        @Override
        public String description() {
            return device.description();
        }

        @Override
        public String ioMode() {
            return device.ioMode();
        }

        @Override
        public void close() throws IOException {
            device.close();
        }
    }
}
