// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.stream;

import java.util.List;

/**
 * One uploaded object and the segments it adds, committed by one quorum command: all or nothing per segment (segments
 * whose stream has been deleted or fenced are skipped and reported back, the others stand).
 *
 * @param objectId id from a reserved range; its key is {@link ObjectKeys#dataKey(long)}
 * @param sizeBytes size of the whole object
 * @param brokerId the writer
 * @param brokerEpoch the writer's registration; an older one is refused (FENCED)
 * @param segments what it holds, sorted by stream id and start offset
 */
public record ObjectCommit(
        long objectId, long sizeBytes, int brokerId, long brokerEpoch, List<SegmentCommit> segments) {
    public ObjectCommit {
        segments = List.copyOf(segments);
    }
}
