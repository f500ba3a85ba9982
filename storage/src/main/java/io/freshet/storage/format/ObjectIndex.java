// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/** The parsed tail of one object: what it holds, and where. Immutable. Decoding is total: all damage gives CORRUPT. */
public final class ObjectIndex {
    private static final int HEAP_BYTES_PER_BLOCK = 80;
    private static final int HEAP_BYTES_PER_SEGMENT = 240;

    private final ObjectFooter footer;
    private final List<SegmentTrailer> segments;
    private final List<BlockEntry> blocks;

    private ObjectIndex(ObjectFooter footer, List<SegmentTrailer> segments, List<BlockEntry> blocks) {
        this.footer = footer;
        this.segments = List.copyOf(segments);
        this.blocks = List.copyOf(blocks);
    }

    /**
     * Parses the tail of an object.
     *
     * @param footer the object's footer, already decoded from {@code tail}
     * @param tail the last bytes of the object, at least {@link ObjectFooter#tailBytes()}, between position and limit
     */
    public static ObjectIndex decode(ObjectFooter footer, ByteBuffer tail) {
        if (tail.remaining() < footer.tailBytes()) {
            throw ObjectFormat.corrupt(
                    footer.objectId(),
                    "tail at position " + footer.trailersPosition() + " has " + tail.remaining() + " of "
                            + footer.tailBytes() + " bytes");
        }
        int start = tail.limit() - (int) footer.tailBytes();
        int trailerBytes = (int) (footer.indexPosition() - footer.trailersPosition());
        int indexBytes = footer.blockCount() * ObjectFormat.INDEX_ENTRY_BYTES;
        ByteBuffer indexPart = tail.slice(start + trailerBytes, indexBytes);
        List<BlockEntry> blocks = new IndexDecoder(footer, indexPart).decode();
        ByteBuffer trailerPart = tail.slice(start, trailerBytes);
        List<SegmentTrailer> segments = new TrailerDecoder(footer, trailerPart).decode();
        IndexDecoder.checkSegments(footer, segments, blocks);
        return new ObjectIndex(footer, segments, blocks);
    }

    /** Parses footer and tail of a whole object of {@code actualSizeBytes} from its last bytes. */
    public static ObjectIndex decode(long objectId, long actualSizeBytes, ByteBuffer tail) {
        return decode(ObjectFooter.decode(objectId, actualSizeBytes, tail), tail);
    }

    public long objectId() {
        return footer.objectId();
    }

    public ObjectFooter footer() {
        return footer;
    }

    /** Sorted by stream id and start offset. */
    public List<SegmentTrailer> segments() {
        return segments;
    }

    /** Sorted by stream id and base offset, and by position. */
    public List<BlockEntry> blocks() {
        return blocks;
    }

    /** The segment of {@code streamId} that holds {@code offset}. */
    public Optional<SegmentTrailer> segment(long streamId, long offset) {
        int low = 0;
        int high = segments.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            var segment = segments.get(middle).segment();
            boolean isBefore =
                    segment.streamId() < streamId || (segment.streamId() == streamId && segment.endOffset() <= offset);
            if (isBefore) {
                low = middle + 1;
            } else if (segment.streamId() > streamId || segment.startOffset() > offset) {
                high = middle - 1;
            } else {
                return Optional.of(segments.get(middle));
            }
        }
        return Optional.empty();
    }

    /** As {@link #segment}, but fails with CORRUPT if the object does not hold it although a manifest says so. */
    public SegmentTrailer requireSegment(long streamId, long offset) {
        return segment(streamId, offset)
                .orElseThrow(() -> new FreshetException(
                        ErrorKind.CORRUPT,
                        "Object " + objectId() + " holds no offset " + offset + " of stream " + streamId
                                + " although the manifest names it; compare manifest and object with fsck"));
    }

    /** Number of {@code segment}'s first block that ends after {@code offset}; its end block if there is none. */
    public int blockAt(SegmentTrailer segment, long offset) {
        int low = segment.firstBlock();
        int high = segment.endBlock();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (blocks.get(middle).endOffset() <= offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** A rough measure of the memory this index holds. */
    public long heapBytes() {
        long bytes = 200 + (long) blocks.size() * HEAP_BYTES_PER_BLOCK;
        for (SegmentTrailer segment : segments) {
            bytes += HEAP_BYTES_PER_SEGMENT
                    + segment.checkpoint().producerState().length
                    + 32L * segment.checkpoint().epochStarts().size()
                    + 56L * segment.checkpoint().abortedTransactions().size();
        }
        return bytes;
    }

    /**
     * Checks every byte of an object held in memory. Fails with CORRUPT at the first damage.
     *
     * @param objectId the id it should have
     * @param object the whole object between position and limit
     */
    public static ObjectIndex verify(long objectId, ByteBuffer object) {
        return verify(objectId, object, 0);
    }

    /** As {@link #verify(long, ByteBuffer)} for an object whose header bears {@code slotTag}. */
    static ObjectIndex verify(long objectId, ByteBuffer object, int slotTag) {
        ByteBuffer whole = object.slice();
        ObjectIndex index = decode(objectId, whole.limit(), whole);
        boolean isHeaderIntact = whole.getLong(0) == ObjectFormat.HEADER_MAGIC
                && whole.getInt(8) == ObjectFormat.VERSION
                && whole.getInt(12) == index.footer.brokerId()
                && whole.getLong(16) == objectId
                && whole.getInt(24) == slotTag
                && whole.getInt(28) == ObjectFormat.crc(whole, 0, 28);
        if (!isHeaderIntact) {
            throw ObjectFormat.corrupt(objectId, "header at position 0 is damaged");
        }
        for (int i = 0; i < index.blocks.size(); i++) {
            BlockEntry entry = index.blocks.get(i);
            BlockHeader.verify(objectId, i, entry, whole.slice((int) entry.position(), entry.sizeBytes()));
        }
        return index;
    }

    @Override
    public String toString() {
        return "ObjectIndex[" + footer + ", segments=" + segments + "]";
    }
}
