// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import io.freshet.broker.partition.CleanablePartition;
import io.freshet.common.stream.StreamSegment;
import java.util.List;
import org.apache.kafka.storage.internals.log.LogConfig;

/**
 * Which offsets of a partition may be cleaned, and whether that is due: the rules of Kafka's cleaner, applied to committed
 * segments. A segment is cleaned as a whole or not at all: one that reaches above the last stable offset, or holds a record
 * younger than {@code min.compaction.lag.ms}, ends the range.
 *
 * <p>In place of Kafka's active segment, which is never cleaned: what is not committed is not cleaned, and a
 * cleaning without need of it waits until the dirty segments have {@value #WORTH_BYTES} bytes, or {@code segment.bytes} if that
 * is less, or are as old as {@code segment.ms}.
 */
final class CleaningPolicy {
    /** A smaller gain does not pay for a new object. */
    static final long WORTH_BYTES = 1 << 20;

    private CleaningPolicy() {}

    /**
     * @param segments the partition's committed segments from the log start on
     * @param nowMs wall time
     */
    static CleanableRange range(
            CleanablePartition partition, List<StreamSegment> segments, LogConfig topic, long nowMs) {
        long logStart = partition.logStartOffset();
        long firstDirty = Math.max(partition.cleanedEndOffset(), logStart);
        long limit = Math.min(partition.committedEndOffset(), partition.lastStableOffset());
        long endOffset = firstDirty;
        long cleanBytes = 0;
        long dirtyBytes = 0;
        long oldestMs = Long.MAX_VALUE;
        boolean isOpen = true;
        for (StreamSegment segment : segments) {
            if (segment.startOffset() < firstDirty) {
                cleanBytes += segment.sizeBytes();
            }
            if (segment.endOffset() <= firstDirty) {
                continue;
            }
            boolean isTooYoung = topic.compactionLagMs > 0 && segment.maxTimestampMs() > nowMs - topic.compactionLagMs;
            isOpen = isOpen && segment.endOffset() <= limit && !isTooYoung;
            if (isOpen) {
                endOffset = segment.endOffset();
                dirtyBytes += segment.sizeBytes();
                oldestMs = Math.min(oldestMs, oldestMs(segment));
            }
        }
        boolean isForced = oldestMs < nowMs - Math.max(0, topic.maxCompactionLagMs);
        boolean isWorthIt =
                dirtyBytes >= Math.min(WORTH_BYTES, topic.segmentSize()) || oldestMs <= nowMs - topic.segmentMs;
        return new CleanableRange(firstDirty, endOffset, cleanBytes, dirtyBytes, isForced, isWorthIt);
    }

    /** Without a base timestamp, which a cleaned batch may have lost, the greatest one has to do. */
    private static long oldestMs(StreamSegment segment) {
        long oldestMs = segment.minTimestampMs() >= 0 ? segment.minTimestampMs() : segment.maxTimestampMs();
        return oldestMs >= 0 ? oldestMs : Long.MAX_VALUE;
    }
}
