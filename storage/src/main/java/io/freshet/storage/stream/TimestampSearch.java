// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.stream;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.read.SegmentReader;
import io.freshet.storage.tail.BatchSlices;
import io.freshet.storage.tail.StreamTail;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/**
 * Look-ups by time in one stream: the manifest's greatest timestamps choose the segment, the segment's index the batch; the
 * part behind the last segment is searched in the tail. Safe for use by many threads.
 */
final class TimestampSearch {
    private static final int SCAN_BYTES = 1 << 20;

    private final StreamTail tail;
    private final SegmentWindow segments;
    private final SegmentReader reader;

    TimestampSearch(StreamTail tail, SegmentWindow segments, SegmentReader reader) {
        this.tail = tail;
        this.segments = segments;
        this.reader = reader;
    }

    CompletableFuture<Optional<Long>> batchAtOrAfter(long timestampMs, long endOffset) {
        long from = tail.startOffset();
        return Reloading.whileMissing(() -> inSegments(segments.from(from), 0, from, timestampMs, endOffset));
    }

    private CompletableFuture<Optional<Long>> inSegments(
            List<StreamSegment> candidates, int first, long fromOffset, long timestampMs, long endOffset) {
        int index = first;
        while (index < candidates.size() && candidates.get(index).maxTimestampMs() < timestampMs) {
            index++;
        }
        if (index == candidates.size()) {
            return inTail(candidates, fromOffset, timestampMs, endOffset);
        }
        StreamSegment segment = candidates.get(index);
        long from = Math.max(fromOffset, segment.startOffset());
        if (from >= endOffset) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        int next = index + 1;
        return reader.batchAtOrAfterTimestamp(segment, from, timestampMs).thenCompose(found -> {
            if (found.isEmpty()) {
                return inSegments(candidates, next, segment.endOffset(), timestampMs, endOffset);
            }
            return CompletableFuture.completedFuture(found.filter(base -> base < endOffset));
        });
    }

    private CompletableFuture<Optional<Long>> inTail(
            List<StreamSegment> searched, long fromOffset, long timestampMs, long endOffset) {
        long from = searched.isEmpty()
                ? fromOffset
                : searched.get(searched.size() - 1).endOffset();
        OptionalLong found = tail.batchAtOrAfterTimestamp(from, endOffset, timestampMs);
        if (tail.firstOffset() > from && from < Math.min(endOffset, tail.committedEndOffset())) {
            List<StreamSegment> younger = segments.from(from);
            if (!younger.isEmpty()) {
                return inSegments(younger, 0, from, timestampMs, endOffset);
            }
        }
        return CompletableFuture.completedFuture(found.isPresent() ? Optional.of(found.getAsLong()) : Optional.empty());
    }

    CompletableFuture<Optional<Long>> batchWithMax(long endOffset) {
        long from = tail.startOffset();
        return Reloading.whileMissing(() -> maxInSegments(segments.from(from), 0, from, endOffset, -1))
                .thenCompose(max -> {
                    if (max < 0) {
                        return CompletableFuture.completedFuture(Optional.empty());
                    }
                    return batchAtOrAfter(max, endOffset);
                });
    }

    /** Greatest timestamp in {@code [fromOffset, endOffset)}; segments that lie in it only partly are read. */
    private CompletableFuture<Long> maxInSegments(
            List<StreamSegment> all, int first, long fromOffset, long endOffset, long maxSoFar) {
        long max = maxSoFar;
        for (int i = first; i < all.size(); i++) {
            StreamSegment segment = all.get(i);
            if (segment.startOffset() >= endOffset) {
                return CompletableFuture.completedFuture(max);
            }
            boolean whole = segment.startOffset() >= fromOffset && segment.endOffset() <= endOffset;
            if (!whole && segment.maxTimestampMs() > max) {
                long known = max;
                int next = i + 1;
                long from = Math.max(fromOffset, segment.startOffset());
                return scan(segment, from, endOffset, known)
                        .thenCompose(scanned -> maxInSegments(all, next, fromOffset, endOffset, scanned));
            }
            max = whole ? Math.max(max, segment.maxTimestampMs()) : max;
        }
        long behind = all.isEmpty() ? fromOffset : all.get(all.size() - 1).endOffset();
        long inTail = tail.maxTimestampMs(behind, endOffset);
        if (tail.firstOffset() > behind && behind < Math.min(endOffset, tail.committedEndOffset())) {
            List<StreamSegment> younger = segments.from(behind);
            if (!younger.isEmpty()) {
                return maxInSegments(younger, 0, behind, endOffset, max);
            }
        }
        return CompletableFuture.completedFuture(Math.max(max, inTail));
    }

    private CompletableFuture<Long> scan(StreamSegment segment, long fromOffset, long endOffset, long maxSoFar) {
        if (fromOffset >= Math.min(endOffset, segment.endOffset())) {
            return CompletableFuture.completedFuture(maxSoFar);
        }
        return reader.read(segment, fromOffset, SCAN_BYTES, endOffset, true).thenCompose(read -> {
            long max = Math.max(maxSoFar, maxOf(read));
            read.release();
            if (read.batches().isEmpty()) {
                return CompletableFuture.completedFuture(max);
            }
            return scan(segment, read.endOffset(), endOffset, max);
        });
    }

    private static long maxOf(StreamRead read) {
        long max = -1;
        for (SharedBytes bytes : read.batches()) {
            max = Math.max(max, BatchSlices.maxTimestampMs(bytes.view()));
        }
        return max;
    }
}
