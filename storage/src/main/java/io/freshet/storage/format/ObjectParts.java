// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * Reads the parts of an object one by one, so that a tool can show the sound ones of a damaged object. Servers read through
 * {@link ObjectIndex}, which refuses an object with any damage in its tail. Every method fails with CORRUPT, naming what is wrong.
 */
public final class ObjectParts {
    private ObjectParts() {}

    /**
     * The first bytes of an object.
     *
     * @param slotTag 0 in data objects; WAL slots bind themselves to their key with it
     */
    public record Header(long objectId, int brokerId, int slotTag) {}

    /** Reads the header in the first {@link ObjectFormat#HEADER_BYTES} bytes of {@code bytes}; {@code objectId} is for messages. */
    public static Header header(long objectId, ByteBuffer bytes) {
        ByteBuffer in = bytes.slice();
        if (in.getLong(0) != ObjectFormat.HEADER_MAGIC) {
            throw ObjectFormat.corrupt(objectId, "header at position 0 is damaged: its magic is missing");
        }
        if (in.getInt(28) != ObjectFormat.crc(in, 0, 28)) {
            throw ObjectFormat.corrupt(objectId, "header at position 0 is damaged: its CRC32C does not match");
        }
        if (in.getInt(8) != ObjectFormat.VERSION) {
            throw ObjectFormat.corrupt(
                    objectId, "header at position 0 has version " + in.getInt(8) + ", unknown to this program");
        }
        return new Header(in.getLong(16), in.getInt(12), in.getInt(24));
    }

    /** The object id that the footer at the end of {@code tail} claims; nothing of it is verified. Needs a whole footer. */
    public static long claimedObjectId(ByteBuffer tail) {
        return tail.getLong(tail.limit() - ObjectFormat.FOOTER_BYTES);
    }

    /** The index's entries, from the last bytes of the object, at least {@link ObjectFooter#tailBytes()} of them. */
    public static List<BlockEntry> blocks(ObjectFooter footer, ByteBuffer tail) {
        int start = tail.limit() - (int) (footer.objectSizeBytes() - footer.indexPosition());
        return new IndexDecoder(footer, tail.slice(start, footer.blockCount() * ObjectFormat.INDEX_ENTRY_BYTES))
                .decode();
    }

    /** The trailers, from the last bytes of the object, at least {@link ObjectFooter#tailBytes()} of them. */
    public static List<SegmentTrailer> segments(ObjectFooter footer, ByteBuffer tail) {
        int start = tail.limit() - (int) footer.tailBytes();
        int trailerBytes = (int) (footer.indexPosition() - footer.trailersPosition());
        return new TrailerDecoder(footer, tail.slice(start, trailerBytes)).decode();
    }

    /** Checks that the trailers and the index of one object agree. */
    public static void checkAgreement(ObjectFooter footer, List<SegmentTrailer> segments, List<BlockEntry> blocks) {
        IndexDecoder.checkSegments(footer, segments, blocks);
    }

    /**
     * What a block's own header says, for an object whose index cannot be read.
     *
     * @param dataCrc CRC32C of the batches
     */
    public record FoundBlock(long streamId, long baseOffset, int dataBytes, int dataCrc) {}

    /** The block header at {@code at} in {@code bytes}; empty if there is none that verifies. */
    public static Optional<FoundBlock> blockHeader(ByteBuffer bytes, int at) {
        if (bytes.limit() - at < ObjectFormat.BLOCK_HEADER_BYTES || bytes.getInt(at) != ObjectFormat.BLOCK_MAGIC) {
            return Optional.empty();
        }
        boolean isSound = bytes.getInt(at + 28) == ObjectFormat.crc(bytes, at, 28) && bytes.getInt(at + 4) > 0;
        return isSound
                ? Optional.of(new FoundBlock(
                        bytes.getLong(at + 8), bytes.getLong(at + 16), bytes.getInt(at + 4), bytes.getInt(at + 24)))
                : Optional.empty();
    }
}
