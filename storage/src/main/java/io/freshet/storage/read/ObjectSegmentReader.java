// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.cache.BlockCache;
import io.freshet.storage.cache.CachedBlock;
import io.freshet.storage.cache.IndexCache;
import io.freshet.storage.format.BatchHeader;
import io.freshet.storage.format.ObjectFormat;
import io.freshet.storage.format.ObjectIndex;
import io.freshet.storage.format.SegmentTrailer;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Reads segments of objects through the shared index and block caches. Keeps nothing of its own but what
 * {@link ReadAhead} knows of sequential readers. Safe for use by many threads; no call blocks.
 */
public final class ObjectSegmentReader implements SegmentReader {
    private static final int PREPARED_BLOCKS = 2;
    /** A read is expected to bring this much at most; if it brings more, the next reads pay for it. */
    private static final int PACED_BYTES = 1 << 20;

    private final IndexCache indexes;
    private final BlockCache blocks;
    private final ReadAhead readAhead;
    private final @Nullable CatchUpPace pace;

    /** Reads as fast as it can; see the other constructor. */
    public ObjectSegmentReader(IndexCache indexes, BlockCache ownedBlocks, Clock clock, int maxReadAheadBlocks) {
        this(indexes, ownedBlocks, clock, maxReadAheadBlocks, null);
    }

    /**
     * @param ownedBlocks closed with this reader
     * @param maxReadAheadBlocks how many blocks a sequential reader is ahead at most; 0 turns read-ahead off
     * @param pace what holds reads up in favour of the tail; null if nothing does
     */
    public ObjectSegmentReader(
            IndexCache indexes,
            BlockCache ownedBlocks,
            Clock clock,
            int maxReadAheadBlocks,
            @Nullable CatchUpPace pace) {
        this.pace = pace;
        this.indexes = indexes;
        this.blocks = ownedBlocks;
        this.readAhead = new ReadAhead(ownedBlocks, clock, maxReadAheadBlocks);
    }

    @Override
    public CompletableFuture<StreamRead> read(
            StreamSegment segment, long offset, int maxBytes, long endOffset, boolean minOneBatch) {
        if (offset < segment.startOffset() || offset >= segment.endOffset()) {
            return CompletableFuture.failedFuture(new FreshetException(
                    ErrorKind.INVALID, "Offset " + offset + " is not in " + segment + "; look the segment up again"));
        }
        long limit = Math.min(endOffset, segment.endOffset());
        if (offset >= limit || (maxBytes <= 0 && !minOneBatch)) {
            return CompletableFuture.completedFuture(StreamRead.EMPTY);
        }
        ReadRequest request = new ReadRequest(segment.streamId(), offset, maxBytes, limit, minOneBatch);
        CatchUpPace pace = this.pace;
        if (pace == null) {
            return read(segment, request);
        }
        int room = Math.min(maxBytes, PACED_BYTES);
        CompletableFuture<Void> admitted = pace.admit(room);
        CompletableFuture<StreamRead> read =
                admitted.isDone() ? read(segment, request) : admitted.thenCompose(turn -> read(segment, request));
        return read.whenComplete((got, error) -> pace.taken(room, got == null ? 0 : got.sizeBytes()));
    }

    private CompletableFuture<StreamRead> read(StreamSegment segment, ReadRequest request) {
        return indexes.open(segment.objectId()).thenCompose(index -> {
            SegmentTrailer trailer = index.requireSegment(segment.streamId(), segment.startOffset());
            return new SegmentRead(blocks, readAhead, index, trailer, request).start();
        });
    }

    @Override
    public CompletableFuture<Optional<Long>> batchAtOrAfterTimestamp(
            StreamSegment segment, long fromOffset, long timestampMs) {
        return indexes.open(segment.objectId()).thenCompose(index -> {
            SegmentTrailer trailer = index.requireSegment(segment.streamId(), segment.startOffset());
            int block = index.blockAt(trailer, fromOffset);
            return firstBatch(index, trailer, block, fromOffset, timestampMs);
        });
    }

    private CompletableFuture<Optional<Long>> firstBatch(
            ObjectIndex index, SegmentTrailer segment, int fromBlock, long fromOffset, long timestampMs) {
        for (int block = fromBlock; block < segment.endBlock(); block++) {
            if (index.blocks().get(block).maxTimestampMs() >= timestampMs) {
                int found = block;
                return blocks.acquire(index, block, block + 1).thenCompose(bytes -> {
                    Optional<Long> offset = firstBatch(bytes, fromOffset, timestampMs);
                    return offset.isPresent()
                            ? CompletableFuture.completedFuture(offset)
                            : firstBatch(index, segment, found + 1, fromOffset, timestampMs);
                });
            }
        }
        return CompletableFuture.completedFuture(Optional.empty());
    }

    private static Optional<Long> firstBatch(CachedBlock ownedBlock, long fromOffset, long timestampMs) {
        try {
            ByteBuffer view = ownedBlock.view();
            int at = ObjectFormat.BLOCK_HEADER_BYTES;
            while (at < view.limit()) {
                int batchBytes = BatchHeader.sizeBytes(view, at);
                if (BatchHeader.endOffset(view, at) > fromOffset
                        && BatchHeader.maxTimestampMs(view, at) >= timestampMs) {
                    return Optional.of(BatchHeader.baseOffset(view, at));
                }
                at += batchBytes;
            }
            return Optional.empty();
        } finally {
            ownedBlock.release();
        }
    }

    @Override
    public CompletableFuture<SegmentCheckpoint> checkpoint(StreamSegment segment) {
        return indexes.open(segment.objectId())
                .thenApply(index -> index.requireSegment(segment.streamId(), segment.startOffset())
                        .checkpoint());
    }

    @Override
    public void prepare(StreamSegment segment) {
        indexes.open(segment.objectId()).thenAccept(index -> {
            Optional<SegmentTrailer> trailer = index.segment(segment.streamId(), segment.startOffset());
            trailer.ifPresent(held -> {
                int first = index.blockAt(held, segment.startOffset());
                blocks.prefetch(index, first, Math.min(held.endBlock(), first + PREPARED_BLOCKS));
            });
        });
    }

    @Override
    public void close() {
        blocks.close();
    }
}
