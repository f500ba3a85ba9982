// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.rebuild;

import java.util.List;

/**
 * One stream put together again.
 *
 * @param streamId the stream
 * @param startOffset first offset; equals {@code endOffset} if nothing is left
 * @param endOffset end of the log, exclusive
 * @param leaderEpoch the greatest that was seen; the next owner's must lie above
 * @param pieces parts of segments in offset order that cover the log without gap or overlap
 * @param gaps offsets that no segment holds, below {@code startOffset} and above older segments that are left out for that reason
 */
public record RebuiltLog(
        long streamId, long startOffset, long endOffset, int leaderEpoch, List<Piece> pieces, List<Gap> gaps) {
    public RebuiltLog {
        pieces = List.copyOf(pieces);
        gaps = List.copyOf(gaps);
    }

    /** Offsets {@code startOffset} to {@code endOffset} of a found segment. */
    public record Piece(FoundSegment source, long startOffset, long endOffset) {
        /** Whether the whole segment is taken. */
        public boolean isWhole() {
            return source.segment().startOffset() == startOffset
                    && source.segment().endOffset() == endOffset;
        }
    }

    /** Offsets that no segment holds. */
    public record Gap(long startOffset, long endOffset) {}
}
