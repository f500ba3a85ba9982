// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

/**
 * One data block as the index describes it.
 *
 * @param streamId the one stream whose batches it holds
 * @param baseOffset base offset of its first batch
 * @param endOffset offset after its last batch, exclusive
 * @param position byte address of the block's header in the object
 * @param sizeBytes bytes of header and batches
 * @param recordCount records in all its batches
 * @param maxTimestampMs greatest record timestamp, −1 if none
 * @param dataCrc CRC32C of the batches
 */
public record BlockEntry(
        long streamId,
        long baseOffset,
        long endOffset,
        long position,
        int sizeBytes,
        long recordCount,
        long maxTimestampMs,
        int dataCrc) {
    /** Byte address after the block. */
    public long endPosition() {
        return position + sizeBytes;
    }

    /** Bytes of the batches alone. */
    public int dataBytes() {
        return sizeBytes - ObjectFormat.BLOCK_HEADER_BYTES;
    }
}
