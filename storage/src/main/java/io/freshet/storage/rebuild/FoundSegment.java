// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.rebuild;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import java.util.List;

/**
 * A segment found in an object of the bucket; nobody knows yet whether it was ever committed.
 *
 * @param segment the segment as its trailer has it
 * @param epochStarts leader epochs up to its end, ascending, from the log's start as of then on
 */
public record FoundSegment(StreamSegment segment, List<EpochStart> epochStarts) {
    public FoundSegment {
        epochStarts = List.copyOf(epochStarts);
    }
}
