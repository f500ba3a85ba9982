// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.storage.SegmentCheckpoint;
import java.util.List;
import java.util.Map;
import org.apache.kafka.storage.internals.log.LastRecord;

/** A partition as key compaction sees it. Safe for use by many threads; nothing blocks on I/O. */
public interface CleanablePartition extends PartitionQueries {
    /** End of what objects hold: nothing from here on can be cleaned. */
    long committedEndOffset();

    /**
     * Records of a key below this offset that a younger one below it replaces are gone. Uploads from now on say so in their
     * trailers. It may be lower than the truth after a restart, never higher.
     */
    long cleanedEndOffset();

    /** Everything up to {@code endOffset} has been cleaned and committed. Never moves down. */
    void cleaned(long endOffset);

    /** Committed segments that begin below {@code endOffset} hold other batches now. */
    void segmentsReplaced(long endOffset);

    /** For each producer that is remembered, what of it must stay in the log. */
    Map<Long, LastRecord> lastRecordsOfProducers();

    /** The {@link #cleanedEndOffset()} in a segment's trailer; 0 if it does not say. */
    static long cleanedEndOffset(SegmentCheckpoint checkpoint) {
        return ProducerSnapshots.cleanedEndOffset(checkpoint.producerState());
    }

    /** {@code checkpoint} with another {@link #cleanedEndOffset()} and with {@code kept} as its aborted transactions. */
    static SegmentCheckpoint checkpointWith(
            SegmentCheckpoint checkpoint, long cleanedEndOffset, List<SegmentCheckpoint.AbortedTransaction> kept) {
        return new SegmentCheckpoint(
                checkpoint.endOffset(),
                checkpoint.epochStarts(),
                ProducerSnapshots.withCleanedEndOffset(checkpoint.producerState(), cleanedEndOffset),
                kept);
    }
}
