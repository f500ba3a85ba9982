// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.StreamLog.StreamRead;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Reads committed segments from their objects. Shared by all streams of a broker; safe for use by many threads. Fails with
 * MISSING if the object is gone (reload the manifest), CORRUPT naming object, block and offset, or UNAVAILABLE.
 */
public interface SegmentReader extends AutoCloseable {
    /**
     * Whole batches of {@code segment} from the one that holds {@code offset} on, up to {@code maxBytes} (at least one if
     * {@code minOneBatch}), none that begins at or after {@code endOffset}. Key compaction may leave holes, which are passed
     * over; when the segment has nothing left, the result is {@link StreamRead#nothingBefore} of its end.
     */
    CompletableFuture<StreamRead> read(
            StreamSegment segment, long offset, int maxBytes, long endOffset, boolean minOneBatch);

    /** Base offset of the first batch at or after {@code fromOffset} whose greatest timestamp is at least {@code timestampMs}. */
    CompletableFuture<Optional<Long>> batchAtOrAfterTimestamp(StreamSegment segment, long fromOffset, long timestampMs);

    /** The owner's state at the segment's end. */
    CompletableFuture<SegmentCheckpoint> checkpoint(StreamSegment segment);

    /**
     * A hint that {@code segment} is likely to be read soon from its start: opens its object and reads ahead as far as
     * budgets allow. Failures are left for the read to report.
     */
    default void prepare(StreamSegment segment) {}

    @Override
    void close();
}
