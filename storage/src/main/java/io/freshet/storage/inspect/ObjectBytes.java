// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

import java.nio.ByteBuffer;

/** The bytes of one object, wherever it lies. Blocks; used by one thread. */
public interface ObjectBytes {
    /** Size of the whole object. */
    long sizeBytes();

    /** {@code length} bytes from {@code position} on; fails as the store does, with CORRUPT beyond the end. */
    ByteBuffer read(long position, int length);
}
