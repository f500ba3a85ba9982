// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.stream;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.StreamMetadata;
import io.freshet.storage.read.SegmentReader;
import io.freshet.storage.tail.StreamTail;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Reads of one stream: from the tail if it holds the offset, else from the segment that does. Safe for use by many threads. */
final class StreamReads {
    private final StreamTail tail;
    private final StreamMetadata metadata;
    private final SegmentWindow segments;
    private final SegmentReader reader;
    private final StreamMeters meters;
    /** Start of the segment that was prepared last; a race prepares one twice, which does no harm. */
    private volatile long preparedOffset = -1;

    StreamReads(StreamTail tail, SegmentWindow segments, StreamParts parts) {
        this.tail = tail;
        this.segments = segments;
        this.metadata = parts.metadata();
        this.reader = parts.reader();
        this.meters = parts.meters();
    }

    CompletableFuture<StreamRead> read(long offset, int maxBytes, long endOffset, boolean minOneBatch) {
        long end = tail.endOffset();
        if (offset < tail.startOffset() || offset > end) {
            return CompletableFuture.failedFuture(outOfRange(offset, end));
        }
        if (offset >= endOffset || offset == end) {
            return CompletableFuture.completedFuture(StreamRead.EMPTY);
        }
        StreamRead inMemory = tail.read(offset, maxBytes, endOffset, minOneBatch);
        if (inMemory != null) {
            meters.tailReads.increment();
            return CompletableFuture.completedFuture(inMemory);
        }
        meters.segmentReads.increment();
        return fromSegments(offset, maxBytes, endOffset, minOneBatch, 0);
    }

    private FreshetException outOfRange(long offset, long end) {
        return new FreshetException(
                ErrorKind.INVALID,
                "Offset " + offset + " of stream " + tail.streamId() + " is outside [" + tail.startOffset() + ", " + end
                        + "]");
    }

    private CompletableFuture<StreamRead> fromSegments(
            long offset, int maxBytes, long endOffset, boolean minOneBatch, int reloads) {
        Optional<StreamSegment> found = segments.atOrAfter(offset);
        if ((found.isEmpty() || found.get().startOffset() > offset) && isTrimmed(offset)) {
            return CompletableFuture.failedFuture(outOfRange(offset, tail.endOffset()));
        }
        if (found.isEmpty() || found.get().startOffset() >= endOffset) {
            return afterLastSegment(found, offset);
        }
        StreamSegment segment = found.get();
        long from = Math.max(offset, segment.startOffset());
        return reader.read(segment, from, maxBytes, endOffset, minOneBatch)
                .handle((read, error) -> {
                    if (error == null) {
                        prepareNext(segment, read);
                        return CompletableFuture.completedFuture(read);
                    }
                    FreshetException cause = FreshetException.of(error);
                    if (cause.kind() != ErrorKind.MISSING || reloads >= Reloading.MAX_RELOADS) {
                        return CompletableFuture.<StreamRead>failedFuture(cause);
                    }
                    meters.reloads.increment();
                    segments.forget();
                    if (isTrimmed(offset)) {
                        return CompletableFuture.<StreamRead>failedFuture(outOfRange(offset, tail.endOffset()));
                    }
                    return fromSegments(offset, maxBytes, endOffset, minOneBatch, reloads + 1);
                })
                .thenCompose(next -> next);
    }

    /** A reader in a segment's last quarter will go on to the next one: its object is opened ahead, once. */
    private void prepareNext(StreamSegment segment, StreamRead read) {
        long lastQuarter = segment.endOffset() - (segment.endOffset() - segment.startOffset()) / 4;
        if (read.endOffset() < lastQuarter || preparedOffset == segment.endOffset()) {
            return;
        }
        preparedOffset = segment.endOffset();
        segments.knownAfter(segment).ifPresent(reader::prepare);
    }

    /** Looks at the quorum's start offset, which a trim with a lost answer may have moved. */
    private boolean isTrimmed(long offset) {
        metadata.stream(tail.streamId()).ifPresent(state -> tail.trimmed(state.startOffset()));
        return offset < tail.startOffset();
    }

    private CompletableFuture<StreamRead> afterLastSegment(Optional<StreamSegment> found, long offset) {
        if (found.isPresent()) {
            return CompletableFuture.completedFuture(StreamRead.EMPTY);
        }
        return CompletableFuture.failedFuture(
                new FreshetException(
                        ErrorKind.FENCED,
                        "Offset " + offset + " of stream " + tail.streamId()
                                + " is neither in memory nor in the manifest: the stream was deleted or moved; reload its state"));
    }
}
