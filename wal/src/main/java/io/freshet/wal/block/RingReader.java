// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Reads the ring by LSN in large aligned reads. Used by the opener's thread during recovery. */
final class RingReader {
    private static final int WINDOW_BYTES = 4 << 20;

    private final BlockDevice device;
    private final RingGeometry geometry;
    private ByteBuffer window;
    private long windowLsn;
    private long windowEndLsn;

    RingReader(BlockDevice device, RingGeometry geometry) {
        this.device = device;
        this.geometry = geometry;
        this.window = RingGeometry.alignedBuffer((int) Math.min(WINDOW_BYTES, geometry.ringSizeBytes()));
    }

    /** Makes {@code length} bytes from {@code lsn} readable in {@link #window()}; returns their place there. */
    int load(long lsn, int length) throws IOException {
        if (lsn < windowLsn || lsn + length > windowEndLsn) {
            fill(RingGeometry.alignDown(lsn), RingGeometry.alignUp(lsn + length));
        }
        return (int) (lsn - windowLsn);
    }

    ByteBuffer window() {
        return window;
    }

    private void fill(long startLsn, long endLsn) throws IOException {
        int neededBytes = Math.toIntExact(endLsn - startLsn);
        if (neededBytes > window.capacity()) {
            window = RingGeometry.alignedBuffer(neededBytes);
        }
        window.clear();
        long lsn = startLsn;
        while (window.hasRemaining()) {
            int piece = (int) Math.min(window.remaining(), geometry.bytesToRingEnd(lsn));
            ByteBuffer target = window.slice(window.position(), piece);
            device.read(geometry.position(lsn), target);
            window.position(window.position() + piece);
            lsn += piece;
        }
        window.clear();
        windowLsn = startLsn;
        windowEndLsn = lsn;
    }
}
