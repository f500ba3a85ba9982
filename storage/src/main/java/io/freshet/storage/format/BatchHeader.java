// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.ByteBuffer;

/**
 * The fixed fields of a Kafka v2 record batch, read in place (source: the record batch section of Kafka's protocol guide).
 *
 * <pre>
 * position size field
 *        0    8 base offset
 *        8    4 batch length: bytes after this field
 *       12    4 partition leader epoch
 *       16    1 magic (2)
 *       17    4 CRC32C of everything from position 21 on
 *       21    2 attributes
 *       23    4 last offset delta
 *       27    8 base timestamp
 *       35    8 max timestamp
 *       43    8 producer id
 *       51    2 producer epoch
 *       53    4 base sequence
 *       57    4 record count
 *       61    … records
 * </pre>
 *
 * All methods take the batch's first position in {@code buffer} and leave the buffer's own position alone.
 */
public final class BatchHeader {
    /** Bytes before the first record. */
    public static final int HEADER_BYTES = 61;
    /** Bytes up to and including the length field. */
    public static final int LENGTH_PREFIX_BYTES = 12;

    private static final int DELETE_HORIZON_FLAG = 1 << 6;

    private BatchHeader() {}

    public static long baseOffset(ByteBuffer buffer, int position) {
        return buffer.getLong(position);
    }

    /** Offset after the batch's last record. */
    public static long endOffset(ByteBuffer buffer, int position) {
        return buffer.getLong(position) + buffer.getInt(position + 23) + 1;
    }

    /** Size of the whole batch in bytes. Fails with CORRUPT if it does not lie within the buffer's limit. */
    public static int sizeBytes(ByteBuffer buffer, int position) {
        int available = buffer.limit() - position;
        int length = available >= HEADER_BYTES ? buffer.getInt(position + 8) : -1;
        if (length < HEADER_BYTES - LENGTH_PREFIX_BYTES || length > available - LENGTH_PREFIX_BYTES) {
            throw new FreshetException(
                    ErrorKind.CORRUPT,
                    "Record batch at position " + position + " claims " + length + " bytes, " + available
                            + " are left; the bytes are damaged or cut off");
        }
        return LENGTH_PREFIX_BYTES + length;
    }

    public static int leaderEpoch(ByteBuffer buffer, int position) {
        return buffer.getInt(position + 12);
    }

    public static byte magic(ByteBuffer buffer, int position) {
        return buffer.get(position + 16);
    }

    /** What the records' timestamps are counted from. */
    public static long baseTimestampMs(ByteBuffer buffer, int position) {
        return buffer.getLong(position + 27);
    }

    /**
     * Timestamp of the batch's first record as it was written; −1 when that is not known any more: key compaction puts the time
     * at which a batch's tombstones may go in its place.
     */
    public static long firstTimestampMs(ByteBuffer buffer, int position) {
        boolean isDeleteHorizon = (buffer.getShort(position + 21) & DELETE_HORIZON_FLAG) != 0;
        return isDeleteHorizon ? -1 : baseTimestampMs(buffer, position);
    }

    /** Greatest timestamp of the batch's records; −1 if it has none, as key compaction may leave it. */
    public static long maxTimestampMs(ByteBuffer buffer, int position) {
        return recordCount(buffer, position) == 0 ? -1 : buffer.getLong(position + 35);
    }

    public static int recordCount(ByteBuffer buffer, int position) {
        return buffer.getInt(position + 57);
    }
}
