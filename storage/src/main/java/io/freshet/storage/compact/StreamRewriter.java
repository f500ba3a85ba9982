// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.cache.IndexCache;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Reads committed segments of single streams and replaces them by others with other batches: the storage side of key
 * compaction. Reads go straight to the object store at the configured pace, past the block cache. One call at a time; its
 * steps run on the executor, nothing blocks. Errors: MISSING if a segment was replaced meanwhile, CORRUPT, UNAVAILABLE after
 * {@link #close()}, or as the store and the quorum say.
 */
public final class StreamRewriter implements AutoCloseable {
    private static final long INDEX_CACHE_BYTES = 8L << 20;
    private static final int INDEX_TAIL_HINT_BYTES = 64 << 10;
    private static final int MAX_CHUNK_BYTES = 8 << 20;

    private final CompactionParts parts;
    private final IndexCache indexes;
    private final ObjectRewriter rewriter;
    private final ReadPace pace;
    private final int chunkBytes;
    private volatile boolean closed;

    public StreamRewriter(CompactionConfig config, CompactionParts parts) {
        this.parts = parts;
        this.indexes = parts.indexes(INDEX_CACHE_BYTES, INDEX_TAIL_HINT_BYTES);
        this.rewriter = new ObjectRewriter(config, parts, indexes, () -> !closed);
        this.pace = new ReadPace(
                config.bytesPerSecond(),
                parts.clock(),
                parts.scheduler(),
                () -> parts.isPaused().getAsBoolean() && !closed);
        this.chunkBytes = (int) Math.min(MAX_CHUNK_BYTES, config.memoryBytes() / 2);
    }

    /** Sees the batches of segments, block by block in offset order. */
    public interface Visitor {
        /** Whole batches between position and limit; false when no more are wanted. */
        boolean batches(ByteBuffer batches);

        /** All batches of {@code segment} have been seen. */
        void ended(StreamSegment segment);
    }

    /** Shows {@code visitor} all batches of {@code segments}; complete when it has seen them or wants no more. */
    public CompletableFuture<Void> scan(List<StreamSegment> segments, Visitor visitor) {
        return scanNext(segments.iterator(), visitor);
    }

    private CompletableFuture<Void> scanNext(Iterator<StreamSegment> segments, Visitor visitor) {
        if (!segments.hasNext()) {
            return CompletableFuture.completedFuture(null);
        }
        StreamSegment segment = segments.next();
        InputObject object =
                new InputObject(parts.objectStore(), indexes, pace, segment.objectId(), List.of(segment), chunkBytes);
        return scan(object, segment, visitor)
                .thenComposeAsync(
                        goesOn -> goesOn ? scanNext(segments, visitor) : CompletableFuture.completedFuture(null),
                        parts.executor());
    }

    private CompletableFuture<Boolean> scan(InputObject object, StreamSegment segment, Visitor visitor) {
        rewriter.requireOpen();
        return object.advance()
                .thenComposeAsync(
                        nothing -> {
                            while (object.isReady(segment) && !object.isFinished(segment)) {
                                if (!visitor.batches(object.takeBlock())) {
                                    return CompletableFuture.completedFuture(false);
                                }
                            }
                            if (object.isFinished(segment)) {
                                visitor.ended(segment);
                                return CompletableFuture.completedFuture(true);
                            }
                            return scan(object, segment, visitor);
                        },
                        parts.executor());
    }

    /** How many records {@code segments} hold, from the objects' indexes. */
    public CompletableFuture<Long> recordCount(List<StreamSegment> segments) {
        CompletableFuture<Long> sum = CompletableFuture.completedFuture(0L);
        for (StreamSegment segment : segments) {
            sum = sum.thenCompose(before -> indexes.open(segment.objectId()).thenApply(index -> {
                var trailer = index.requireSegment(segment.streamId(), segment.startOffset());
                long records = before;
                for (int i = trailer.firstBlock(); i < trailer.endBlock(); i++) {
                    records += index.blocks().get(i).recordCount();
                }
                return records;
            }));
        }
        return sum;
    }

    /** The owner's state in the segment's trailer. */
    public CompletableFuture<SegmentCheckpoint> checkpoint(StreamSegment segment) {
        return indexes.open(segment.objectId())
                .thenApply(index -> index.requireSegment(segment.streamId(), segment.startOffset())
                        .checkpoint());
    }

    /**
     * Makes {@code segments}, which follow one another in one stream, one segment of a new object with the batches that
     * {@code transform} gives. It completes when the quorum has answered: false if the segments have changed meanwhile and
     * nothing was replaced.
     */
    public CompletableFuture<Boolean> rewrite(List<StreamSegment> segments, BatchTransform transform) {
        Rewrite rewrite = new Rewrite(List.of(new SegmentGroup(segments)));
        return rewriter.run(rewrite, transform)
                .thenApply(outcome -> outcome.refusedStreams().isEmpty());
    }

    /** What is under way ends at its next step. */
    @Override
    public void close() {
        closed = true;
    }
}
