// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.storage.format.BatchHeader;
import java.nio.ByteBuffer;
import java.util.OptionalLong;
import java.util.function.Consumer;

/** Walks over the record batches of one run of bytes. Pure functions. */
public final class BatchSlices {
    private BatchSlices() {}

    /** Position of the first batch that ends after {@code offset}; the buffer's limit if there is none. */
    public static int positionEndingAfter(ByteBuffer batches, long offset) {
        int position = batches.position();
        while (position < batches.limit() && BatchHeader.endOffset(batches, position) <= offset) {
            position += BatchHeader.sizeBytes(batches, position);
        }
        return position;
    }

    /**
     * Position behind the last whole batch that begins below {@code endOffset} and fits, from batch start {@code from} on,
     * into {@code maxBytes}; with {@code minOneBatch} the first batch fits always.
     */
    public static int endPosition(ByteBuffer batches, int from, int maxBytes, long endOffset, boolean minOneBatch) {
        int position = from;
        while (position < batches.limit() && BatchHeader.baseOffset(batches, position) < endOffset) {
            int sizeBytes = BatchHeader.sizeBytes(batches, position);
            boolean fits = position + sizeBytes - from <= maxBytes;
            if (!fits && !(minOneBatch && position == from)) {
                break;
            }
            position += sizeBytes;
        }
        return position;
    }

    /** Offset behind the last batch of {@code batches} in {@code [from, to)}, both batch boundaries. */
    public static long lastEndOffset(ByteBuffer batches, int from, int to) {
        long endOffset = -1;
        for (int position = from; position < to; position += BatchHeader.sizeBytes(batches, position)) {
            endOffset = BatchHeader.endOffset(batches, position);
        }
        return endOffset;
    }

    /** Greatest timestamp of the batches, −1 if there is none. */
    public static long maxTimestampMs(ByteBuffer batches) {
        long max = -1;
        for (int p = batches.position(); p < batches.limit(); p += BatchHeader.sizeBytes(batches, p)) {
            max = Math.max(max, BatchHeader.maxTimestampMs(batches, p));
        }
        return max;
    }

    /**
     * Base offset of the first batch that ends after {@code fromOffset}, begins below {@code endOffset}, and whose greatest
     * timestamp is at least {@code timestampMs}.
     */
    public static OptionalLong batchAtOrAfterTimestamp(
            ByteBuffer batches, long fromOffset, long endOffset, long timestampMs) {
        int p = positionEndingAfter(batches, fromOffset);
        for (; p < batches.limit(); p += BatchHeader.sizeBytes(batches, p)) {
            if (BatchHeader.baseOffset(batches, p) >= endOffset) {
                break;
            }
            if (BatchHeader.maxTimestampMs(batches, p) >= timestampMs) {
                return OptionalLong.of(BatchHeader.baseOffset(batches, p));
            }
        }
        return OptionalLong.empty();
    }

    /** Hands each batch that ends after {@code fromOffset} to {@code visitor} as a view of its own. */
    public static void forEach(ByteBuffer batches, long fromOffset, Consumer<ByteBuffer> visitor) {
        int p = positionEndingAfter(batches, fromOffset);
        while (p < batches.limit()) {
            int sizeBytes = BatchHeader.sizeBytes(batches, p);
            visitor.accept(batches.slice(p, sizeBytes));
            p += sizeBytes;
        }
    }
}
