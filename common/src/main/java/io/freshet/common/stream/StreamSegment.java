// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.stream;

/**
 * A sealed offset range of one stream inside one object: one row of a manifest.
 *
 * @param streamId the stream
 * @param startOffset first offset, inclusive
 * @param endOffset last offset, exclusive
 * @param objectId the object that holds the bytes
 * @param sizeBytes size of the segment's record batches
 * @param minTimestampMs least record-batch base timestamp, −1 if none
 * @param maxTimestampMs greatest record timestamp, −1 if none
 */
public record StreamSegment(
        long streamId,
        long startOffset,
        long endOffset,
        long objectId,
        long sizeBytes,
        long minTimestampMs,
        long maxTimestampMs) {
    public StreamSegment {
        if (startOffset < 0 || endOffset <= startOffset || sizeBytes < 0) {
            throw new IllegalArgumentException("Not a segment: [" + startOffset + ", " + endOffset + ") of stream "
                    + streamId + ", " + sizeBytes + " bytes");
        }
    }
}
