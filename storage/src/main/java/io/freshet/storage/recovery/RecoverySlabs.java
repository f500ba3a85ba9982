// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.recovery;

import io.freshet.common.buffer.SharedBytes;
import java.nio.ByteBuffer;

/**
 * Keeps copies of recovered payloads outside of the heap, so that a full WAL comes back whatever the heap's size. Small
 * payloads share a slab; a slab's memory goes back to the system when none of its payloads is referenced any more. Safe for
 * use by many threads.
 */
final class RecoverySlabs {
    static final int SLAB_BYTES = 4 << 20;
    private static final int LARGE_BYTES = SLAB_BYTES / 4;

    private ByteBuffer slab = ByteBuffer.allocateDirect(0);

    /** A copy of {@code length} bytes of {@code source} from the absolute index {@code from}. */
    synchronized SharedBytes copy(ByteBuffer source, int from, int length) {
        ByteBuffer room = room(length);
        room.put(0, source, from, length);
        return SharedBytes.unpooled(room);
    }

    private ByteBuffer room(int length) {
        if (length >= LARGE_BYTES) {
            return ByteBuffer.allocateDirect(length);
        }
        if (slab.remaining() < length) {
            slab = ByteBuffer.allocateDirect(SLAB_BYTES);
        }
        ByteBuffer room = slab.slice(slab.position(), length);
        slab.position(slab.position() + length);
        return room;
    }
}
