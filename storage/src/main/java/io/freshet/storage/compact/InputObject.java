// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.cache.IndexCache;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.BlockHeader;
import io.freshet.storage.format.ObjectFormat;
import io.freshet.storage.format.ObjectIndex;
import io.freshet.storage.format.SegmentTrailer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One object that a rewrite reads, from front to back: the blocks of the wanted segments, fetched straight from the store in
 * ranges of whole blocks, each verified before use. Steps follow one another; used by one rewrite.
 */
final class InputObject {
    private final ObjectStore store;
    private final IndexCache indexes;
    private final ReadPace pace;
    private final long objectId;
    private final List<StreamSegment> wanted;
    private final int chunkBytes;
    private final Map<StreamSegment, SegmentTrailer> trailers = new HashMap<>();
    private final List<Integer> blocks = new ArrayList<>();
    private @Nullable ObjectIndex index;
    private @Nullable ByteBuffer chunk;
    private long chunkPosition;
    private int next;
    private int chunkEnd;

    /**
     * @param wanted segments of this object in its order
     * @param chunkBytes size of one read at most, unless a single block is larger
     */
    InputObject(
            ObjectStore store,
            IndexCache indexes,
            ReadPace pace,
            long objectId,
            List<StreamSegment> wanted,
            int chunkBytes) {
        this.store = store;
        this.indexes = indexes;
        this.pace = pace;
        this.objectId = objectId;
        this.wanted = wanted;
        this.chunkBytes = chunkBytes;
    }

    long objectId() {
        return objectId;
    }

    /** Whether the next step for {@code segment} needs no read. */
    boolean isReady(StreamSegment segment) {
        return index != null && (next < chunkEnd || isFinished(segment));
    }

    /** Whether all blocks of {@code segment} were taken; the object must be open. */
    boolean isFinished(StreamSegment segment) {
        return next == blocks.size() || blocks.get(next) >= trailer(segment).endBlock();
    }

    /** What the object says of {@code segment}; the object must be open. */
    SegmentTrailer trailer(StreamSegment segment) {
        SegmentTrailer trailer = trailers.get(segment);
        if (trailer == null) {
            throw new IllegalStateException(segment + " is not wanted of object " + objectId);
        }
        return trailer;
    }

    /** Opens the object, or reads on in it. Fails with MISSING, CORRUPT or as the store does. */
    CompletableFuture<Void> advance() {
        return index == null ? indexes.open(objectId).thenAccept(this::opened) : readChunk(index);
    }

    private void opened(ObjectIndex found) {
        for (StreamSegment segment : wanted) {
            SegmentTrailer trailer = found.requireSegment(segment.streamId(), segment.startOffset());
            if (!trailer.segment().equals(segment)) {
                throw new FreshetException(
                        ErrorKind.CORRUPT,
                        "Object " + objectId + " holds " + trailer.segment() + " where the manifest says " + segment
                                + "; compare manifest and object with fsck");
            }
            trailers.put(segment, trailer);
            for (int i = trailer.firstBlock(); i < trailer.endBlock(); i++) {
                blocks.add(i);
            }
        }
        index = found;
    }

    private CompletableFuture<Void> readChunk(ObjectIndex open) {
        BlockEntry first = open.blocks().get(blocks.get(next));
        int end = next + 1;
        long endPosition = first.endPosition();
        while (end < blocks.size()) {
            BlockEntry entry = open.blocks().get(blocks.get(end));
            boolean isNear = entry.position() - endPosition <= chunkBytes / 8;
            if (!isNear || entry.endPosition() - first.position() > chunkBytes) {
                break;
            }
            endPosition = entry.endPosition();
            end++;
        }
        chunk = null;
        ByteBuffer target = ByteBuffer.allocate(Math.toIntExact(endPosition - first.position()));
        int readEnd = end;
        return pace.acquire(target.capacity())
                .thenCompose(nothing -> store.read(ObjectKeys.dataKey(objectId), first.position(), target))
                .thenRun(() -> {
                    chunk = target.flip();
                    chunkPosition = first.position();
                    chunkEnd = readEnd;
                });
    }

    /** The batches of the next block; only while a chunk is at hand. Fails with CORRUPT. */
    ByteBuffer takeBlock() {
        ObjectIndex open = index;
        ByteBuffer bytes = chunk;
        if (open == null || bytes == null || next >= chunkEnd) {
            throw new IllegalStateException("No block of object " + objectId + " is at hand");
        }
        int number = blocks.get(next);
        BlockEntry entry = open.blocks().get(number);
        ByteBuffer block = bytes.slice((int) (entry.position() - chunkPosition), entry.sizeBytes());
        BlockHeader.verify(objectId, number, entry, block);
        next++;
        if (next == chunkEnd) {
            chunk = null;
        }
        return block.position(ObjectFormat.BLOCK_HEADER_BYTES);
    }
}
