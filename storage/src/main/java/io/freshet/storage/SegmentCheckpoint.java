// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import java.util.List;

/**
 * The owner's state at the end of a segment, stored in the segment's trailer, so that a new owner opens a stream without
 * reading older bytes.
 *
 * @param endOffset the offset, exclusive, up to which the state has been applied: the segment ends here
 * @param epochStarts leader-epoch history from the stream's start offset on, ascending
 * @param producerState the owner's snapshot of its producers (opaque)
 * @param abortedTransactions transactions whose abort marker lies in this segment
 */
public record SegmentCheckpoint(
        long endOffset,
        List<EpochStart> epochStarts,
        byte[] producerState,
        List<AbortedTransaction> abortedTransactions) {
    public SegmentCheckpoint {
        epochStarts = List.copyOf(epochStarts);
        abortedTransactions = List.copyOf(abortedTransactions);
    }

    /** {@code leaderEpoch} begins at {@code startOffset}. */
    public record EpochStart(int leaderEpoch, long startOffset) {}

    /** As Kafka's transaction index: offsets inclusive. */
    public record AbortedTransaction(long producerId, long firstOffset, long lastOffset, long lastStableOffset) {}

    /** Gives the owner's state when a segment is sealed. */
    public interface Source {
        /**
         * The state at the stream's present end offset, consistent with it. Called from an upload thread; the owner takes
         * its own lock.
         */
        SegmentCheckpoint checkpoint();
    }
}
