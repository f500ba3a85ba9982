// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import java.nio.ByteBuffer;

/**
 * Where an LSN lies on the device: two superblocks of 4096 bytes, then the ring. An LSN is a position in an endless log;
 * its place in the ring is the remainder by the ring's size.
 */
record RingGeometry(long ringSizeBytes) {
    static final int BLOCK_BYTES = 4096;
    static final long RING_POSITION = 2L * BLOCK_BYTES;
    static final long MIN_RING_BYTES = 16L * BLOCK_BYTES;

    /** The largest ring a device of {@code sizeBytes} holds. */
    static RingGeometry fitting(long sizeBytes) {
        return new RingGeometry((sizeBytes - RING_POSITION) / BLOCK_BYTES * BLOCK_BYTES);
    }

    /** Device position of {@code lsn}. */
    long position(long lsn) {
        return RING_POSITION + lsn % ringSizeBytes;
    }

    /** Bytes from {@code lsn} to the ring's end on the device. */
    long bytesToRingEnd(long lsn) {
        return ringSizeBytes - lsn % ringSizeBytes;
    }

    static long alignUp(long value) {
        return (value + BLOCK_BYTES - 1) & -BLOCK_BYTES;
    }

    static long alignDown(long value) {
        return value & -BLOCK_BYTES;
    }

    static ByteBuffer alignedBuffer(int sizeBytes) {
        return ByteBuffer.allocateDirect(sizeBytes + BLOCK_BYTES)
                .alignedSlice(BLOCK_BYTES)
                .limit(sizeBytes)
                .slice();
    }
}
