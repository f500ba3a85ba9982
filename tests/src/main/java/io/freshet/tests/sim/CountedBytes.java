// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.buffer.SharedBytes;
import java.nio.ByteBuffer;

/** Bytes that are overwritten when their last reference is given back, so that a use after that shows. */
public final class CountedBytes implements SharedBytes {
    private final ByteBuffer bytes;
    private int references = 1;

    public CountedBytes(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    @Override
    public ByteBuffer view() {
        requireHeld();
        return bytes.duplicate();
    }

    @Override
    public int sizeBytes() {
        return bytes.remaining();
    }

    @Override
    public SharedBytes retain() {
        requireHeld();
        references++;
        return this;
    }

    @Override
    public void release() {
        requireHeld();
        references--;
        if (references == 0) {
            for (int i = bytes.position(); i < bytes.limit(); i++) {
                bytes.put(i, (byte) 0xDD);
            }
        }
    }

    private void requireHeld() {
        if (references <= 0) {
            throw new IllegalStateException("These bytes have been given back");
        }
    }
}
