// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.stream.StreamSegment;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * One new object to be made of segments that others hold now.
 *
 * @param groups what becomes its segments, sorted by stream id and start offset
 */
public record Rewrite(List<SegmentGroup> groups) {
    public Rewrite {
        groups = List.copyOf(groups);
        if (groups.isEmpty()) {
            throw new IllegalArgumentException("A rewrite without segments");
        }
    }

    /** Bytes of record batches that are read and written. */
    public long sizeBytes() {
        long sum = 0;
        for (SegmentGroup group : groups) {
            sum += group.sizeBytes();
        }
        return sum;
    }

    /** All inputs, sorted by stream id and start offset. */
    public List<StreamSegment> inputs() {
        return groups.stream().flatMap(group -> group.inputs().stream()).toList();
    }

    /** The objects that hold the inputs, ascending. */
    public Set<Long> inputObjects() {
        Set<Long> ids = new TreeSet<>();
        groups.forEach(group -> group.inputs().forEach(input -> ids.add(input.objectId())));
        return ids;
    }
}
