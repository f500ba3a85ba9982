// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.format.BatchHeader;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.ObjectFormat;
import io.freshet.storage.format.ObjectIndex;
import io.freshet.storage.format.SegmentTrailer;
import io.freshet.storage.read.SegmentReader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** Reads and verifies the whole object for each call: slow and simple. */
public final class WholeObjectReader implements SegmentReader {
    private final TestObjectStore store;
    private int checkpointReads;

    public WholeObjectReader(TestObjectStore store) {
        this.store = store;
    }

    public int checkpointReads() {
        return checkpointReads;
    }

    @Override
    public CompletableFuture<StreamRead> read(
            StreamSegment segment, long offset, int maxBytes, long endOffset, boolean minOneBatch) {
        return attempt(() -> {
            List<SharedBytes> found = new ArrayList<>();
            int left = maxBytes;
            long first = -1;
            long last = -1;
            for (ByteBuffer batch : batches(segment)) {
                boolean before = BatchHeader.endOffset(batch, 0) <= offset;
                if (before) {
                    continue;
                }
                boolean fits = batch.remaining() <= left || (minOneBatch && found.isEmpty());
                if (!fits || batch.getLong(0) >= endOffset) {
                    break;
                }
                found.add(SharedBytes.unpooled(batch));
                left -= batch.remaining();
                first = first < 0 ? batch.getLong(0) : first;
                last = BatchHeader.endOffset(batch, 0);
            }
            return found.isEmpty() ? StreamRead.EMPTY : new StreamRead(found, first, last);
        });
    }

    private List<ByteBuffer> batches(StreamSegment segment) {
        ByteBuffer object = store.bytes(ObjectKeys.dataKey(segment.objectId()));
        ObjectIndex index = ObjectIndex.verify(segment.objectId(), object);
        SegmentTrailer trailer = index.requireSegment(segment.streamId(), segment.startOffset());
        List<ByteBuffer> batches = new ArrayList<>();
        for (BlockEntry block : index.blocks().subList(trailer.firstBlock(), trailer.endBlock())) {
            int position = (int) block.position() + ObjectFormat.BLOCK_HEADER_BYTES;
            while (position < block.endPosition()) {
                int size = BatchHeader.sizeBytes(object, position);
                batches.add(object.slice(position, size));
                position += size;
            }
        }
        return batches;
    }

    @Override
    public CompletableFuture<Optional<Long>> batchAtOrAfterTimestamp(
            StreamSegment segment, long fromOffset, long timestampMs) {
        return attempt(() -> batches(segment).stream()
                .filter(batch -> BatchHeader.endOffset(batch, 0) > fromOffset)
                .filter(batch -> BatchHeader.maxTimestampMs(batch, 0) >= timestampMs)
                .map(batch -> batch.getLong(0))
                .findFirst());
    }

    @Override
    public CompletableFuture<SegmentCheckpoint> checkpoint(StreamSegment segment) {
        checkpointReads++;
        return attempt(() -> ObjectIndex.verify(segment.objectId(), store.bytes(ObjectKeys.dataKey(segment.objectId())))
                .requireSegment(segment.streamId(), segment.startOffset())
                .checkpoint());
    }

    private static <T> CompletableFuture<T> attempt(Supplier<T> read) {
        try {
            return CompletableFuture.completedFuture(read.get());
        } catch (FreshetException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    @Override
    public void close() {}
}
