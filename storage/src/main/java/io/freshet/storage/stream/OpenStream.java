// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.stream;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.StreamAppend;
import io.freshet.storage.StreamLog;
import io.freshet.storage.tail.StreamTail;
import io.freshet.storage.tail.WalLane;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * One ownership of a stream. Holds no state but the leader epoch, the lane and what was found at opening; all else is the tail's. The
 * owner appends under its own lock, everything else may be called from any thread.
 */
final class OpenStream implements StreamLog {
    private static final int MAX_TRIM_TRIES = 4;

    private final StreamParts parts;
    private final StreamTail tail;
    private final int leaderEpoch;
    private final long openedEndOffset;
    private final Optional<SegmentCheckpoint> openedCheckpoint;
    private final SegmentWindow segments;
    private final StreamReads reads;
    private final TimestampSearch timestamps;
    private final AbortedSearch aborted;
    private volatile WalLane lane;

    /** @param openedEndOffset end of the committed segments when the stream was opened */
    OpenStream(
            StreamParts parts,
            StreamTail tail,
            int leaderEpoch,
            long openedEndOffset,
            Optional<SegmentCheckpoint> openedCheckpoint) {
        this.parts = parts;
        this.tail = tail;
        this.leaderEpoch = leaderEpoch;
        this.openedEndOffset = openedEndOffset;
        this.openedCheckpoint = openedCheckpoint;
        this.segments = new SegmentWindow(tail.streamId(), parts.metadata());
        this.reads = new StreamReads(tail, segments, parts);
        this.timestamps = new TimestampSearch(tail, segments, parts.reader());
        this.aborted = new AbortedSearch(segments, parts.reader());
        this.lane = parts.lanes().defaultLane();
    }

    @Override
    public long streamId() {
        return tail.streamId();
    }

    @Override
    public int leaderEpoch() {
        return leaderEpoch;
    }

    @Override
    public long startOffset() {
        return tail.startOffset();
    }

    @Override
    public long committedEndOffset() {
        return tail.committedEndOffset();
    }

    @Override
    public long durableEndOffset() {
        return tail.durableEndOffset();
    }

    @Override
    public long endOffset() {
        return tail.endOffset();
    }

    @Override
    public long sizeBytes() {
        long sum = tail.uncommittedPayloadBytes();
        for (StreamSegment segment : segments()) {
            sum += segment.sizeBytes();
        }
        return sum;
    }

    @Override
    public void useLane(String name) {
        WalLane before = lane;
        WalLane now = parts.lanes()
                .named(name)
                .orElseThrow(() -> new FreshetException(
                        ErrorKind.INVALID,
                        "There is no WAL lane " + name + " for stream " + streamId() + "; this broker runs "
                                + parts.lanes().all().stream()
                                        .map(WalLane::name)
                                        .toList()));
        lane = now;
        if (!now.equals(before) && parts.backpressure().isOverloaded(before)) {
            parts.backpressure().tell(); // who waits for room in the old lane need not any more
        }
    }

    @Override
    public String lane() {
        return lane.name();
    }

    @Override
    public boolean isOverloaded() {
        return parts.backpressure().isOverloaded(lane);
    }

    @Override
    public void append(StreamAppend append) {
        long bytes = append.bytes().sizeBytes();
        WalLane target = lane;
        try {
            tail.append(append, leaderEpoch, target);
        } catch (FreshetException e) {
            if (e.kind() == ErrorKind.THROTTLED) {
                parts.meters().throttledAppends.increment();
                parts.backpressure().check(target);
            }
            throw e;
        }
        parts.uploader().pending(bytes);
        parts.memory().evictOverBudget();
        parts.backpressure().check(target);
    }

    @Override
    public CompletableFuture<StreamRead> read(long offset, int maxBytes, long endOffset, boolean minOneBatch) {
        return reads.read(offset, maxBytes, endOffset, minOneBatch);
    }

    @Override
    public CompletableFuture<Optional<Long>> batchAtOrAfterTimestamp(long timestampMs, long endOffset) {
        return timestamps.batchAtOrAfter(timestampMs, endOffset);
    }

    @Override
    public CompletableFuture<Optional<Long>> batchWithMaxTimestamp(long endOffset) {
        return timestamps.batchWithMax(endOffset);
    }

    @Override
    public CompletableFuture<Void> trim(long newStartOffset) {
        if (newStartOffset <= tail.startOffset()) {
            return CompletableFuture.completedFuture(null);
        }
        if (newStartOffset > tail.durableEndOffset()) {
            return CompletableFuture.failedFuture(new FreshetException(
                    ErrorKind.INVALID,
                    "Stream " + streamId() + " cannot begin at " + newStartOffset + ": its durable end is "
                            + tail.durableEndOffset()));
        }
        if (newStartOffset > tail.committedEndOffset()) {
            return parts.uploader().uploadNow().thenCompose(nothing -> trimCommitted(newStartOffset));
        }
        return trimCommitted(newStartOffset);
    }

    /** The quorum knows only committed offsets, so that a start offset beyond them waits for their upload. */
    private CompletableFuture<Void> trimCommitted(long newStartOffset) {
        if (newStartOffset > tail.committedEndOffset()) {
            return CompletableFuture.failedFuture(new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Stream " + streamId() + " is uploaded up to " + tail.committedEndOffset()
                            + " only and cannot begin at " + newStartOffset + " yet; retry"));
        }
        return trimStream(newStartOffset, MAX_TRIM_TRIES).thenRun(() -> {
            tail.trimmed(newStartOffset);
            segments.forget();
        });
    }

    /** Trims are idempotent: one whose outcome is unknown is repeated. */
    private CompletableFuture<Void> trimStream(long newStartOffset, int triesLeft) {
        return parts.metadata()
                .trimStream(streamId(), leaderEpoch, newStartOffset)
                .handle((nothing, error) -> {
                    if (error == null) {
                        return CompletableFuture.<Void>completedFuture(null);
                    }
                    FreshetException cause = FreshetException.of(error);
                    return cause.kind() == ErrorKind.INDETERMINATE && triesLeft > 1
                            ? trimStream(newStartOffset, triesLeft - 1)
                            : CompletableFuture.<Void>failedFuture(cause);
                })
                .thenCompose(next -> next);
    }

    @Override
    public List<StreamSegment> segments() {
        return segments.from(tail.startOffset());
    }

    @Override
    public void segmentsReplaced(long endOffset) {
        tail.forgetCommitted(endOffset);
        segments.forget();
    }

    @Override
    public Optional<SegmentCheckpoint> openedCheckpoint() {
        return openedCheckpoint;
    }

    @Override
    public void replayTail(Consumer<ByteBuffer> batches) {
        if (tail.firstOffset() > openedEndOffset) {
            throw new FreshetException(
                    ErrorKind.INTERNAL,
                    "The tail of stream " + streamId() + " begins at " + tail.firstOffset()
                            + ", behind the opened checkpoint at " + openedEndOffset + "; replay right after opening");
        }
        tail.forEachBatch(openedEndOffset, batches);
    }

    @Override
    public CompletableFuture<List<SegmentCheckpoint.AbortedTransaction>> abortedTransactions(
            long fromOffset, long toOffset) {
        return aborted.overlapping(fromOffset, toOffset);
    }

    @Override
    public void close(boolean deleted) {
        if (tail.leaderEpoch() != leaderEpoch) {
            return;
        }
        if (deleted) {
            parts.tails().drop(tail, new FreshetException(ErrorKind.FENCED, "Stream " + streamId() + " was deleted"));
        } else {
            tail.close();
            parts.tails().removeIfDrained(tail);
        }
    }
}
