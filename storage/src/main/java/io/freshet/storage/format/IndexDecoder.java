// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.common.stream.StreamSegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads an object's index entries and checks that blocks and segments tile the object without gap or overlap. */
final class IndexDecoder {
    private final ObjectFooter footer;
    private final ByteBuffer entries;

    IndexDecoder(ObjectFooter footer, ByteBuffer entries) {
        this.footer = footer;
        this.entries = entries.slice();
    }

    List<BlockEntry> decode() {
        if (ObjectFormat.crc(entries, 0, entries.limit()) != footer.indexCrc()) {
            throw damaged("its CRC32C does not match");
        }
        List<BlockEntry> blocks = new ArrayList<>(footer.blockCount());
        long position = ObjectFormat.HEADER_BYTES;
        BlockEntry previous = null;
        for (int i = 0; i < footer.blockCount(); i++) {
            BlockEntry entry = next();
            if (!isValid(entry, position, previous)) {
                throw damaged("entry " + i + " is impossible: " + entry + " where position " + position + " was due");
            }
            position = entry.endPosition();
            previous = entry;
            blocks.add(entry);
        }
        if (position != footer.trailersPosition()) {
            throw damaged("blocks end at position " + position + " instead of " + footer.trailersPosition());
        }
        return blocks;
    }

    private BlockEntry next() {
        long streamId = entries.getLong();
        long baseOffset = entries.getLong();
        long endOffset = entries.getLong();
        long position = entries.getLong();
        long recordCount = entries.getLong();
        long maxTimestampMs = entries.getLong();
        int sizeBytes = entries.getInt();
        int dataCrc = entries.getInt();
        return new BlockEntry(
                streamId, baseOffset, endOffset, position, sizeBytes, recordCount, maxTimestampMs, dataCrc);
    }

    private boolean isValid(BlockEntry entry, long position, @Nullable BlockEntry previous) {
        boolean isInside = entry.position() == position
                && entry.sizeBytes() > ObjectFormat.BLOCK_HEADER_BYTES
                && entry.sizeBytes() <= footer.trailersPosition() - position;
        boolean isRange = entry.baseOffset() >= 0 && entry.endOffset() > entry.baseOffset();
        boolean isAfter = previous == null
                || entry.streamId() > previous.streamId()
                || (entry.streamId() == previous.streamId() && entry.baseOffset() >= previous.endOffset());
        return isInside && isRange && isAfter;
    }

    static void checkSegments(ObjectFooter footer, List<SegmentTrailer> segments, List<BlockEntry> blocks) {
        int nextBlock = 0;
        StreamSegment previous = null;
        for (SegmentTrailer trailer : segments) {
            StreamSegment segment = trailer.segment();
            boolean isAfter = previous == null
                    || segment.streamId() > previous.streamId()
                    || (segment.streamId() == previous.streamId() && segment.startOffset() >= previous.endOffset());
            boolean isTiled = trailer.firstBlock() == nextBlock
                    && trailer.blockCount() >= 0
                    && trailer.blockCount() <= blocks.size() - nextBlock;
            if (!isAfter || !isTiled || !isCovered(trailer, blocks)) {
                throw ObjectFormat.corrupt(
                        footer.objectId(), "trailer of " + segment + " contradicts the index or its neighbour");
            }
            nextBlock = trailer.endBlock();
            previous = segment;
        }
        if (nextBlock != blocks.size()) {
            throw ObjectFormat.corrupt(
                    footer.objectId(), "trailers cover " + nextBlock + " of " + blocks.size() + " blocks");
        }
    }

    private static boolean isCovered(SegmentTrailer trailer, List<BlockEntry> blocks) {
        long dataBytes = 0;
        for (int i = trailer.firstBlock(); i < trailer.endBlock(); i++) {
            BlockEntry block = blocks.get(i);
            dataBytes += block.dataBytes();
            if (block.streamId() != trailer.segment().streamId()
                    || block.baseOffset() < trailer.segment().startOffset()
                    || block.endOffset() > trailer.segment().endOffset()) {
                return false;
            }
        }
        return dataBytes == trailer.segment().sizeBytes();
    }

    private RuntimeException damaged(String how) {
        return ObjectFormat.corrupt(
                footer.objectId(), "index at position " + footer.indexPosition() + " is damaged: " + how);
    }
}
