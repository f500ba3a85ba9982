// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.SegmentCheckpoint;
import java.util.List;

/**
 * One segment to be written into an object.
 *
 * @param streamId the stream
 * @param startOffset first offset, inclusive
 * @param endOffset last offset, exclusive
 * @param batches whole record batches in offset order, one or more in each element, all within the offset range; the
 *     caller keeps its references until the object has been written
 * @param checkpoint the owner's state at the segment's end
 */
public record SegmentContent(
        long streamId, long startOffset, long endOffset, List<SharedBytes> batches, SegmentCheckpoint checkpoint) {
    public SegmentContent {
        batches = List.copyOf(batches);
        if (startOffset < 0 || endOffset <= startOffset) {
            throw new IllegalArgumentException(
                    "Not a segment: [" + startOffset + ", " + endOffset + ") of stream " + streamId);
        }
    }
}
