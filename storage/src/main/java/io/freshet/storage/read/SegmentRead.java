// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.cache.BlockCache;
import io.freshet.storage.cache.CachedBlock;
import io.freshet.storage.format.BatchHeader;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.ObjectFormat;
import io.freshet.storage.format.ObjectIndex;
import io.freshet.storage.format.SegmentTrailer;
import io.freshet.storage.read.ReadAhead.Sequence;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One read on its way through a segment's blocks. The first block may have to wait for memory; further ones are taken only
 * if they are in memory or on their way, so that no read holds memory while it waits for more. Steps follow one another;
 * whichever thread completes a block runs the next one.
 */
final class SegmentRead {
    private final BlockCache cache;
    private final ReadAhead readAhead;
    private final ObjectIndex index;
    private final SegmentTrailer segment;
    private final ReadRequest request;
    private final @Nullable Sequence sequence;
    private final CompletableFuture<StreamRead> result = new CompletableFuture<>();
    private final List<SharedBytes> slices = new ArrayList<>(2);
    private int block;
    private int position = ObjectFormat.BLOCK_HEADER_BYTES;
    private int takenBytes;
    private long firstOffset = -1;
    private long nextOffset;
    private boolean isFull;

    SegmentRead(BlockCache cache, ReadAhead readAhead, ObjectIndex index, SegmentTrailer segment, ReadRequest request) {
        this.cache = cache;
        this.readAhead = readAhead;
        this.index = index;
        this.segment = segment;
        this.request = request;
        sequence = readAhead.resume(request.streamId(), request.offset());
        nextOffset = request.offset();
        block = index.blockAt(segment, request.offset());
        if (sequence != null && sequence.objectId() == index.objectId() && sequence.block() == block) {
            position = sequence.position();
        }
    }

    CompletableFuture<StreamRead> start() {
        if (block < segment.endBlock()) {
            takeWhatIsThere(cache.acquire(index, block, wantedEnd()));
        } else {
            finish();
        }
        return result;
    }

    private void resume() {
        try {
            takeWhatIsThere(nextBlock());
        } catch (RuntimeException e) {
            slices.forEach(SharedBytes::release);
            result.completeExceptionally(located(e));
        }
    }

    /** Takes blocks as long as they are there, without recursion. */
    private void takeWhatIsThere(@Nullable CompletableFuture<CachedBlock> first) {
        CompletableFuture<CachedBlock> next = first;
        while (next != null) {
            if (!next.isDone()) {
                next.whenComplete((bytes, error) -> {
                    if (takeOrFail(bytes, error)) {
                        resume();
                    }
                });
                return;
            }
            CompletableFuture<CachedBlock> done = next;
            boolean[] isTaken = new boolean[1];
            done.whenComplete((bytes, error) -> isTaken[0] = takeOrFail(bytes, error));
            if (!isTaken[0]) {
                return;
            }
            next = nextBlock();
        }
        finish();
    }

    /** False if the read is over because of a failure. What was read before a failing block still counts. */
    private boolean takeOrFail(@Nullable CachedBlock bytes, @Nullable Throwable error) {
        if (bytes == null) {
            if (slices.isEmpty()) {
                result.completeExceptionally(FreshetException.of(
                        error == null ? new IllegalStateException("A block came without its bytes") : error));
            } else {
                finish();
            }
            return false;
        }
        try {
            take(bytes);
            return true;
        } catch (RuntimeException e) {
            slices.forEach(SharedBytes::release);
            result.completeExceptionally(located(e));
            return false;
        } finally {
            bytes.release();
        }
    }

    private @Nullable CompletableFuture<CachedBlock> nextBlock() {
        if (isFull || block >= segment.endBlock()) {
            return null;
        }
        if (index.blocks().get(block).baseOffset() >= request.endOffset()) {
            return null;
        }
        if (slices.isEmpty()) {
            return cache.acquire(index, block, wantedEnd());
        }
        CompletableFuture<CachedBlock> near = cache.acquireIfNear(index, block);
        if (near == null) {
            cache.prefetch(index, block, wantedEnd());
            near = cache.acquireIfNear(index, block);
        }
        return near;
    }

    /** Slices the batches that are wanted, in one piece, and moves on. */
    private void take(CachedBlock bytes) {
        ByteBuffer view = bytes.view();
        int at = position;
        while (at < view.limit()) {
            int batchBytes = BatchHeader.sizeBytes(view, at);
            if (BatchHeader.endOffset(view, at) > request.offset()) {
                break;
            }
            at += batchBytes;
        }
        int from = at;
        while (at < view.limit() && !isFull) {
            int batchBytes = BatchHeader.sizeBytes(view, at);
            long baseOffset = BatchHeader.baseOffset(view, at);
            long total = (long) takenBytes + batchBytes;
            boolean isFirst = firstOffset < 0;
            if (baseOffset >= request.endOffset()
                    || (total > request.maxBytes() && !(isFirst && request.minOneBatch()))) {
                isFull = true;
            } else {
                firstOffset = isFirst ? baseOffset : firstOffset;
                nextOffset = BatchHeader.endOffset(view, at);
                takenBytes = Math.toIntExact(total);
                at += batchBytes;
            }
        }
        if (at > from) {
            slices.add(bytes.retainedSlice(from, at - from));
        }
        position = at;
        if (at == view.limit()) {
            block++;
            position = ObjectFormat.BLOCK_HEADER_BYTES;
        }
    }

    /** Number after the last block that this read is likely to touch. */
    private int wantedEnd() {
        BlockEntry entry = index.blocks().get(block);
        long range = entry.endOffset() - entry.baseOffset();
        long skipped = Math.max(0, nextOffset - entry.baseOffset());
        long likelyBytes = (long) (entry.dataBytes() * ((double) (range - skipped) / range)) + takenBytes;
        int end = block + 1;
        long fairEnd = block + readAhead.fairBlocks(index, block);
        while (end < segment.endBlock()
                && end < fairEnd
                && likelyBytes < request.maxBytes()
                && index.blocks().get(end).baseOffset() < request.endOffset()) {
            likelyBytes += index.blocks().get(end).dataBytes();
            end++;
        }
        return end;
    }

    private void finish() {
        StreamRead read = StreamRead.EMPTY;
        if (!slices.isEmpty()) {
            read = new StreamRead(List.copyOf(slices), firstOffset, nextOffset);
            readAhead.advance(
                    sequence,
                    index,
                    new ReadAhead.Cursor(request.streamId(), nextOffset, block, position),
                    segment.endBlock());
        }
        if (!result.complete(read)) {
            read.release();
        }
    }

    private FreshetException located(RuntimeException cause) {
        FreshetException failure = FreshetException.of(cause);
        if (failure.kind() != ErrorKind.CORRUPT) {
            return failure;
        }
        return new FreshetException(
                ErrorKind.CORRUPT,
                "Object " + index.objectId() + ": block " + block + " ("
                        + index.blocks().get(block) + ") verifies but holds a damaged batch: " + failure.getMessage(),
                failure);
    }
}
