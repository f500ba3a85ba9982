// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Lays out one object of format version 1 (bytes: {@link ObjectFormat}). Record batches are referred to, never copied; each
 * is read once for its block's CRC. A large object is laid out piece by piece: {@link #begin}, {@link #addBatches}, {@link #end}, and
 * {@link #drain} whenever enough is pending. Used by one thread at a time, once.
 */
public final class ObjectEncoder {
    private final long objectId;
    private final int brokerId;
    private final int blockTargetBytes;
    private final List<ByteBuffer> body = new ArrayList<>();
    private final List<BlockEntry> blocks = new ArrayList<>();
    private final List<SegmentTrailer> segments = new ArrayList<>();
    private long position;
    private long drainedBytes;
    private @Nullable Walk walk;
    private @Nullable OpenBlock open;

    /**
     * @param objectId the object's id
     * @param brokerId the writer
     * @param blockTargetBytes size, with header, that a block exceeds only for a single batch
     */
    public ObjectEncoder(long objectId, int brokerId, int blockTargetBytes) {
        this(objectId, brokerId, blockTargetBytes, 0);
    }

    /** {@code slotTag} is 0 but for WAL slots: see {@link SlotObjects}. */
    ObjectEncoder(long objectId, int brokerId, int blockTargetBytes, int slotTag) {
        if (blockTargetBytes < ObjectFormat.MIN_BLOCK_TARGET_BYTES
                || blockTargetBytes > ObjectFormat.MAX_BLOCK_TARGET_BYTES) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Block target of " + blockTargetBytes + " bytes; choose one from "
                            + ObjectFormat.MIN_BLOCK_TARGET_BYTES + " to " + ObjectFormat.MAX_BLOCK_TARGET_BYTES);
        }
        this.objectId = objectId;
        this.brokerId = brokerId;
        this.blockTargetBytes = blockTargetBytes;
        append(header(slotTag));
    }

    /** Bytes laid out so far, without trailers and index. */
    public long sizeBytes() {
        return position;
    }

    /**
     * Adds a segment; it must lie after all former ones by stream id and offset. Fails with INVALID if it does not, or if
     * its batches are not whole, in order and within its range.
     */
    public void add(SegmentContent content) {
        begin(content.streamId(), content.startOffset(), content.endOffset());
        for (SharedBytes bytes : content.batches()) {
            addBatches(bytes.view());
        }
        end(content.checkpoint());
    }

    /** Begins a segment; its batches follow piece by piece, then {@link #end}. Conditions as for {@link #add}. */
    public void begin(long streamId, long startOffset, long endOffset) {
        checkOrder(streamId, startOffset, endOffset);
        walk = new Walk(streamId, startOffset, endOffset);
    }

    /** Adds whole batches of the segment that was begun: those between position and limit. They are referred to, not copied. */
    public void addBatches(ByteBuffer batches) {
        begun().addBatches(batches.slice());
    }

    /** Ends the segment that was begun. */
    public void end(SegmentCheckpoint checkpoint) {
        Walk ended = begun();
        closeBlock();
        walk = null;
        segments.add(ended.trailer(checkpoint));
    }

    private Walk begun() {
        Walk open = walk;
        if (open == null) {
            throw new IllegalStateException("No segment of object " + objectId + " was begun");
        }
        return open;
    }

    /** Bytes laid out and not drained yet. */
    public long pendingBytes() {
        return position - drainedBytes;
    }

    /** Hands over what is laid out so far, so that a large object need not be in memory as a whole. */
    public List<ByteBuffer> drain() {
        List<ByteBuffer> drained = List.copyOf(body);
        body.clear();
        drainedBytes = position;
        return drained;
    }

    /** Lays out the rest, to be drained; gives what the object holds, sorted by stream id and start offset. */
    public List<StreamSegment> complete() {
        append(TailLayout.encode(objectId, brokerId, position, blocks, segments));
        return segments.stream().map(SegmentTrailer::segment).toList();
    }

    /** Completes an object of which nothing was drained. */
    public EncodedObject finish() {
        List<StreamSegment> held = complete();
        return new EncodedObject(objectId, body, position, held);
    }

    private void checkOrder(long streamId, long startOffset, long endOffset) {
        if (segments.isEmpty()) {
            return;
        }
        StreamSegment last = segments.get(segments.size() - 1).segment();
        boolean isAfter =
                streamId > last.streamId() || (streamId == last.streamId() && startOffset >= last.endOffset());
        if (!isAfter) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Segment [" + startOffset + ", " + endOffset + ") of stream " + streamId + " comes after " + last
                            + "; add segments in order of stream id and start offset");
        }
    }

    private void append(ByteBuffer bytes) {
        position += bytes.remaining();
        body.add(bytes);
    }

    private ByteBuffer header(int slotTag) {
        ByteBuffer header = ByteBuffer.allocate(ObjectFormat.HEADER_BYTES);
        header.putLong(ObjectFormat.HEADER_MAGIC)
                .putInt(ObjectFormat.VERSION)
                .putInt(brokerId)
                .putLong(objectId)
                .putInt(slotTag);
        header.putInt(ObjectFormat.crc(header, 0, header.position()));
        return header.flip();
    }

    private void closeBlock() {
        OpenBlock block = open;
        if (block == null) {
            return;
        }
        open = null;
        BlockEntry entry = block.entry(position);
        ByteBuffer header = ByteBuffer.allocate(ObjectFormat.BLOCK_HEADER_BYTES);
        BlockHeader.put(header, entry);
        append(header.flip());
        block.parts.forEach(this::append);
        blocks.add(entry);
    }

    /** Visits a segment's batches, checks them and cuts them into blocks. */
    private final class Walk {
        private final long streamId;
        private final long startOffset;
        private final long endOffset;
        private final int firstBlock = blocks.size();
        private long nextOffset;
        private long dataBytes;
        private long minTimestampMs = -1;
        private long maxTimestampMs = -1;

        Walk(long streamId, long startOffset, long endOffset) {
            this.streamId = streamId;
            this.startOffset = startOffset;
            this.endOffset = endOffset;
            this.nextOffset = startOffset;
        }

        SegmentTrailer trailer(SegmentCheckpoint checkpoint) {
            StreamSegment segment = new StreamSegment(
                    streamId, startOffset, endOffset, objectId, dataBytes, minTimestampMs, maxTimestampMs);
            return new SegmentTrailer(segment, firstBlock, blocks.size() - firstBlock, checkpoint);
        }

        /** {@code bytes} begins at position 0. Runs of batches that fall into one block become one slice. */
        void addBatches(ByteBuffer bytes) {
            int runStart = 0;
            int position = 0;
            while (position < bytes.limit()) {
                int batchBytes = BatchHeader.sizeBytes(bytes, position);
                checkOffsets(bytes, position);
                OpenBlock block = open;
                int runBytes = position - runStart;
                if (block != null && block.sizeBytes + runBytes + (long) batchBytes > blockTargetBytes) {
                    block.addBytes(bytes, runStart, runBytes);
                    closeBlock();
                    runStart = position;
                    block = null;
                }
                if (block == null) {
                    block = new OpenBlock(streamId, BatchHeader.baseOffset(bytes, position));
                    open = block;
                }
                block.addBatch(bytes, position);
                noteTimestamps(bytes, position);
                position += batchBytes;
            }
            if (open != null) {
                open.addBytes(bytes, runStart, position - runStart);
            }
            dataBytes += bytes.limit();
        }

        private void checkOffsets(ByteBuffer bytes, int position) {
            long baseOffset = BatchHeader.baseOffset(bytes, position);
            long batchEnd = BatchHeader.endOffset(bytes, position);
            if (baseOffset < nextOffset || batchEnd <= baseOffset || batchEnd > endOffset) {
                throw new FreshetException(
                        ErrorKind.INVALID,
                        "Batch [" + baseOffset + ", " + batchEnd + ") of stream " + streamId
                                + " does not fit between " + nextOffset + " and " + endOffset
                                + "; segments hold whole batches in offset order");
            }
            nextOffset = batchEnd;
        }

        private void noteTimestamps(ByteBuffer bytes, int position) {
            long base = BatchHeader.baseTimestampMs(bytes, position);
            if (base >= 0 && (minTimestampMs < 0 || base < minTimestampMs)) {
                minTimestampMs = base;
            }
            maxTimestampMs = Math.max(maxTimestampMs, BatchHeader.maxTimestampMs(bytes, position));
        }
    }

    /** The block that is being filled. */
    private static final class OpenBlock {
        private final long streamId;
        private final long baseOffset;
        private final CRC32C crc = new CRC32C();
        private final List<ByteBuffer> parts = new ArrayList<>();
        private int sizeBytes = ObjectFormat.BLOCK_HEADER_BYTES;
        private long endOffset;
        private long recordCount;
        private long maxTimestampMs = -1;

        OpenBlock(long streamId, long baseOffset) {
            this.streamId = streamId;
            this.baseOffset = baseOffset;
        }

        void addBatch(ByteBuffer bytes, int position) {
            endOffset = BatchHeader.endOffset(bytes, position);
            recordCount += BatchHeader.recordCount(bytes, position);
            maxTimestampMs = Math.max(maxTimestampMs, BatchHeader.maxTimestampMs(bytes, position));
        }

        void addBytes(ByteBuffer bytes, int position, int lengthBytes) {
            if (lengthBytes == 0) {
                return;
            }
            ByteBuffer part = bytes.slice(position, lengthBytes);
            crc.update(part.duplicate());
            parts.add(part);
            sizeBytes = Math.addExact(sizeBytes, lengthBytes);
        }

        BlockEntry entry(long position) {
            return new BlockEntry(
                    streamId, baseOffset, endOffset, position, sizeBytes, recordCount, maxTimestampMs, (int)
                            crc.getValue());
        }
    }
}
