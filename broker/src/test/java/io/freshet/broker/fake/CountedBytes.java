// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import io.freshet.common.buffer.SharedBytes;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;

/** Bytes whose references are counted by somebody else, from the first one on. */
final class CountedBytes implements SharedBytes {
    private final ByteBuffer bytes;
    private final AtomicInteger references;

    CountedBytes(ByteBuffer bytes, AtomicInteger references) {
        this.bytes = bytes;
        this.references = references;
        references.incrementAndGet();
    }

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
        references.incrementAndGet();
        return this;
    }

    @Override
    public void release() {
        references.decrementAndGet();
    }
}
