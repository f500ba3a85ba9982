// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A run of bytes of fixed size that survives power loss. Positions, lengths and direct buffer addresses are multiples of
 * {@link #alignmentBytes()}. Used by one thread at a time. Any IOException is final for the
 * {@link BlockWal} that met it.
 */
public interface BlockDevice extends AutoCloseable {
    /** Fills {@code target} from its position to its limit; a read that ends early is an IOException. */
    void read(long position, ByteBuffer target) throws IOException;

    /** Writes {@code source} from its position to its limit; all of it is durable on return. */
    void write(long position, ByteBuffer source) throws IOException;

    long sizeBytes();

    /** A power of two, at most 4096. */
    int alignmentBytes();

    /** What this is and how it is opened, for messages. */
    String description();

    /** How writes become durable, as a metric tag: {@code direct}, {@code buffered} or {@code memory}. */
    String ioMode();

    /** Gives the bytes, and the exclusive claim on them, free. */
    @Override
    void close() throws IOException;
}
