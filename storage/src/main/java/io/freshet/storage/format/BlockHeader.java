// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import java.nio.ByteBuffer;

/** The 32 bytes before a block's batches (byte table: {@link ObjectFormat}), and the check of a whole block. */
public final class BlockHeader {
    private static final int CRC_POSITION = 28;

    private BlockHeader() {}

    static void put(ByteBuffer target, BlockEntry entry) {
        int start = target.position();
        target.putInt(ObjectFormat.BLOCK_MAGIC)
                .putInt(entry.dataBytes())
                .putLong(entry.streamId())
                .putLong(entry.baseOffset())
                .putInt(entry.dataCrc());
        target.putInt(ObjectFormat.crc(target, start, CRC_POSITION));
    }

    /**
     * Checks a block that was read from an object: {@code block}'s position to limit are the block's header and batches,
     * left alone. Fails with CORRUPT, naming object, block and offset, if they are not the bytes that {@code entry}
     * describes.
     */
    public static void verify(long objectId, int blockNumber, BlockEntry entry, ByteBuffer block) {
        int start = block.position();
        if (block.remaining() != entry.sizeBytes()) {
            throw damaged(objectId, blockNumber, entry, block.remaining() + " bytes were read");
        }
        boolean isHeaderIntact = block.getInt(start) == ObjectFormat.BLOCK_MAGIC
                && block.getInt(start + 4) == entry.dataBytes()
                && block.getLong(start + 8) == entry.streamId()
                && block.getLong(start + 16) == entry.baseOffset()
                && block.getInt(start + 24) == entry.dataCrc()
                && block.getInt(start + CRC_POSITION) == ObjectFormat.crc(block, start, CRC_POSITION);
        if (!isHeaderIntact) {
            throw damaged(objectId, blockNumber, entry, "its header does not match the index");
        }
        int crc = ObjectFormat.crc(block, start + ObjectFormat.BLOCK_HEADER_BYTES, entry.dataBytes());
        if (crc != entry.dataCrc()) {
            throw damaged(
                    objectId,
                    blockNumber,
                    entry,
                    "its batches have CRC32C " + Integer.toHexString(crc) + " instead of "
                            + Integer.toHexString(entry.dataCrc()));
        }
    }

    private static RuntimeException damaged(long objectId, int blockNumber, BlockEntry entry, String how) {
        return ObjectFormat.corrupt(
                objectId,
                "block " + blockNumber + " at position " + entry.position() + " (" + entry.sizeBytes()
                        + " bytes, stream " + entry.streamId() + ", offsets " + entry.baseOffset() + " to "
                        + entry.endOffset() + ") is damaged: " + how);
    }
}
