// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.StreamSegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * One open stream: the handle that its owner appends to and reads from. Offsets are Kafka offsets. Appends of one
 * stream exclude each other by the owner's lock; everything else may be called from any thread. No call blocks on I/O.
 */
public interface StreamLog {
    long streamId();

    int leaderEpoch();

    /** First offset that may be read. */
    long startOffset();

    /** End of what the quorum has committed as objects; everything from here to {@link #durableEndOffset()} is in the WAL. */
    long committedEndOffset();

    /** End of what the WAL (or an object) holds durably: the high watermark of a stream with one owner. */
    long durableEndOffset();

    /** The next offset to append. */
    long endOffset();

    /** Bytes between start offset and end offset. */
    long sizeBytes();

    /**
     * Appends whole v2 record batches that already carry their offsets and leader epoch; {@code append.baseOffset()}
     * must equal {@link #endOffset()}. The bytes are retained until uploaded and evicted, never copied. The append's
     * {@link StreamAppend#completed} is called once, in offset order.
     *
     * <p>Throws when nothing was taken, and then {@code completed} is not called and the same offsets may be used again:
     * THROTTLED when uploads lag (retry later), FENCED when this handle does not own the stream any more, UNAVAILABLE
     * after a WAL failure or while the stream is opened again, INVALID when the offsets do not follow or it is too large.
     */
    void append(StreamAppend append);

    /**
     * Appends from now on go to the WAL lane of this name. Those after a change are held in memory until the lane used before
     * has answered what it has, so that a crash leaves no hole; nobody waits for it, {@link #append} goes on. A stream that was
     * just opened uses the broker's first lane. Fails with INVALID if the broker does not run such a lane.
     */
    void useLane(String name);

    /** Name of the lane that appends go to. */
    String lane();

    /** Whether appends are, or soon will be, refused with THROTTLED because uploads lag behind this stream's lane. */
    boolean isOverloaded();

    /**
     * Reads whole record batches from the one that holds {@code offset} on, up to {@code maxBytes} (at least one batch if
     * {@code minOneBatch}), none that begins at or after {@code endOffset}. Tail reads complete at once without a copy.
     * Fails with INVALID below {@link #startOffset()} or above the end. An empty result means nothing fits or nothing is there.
     */
    CompletableFuture<StreamRead> read(long offset, int maxBytes, long endOffset, boolean minOneBatch);

    /**
     * The first batch, at or after the start offset and below {@code endOffset}, whose greatest timestamp is at least
     * {@code timestampMs}: its base offset. Empty if there is none.
     */
    CompletableFuture<Optional<Long>> batchAtOrAfterTimestamp(long timestampMs, long endOffset);

    /** Base offset of the first batch that holds the greatest timestamp below {@code endOffset}; empty when there is no batch. */
    CompletableFuture<Optional<Long>> batchWithMaxTimestamp(long endOffset);

    /** Moves the start offset up to {@code newStartOffset}; readable nowhere when complete, space is given back later. */
    CompletableFuture<Void> trim(long newStartOffset);

    /** The committed segments from the start offset on, in offset order (for retention and inspection). */
    List<StreamSegment> segments();

    /** The owner's state at {@link #committedEndOffset()} as of opening; empty for a stream without objects. */
    Optional<SegmentCheckpoint> openedCheckpoint();

    /** Visits each batch between the opened checkpoint and the end as recovered from the WAL, in offset order. */
    void replayTail(Consumer<ByteBuffer> batches);

    /** Aborted transactions of the committed segments that overlap {@code [fromOffset, toOffset)}. */
    CompletableFuture<List<SegmentCheckpoint.AbortedTransaction>> abortedTransactions(long fromOffset, long toOffset);

    /**
     * Called when this broker stops owning the stream, or its topic is deleted: later appends fail with FENCED. Already
     * durable bytes are still uploaded unless {@code deleted}.
     */
    void close(boolean deleted);

    /** Bytes read, with references that the receiver must give back by {@link #release()}. */
    record StreamRead(List<SharedBytes> batches, long startOffset, long endOffset) {
        public static final StreamRead EMPTY = new StreamRead(List.of(), -1, -1);

        public int sizeBytes() {
            int sum = 0;
            for (SharedBytes bytes : batches) {
                sum += bytes.sizeBytes();
            }
            return sum;
        }

        public void release() {
            batches.forEach(SharedBytes::release);
        }
    }
}
