// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import java.nio.ByteBuffer;

/**
 * The last {@link ObjectFormat#FOOTER_BYTES} bytes of an object (byte table: {@link ObjectFormat}).
 *
 * @param objectId the object
 * @param brokerId its writer
 * @param objectSizeBytes size of the whole object
 * @param trailersPosition where the trailers begin: the end of the data blocks
 * @param indexPosition where the index begins
 * @param blockCount blocks in the object
 * @param segmentCount segments in the object
 * @param trailersCrc CRC32C of the trailers
 * @param indexCrc CRC32C of the index
 */
public record ObjectFooter(
        long objectId,
        int brokerId,
        long objectSizeBytes,
        long trailersPosition,
        long indexPosition,
        int blockCount,
        int segmentCount,
        int trailersCrc,
        int indexCrc) {
    private static final int CRC_POSITION = 56;

    void put(ByteBuffer target) {
        int start = target.position();
        target.putLong(objectId)
                .putInt(brokerId)
                .putInt(ObjectFormat.VERSION)
                .putLong(objectSizeBytes)
                .putLong(trailersPosition)
                .putLong(indexPosition)
                .putInt(blockCount)
                .putInt(segmentCount)
                .putInt(trailersCrc)
                .putInt(indexCrc);
        target.putInt(ObjectFormat.crc(target, start, CRC_POSITION)).putLong(ObjectFormat.FOOTER_MAGIC);
    }

    /** Bytes of trailers, index and footer. */
    public long tailBytes() {
        return objectSizeBytes - trailersPosition;
    }

    /**
     * Reads the footer at the end of {@code tail}, the last bytes of an object of {@code actualSizeBytes}. Fails with
     * CORRUPT if it does not verify, or does not fit the object.
     */
    public static ObjectFooter decode(long objectId, long actualSizeBytes, ByteBuffer tail) {
        int start = tail.limit() - ObjectFormat.FOOTER_BYTES;
        if (start < tail.position()) {
            throw damaged(objectId, actualSizeBytes, "only " + tail.remaining() + " bytes are there");
        }
        if (tail.getLong(start + 60) != ObjectFormat.FOOTER_MAGIC) {
            throw damaged(objectId, actualSizeBytes, "its magic is missing; the object is cut off or is none of ours");
        }
        if (tail.getInt(start + CRC_POSITION) != ObjectFormat.crc(tail, start, CRC_POSITION)) {
            throw damaged(objectId, actualSizeBytes, "its CRC32C does not match");
        }
        int version = tail.getInt(start + 12);
        if (version != ObjectFormat.VERSION) {
            throw damaged(objectId, actualSizeBytes, "version " + version + " is unknown to this program");
        }
        ObjectFooter footer = new ObjectFooter(
                tail.getLong(start),
                tail.getInt(start + 8),
                tail.getLong(start + 16),
                tail.getLong(start + 24),
                tail.getLong(start + 32),
                tail.getInt(start + 40),
                tail.getInt(start + 44),
                tail.getInt(start + 48),
                tail.getInt(start + 52));
        footer.check(objectId, actualSizeBytes);
        return footer;
    }

    private void check(long expectedObjectId, long actualSizeBytes) {
        if (objectId != expectedObjectId) {
            throw damaged(expectedObjectId, actualSizeBytes, "it belongs to object " + objectId);
        }
        if (objectSizeBytes != actualSizeBytes) {
            throw damaged(expectedObjectId, actualSizeBytes, "it was written for " + objectSizeBytes + " bytes");
        }
        long footerPosition = objectSizeBytes - ObjectFormat.FOOTER_BYTES;
        boolean isOrdered = trailersPosition >= ObjectFormat.HEADER_BYTES
                && indexPosition >= trailersPosition
                && indexPosition <= footerPosition;
        boolean isCounted = blockCount >= 0
                && segmentCount >= 0
                && footerPosition - indexPosition == (long) blockCount * ObjectFormat.INDEX_ENTRY_BYTES
                && (long) segmentCount * ObjectFormat.TRAILER_FIXED_BYTES <= indexPosition - trailersPosition;
        if (!isOrdered || !isCounted) {
            throw damaged(expectedObjectId, actualSizeBytes, "its positions and counts contradict each other: " + this);
        }
    }

    private static RuntimeException damaged(long objectId, long actualSizeBytes, String how) {
        return ObjectFormat.corrupt(
                objectId,
                "footer at position " + Math.max(0, actualSizeBytes - ObjectFormat.FOOTER_BYTES) + " of "
                        + actualSizeBytes + " bytes is damaged: " + how);
    }
}
