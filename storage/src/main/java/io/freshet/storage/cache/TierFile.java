// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Bytes on a local disk that may be lost at any time. Any IOException is final for the tier that met it. Safe for use by
 * many threads.
 */
public interface TierFile extends AutoCloseable {
    /** Fills {@code target} from its position to its limit; a read that ends early is an IOException. May block. */
    void read(long position, ByteBuffer target) throws IOException;

    /** Writes {@code source} from its position to its limit; need not survive a crash. May block. */
    void write(long position, ByteBuffer source) throws IOException;

    /** What this is, for messages. */
    String description();

    @Override
    void close() throws IOException;
}
