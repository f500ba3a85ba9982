// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import org.jspecify.annotations.Nullable;

/**
 * One append: whole record batches with their offsets. Subclassed by the owner for its completion, so that one append is
 * one object. Not reusable.
 */
public abstract class StreamAppend {
    private final long baseOffset;
    private final long endOffset;
    private final long maxTimestampMs;
    private final SharedBytes bytes;

    /**
     * @param baseOffset first offset, inclusive
     * @param endOffset last offset, exclusive
     * @param maxTimestampMs greatest timestamp of the batches, −1 if none
     * @param bytes the batches; the store takes its own reference while it needs them
     */
    protected StreamAppend(long baseOffset, long endOffset, long maxTimestampMs, SharedBytes bytes) {
        this.baseOffset = baseOffset;
        this.endOffset = endOffset;
        this.maxTimestampMs = maxTimestampMs;
        this.bytes = bytes;
    }

    public final long baseOffset() {
        return baseOffset;
    }

    public final long endOffset() {
        return endOffset;
    }

    public final long maxTimestampMs() {
        return maxTimestampMs;
    }

    public final SharedBytes bytes() {
        return bytes;
    }

    /**
     * The append is durable ({@code failure} null, and {@link StreamLog#durableEndOffset()} has passed it) or never
     * will be. Runs on the WAL lane's thread: must be short, must not block.
     */
    public abstract void completed(@Nullable FreshetException failure);
}
