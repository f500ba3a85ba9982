// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.format.SegmentTrailer;
import java.util.List;
import java.util.Optional;

/** The segments of one object without their checkpoints, sorted by stream id and offset; small enough to keep many. Immutable. */
public final class SegmentDigest {
    private static final int BYTES_PER_SEGMENT = 56;

    private final List<StreamSegment> segments;

    private SegmentDigest(List<StreamSegment> segments) {
        this.segments = segments;
    }

    public static SegmentDigest of(List<SegmentTrailer> trailers) {
        return new SegmentDigest(trailers.stream().map(SegmentTrailer::segment).toList());
    }

    /** A rough measure of the memory that it holds. */
    public long heapBytes() {
        return 64 + (long) segments.size() * BYTES_PER_SEGMENT;
    }

    /**
     * What is wrong with {@code row}, a manifest's row for this object; empty if nothing is. A row may name a part of a segment: a
     * rebuilt manifest cuts what a later leader epoch replaced.
     */
    public Optional<String> contradiction(StreamSegment row) {
        int low = 0;
        int high = segments.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            StreamSegment held = segments.get(middle);
            if (held.streamId() < row.streamId()
                    || (held.streamId() == row.streamId() && held.endOffset() <= row.startOffset())) {
                low = middle + 1;
            } else if (held.streamId() > row.streamId() || held.startOffset() > row.startOffset()) {
                high = middle - 1;
            } else {
                return compare(row, held);
            }
        }
        return Optional.of("object " + row.objectId() + " holds no offset " + row.startOffset() + " of stream "
                + row.streamId() + ", but the manifest says that it holds " + row.startOffset() + " to "
                + row.endOffset());
    }

    private static Optional<String> compare(StreamSegment row, StreamSegment held) {
        if (row.endOffset() > held.endOffset()) {
            return Optional.of("object " + row.objectId() + " holds offsets " + held.startOffset() + " to "
                    + held.endOffset() + " of stream " + row.streamId() + ", but the manifest says "
                    + row.startOffset() + " to " + row.endOffset());
        }
        boolean isWhole = row.startOffset() == held.startOffset() && row.endOffset() == held.endOffset();
        if (isWhole && !row.equals(held)) {
            return Optional.of("the manifest's row " + row + " is not the trailer's " + held);
        }
        return Optional.empty();
    }
}
