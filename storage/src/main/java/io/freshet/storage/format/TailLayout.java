// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.storage.SegmentCheckpoint;
import java.nio.ByteBuffer;
import java.util.List;

/** Writes trailers, index and footer (byte tables: {@link ObjectFormat}). */
final class TailLayout {
    private TailLayout() {}

    /** {@code dataEnd} is the position after the last block; the result is the rest of the object. */
    static ByteBuffer encode(
            long objectId, int brokerId, long dataEnd, List<BlockEntry> blocks, List<SegmentTrailer> segments) {
        int trailerBytes = 0;
        for (SegmentTrailer segment : segments) {
            trailerBytes = Math.addExact(trailerBytes, sizeBytes(segment.checkpoint()));
        }
        int indexBytes = Math.multiplyExact(blocks.size(), ObjectFormat.INDEX_ENTRY_BYTES);
        int tailBytes = Math.addExact(Math.addExact(trailerBytes, indexBytes), ObjectFormat.FOOTER_BYTES);
        ByteBuffer tail = ByteBuffer.allocate(tailBytes);
        segments.forEach(segment -> putTrailer(tail, segment));
        blocks.forEach(block -> putEntry(tail, block));
        int trailersCrc = ObjectFormat.crc(tail, 0, trailerBytes);
        int indexCrc = ObjectFormat.crc(tail, trailerBytes, indexBytes);
        ObjectFooter footer = new ObjectFooter(
                objectId,
                brokerId,
                dataEnd + tailBytes,
                dataEnd,
                dataEnd + trailerBytes,
                blocks.size(),
                segments.size(),
                trailersCrc,
                indexCrc);
        footer.put(tail);
        return tail.flip();
    }

    private static int sizeBytes(SegmentCheckpoint checkpoint) {
        long size = ObjectFormat.TRAILER_FIXED_BYTES
                + (long) checkpoint.epochStarts().size() * ObjectFormat.EPOCH_START_BYTES
                + (long) checkpoint.abortedTransactions().size() * ObjectFormat.ABORTED_TRANSACTION_BYTES
                + checkpoint.producerState().length;
        return Math.toIntExact(size);
    }

    private static void putTrailer(ByteBuffer target, SegmentTrailer trailer) {
        SegmentCheckpoint checkpoint = trailer.checkpoint();
        target.putLong(trailer.segment().streamId())
                .putLong(trailer.segment().startOffset())
                .putLong(trailer.segment().endOffset())
                .putLong(checkpoint.endOffset())
                .putLong(trailer.segment().sizeBytes())
                .putInt(trailer.firstBlock())
                .putInt(trailer.blockCount())
                .putLong(trailer.segment().minTimestampMs())
                .putLong(trailer.segment().maxTimestampMs())
                .putInt(checkpoint.epochStarts().size())
                .putInt(checkpoint.abortedTransactions().size())
                .putInt(checkpoint.producerState().length);
        for (SegmentCheckpoint.EpochStart epoch : checkpoint.epochStarts()) {
            target.putInt(epoch.leaderEpoch()).putLong(epoch.startOffset());
        }
        for (SegmentCheckpoint.AbortedTransaction aborted : checkpoint.abortedTransactions()) {
            target.putLong(aborted.producerId())
                    .putLong(aborted.firstOffset())
                    .putLong(aborted.lastOffset())
                    .putLong(aborted.lastStableOffset());
        }
        target.put(checkpoint.producerState());
    }

    private static void putEntry(ByteBuffer target, BlockEntry block) {
        target.putLong(block.streamId())
                .putLong(block.baseOffset())
                .putLong(block.endOffset())
                .putLong(block.position())
                .putLong(block.recordCount())
                .putLong(block.maxTimestampMs())
                .putInt(block.sizeBytes())
                .putInt(block.dataCrc());
    }
}
