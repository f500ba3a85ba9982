// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.stream;

import java.util.List;

/**
 * What a compaction wants to commit: per stream, {@code removed} segments that follow one another give way to {@code inserted}
 * ones that cover the same offsets. It is a compare-and-swap for each stream: if one of its removed segments is not in the
 * manifest exactly as named, nothing of that stream changes.
 *
 * @param brokerId who did the work
 * @param brokerEpoch its registration; an older one is refused (FENCED)
 * @param objects the new objects, already durable, that the inserted segments name
 * @param removed segments as read from the manifests, sorted by stream id and start offset
 * @param inserted their replacements, sorted alike
 */
public record SegmentReplacement(
        int brokerId,
        long brokerEpoch,
        List<NewObject> objects,
        List<StreamSegment> removed,
        List<StreamSegment> inserted) {
    public SegmentReplacement {
        objects = List.copyOf(objects);
        removed = List.copyOf(removed);
        inserted = List.copyOf(inserted);
    }

    /** An uploaded object: its id, from a reserved range, and its size. */
    public record NewObject(long objectId, long sizeBytes) {}
}
