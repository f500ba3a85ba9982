// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.buffer;

import java.nio.ByteBuffer;

/** Garbage-collected bytes. */
record UnpooledBytes(ByteBuffer bytes) implements SharedBytes {
    @Override
    public ByteBuffer view() {
        return bytes.duplicate();
    }

    @Override
    public int sizeBytes() {
        return bytes.remaining();
    }

    @Override
    public SharedBytes retain() {
        return this;
    }

    @Override
    public void release() {}
}
