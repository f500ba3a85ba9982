// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;

/**
 * One segment as its object describes it.
 *
 * @param segment the manifest's row
 * @param firstBlock number of its first block in the index
 * @param blockCount how many blocks it has
 * @param checkpoint the owner's state at its end
 */
public record SegmentTrailer(StreamSegment segment, int firstBlock, int blockCount, SegmentCheckpoint checkpoint) {
    /** Number after its last block. */
    public int endBlock() {
        return firstBlock + blockCount;
    }
}
