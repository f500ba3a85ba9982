// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Object format, version 1. All integers are big-endian; offsets and positions are absolute.
 *
 * <pre>
 * object = header, data block*, trailer*, index entry*, footer      nothing between them
 *
 * header, 32 bytes                        data block, 32 bytes + batches
 *  0 8 magic "FRESHET1"                    0 4 magic "FBLK"
 *  8 4 version (1)                         4 4 length of the batches in bytes
 * 12 4 writer's broker id                  8 8 stream id
 * 16 8 object id                          16 8 base offset of the first batch
 * 24 4 slot tag; 0 unless a WAL slot       24 4 CRC32C of the batches
 * 28 4 CRC32C of bytes 0 to 27            28 4 CRC32C of bytes 0 to 27
 *                                         32 … whole Kafka record batches of one stream, as received
 *
 * trailer, one per segment, sorted by stream id and start offset
 *  0 8 stream id                          48 8 least base timestamp, −1 if none
 *  8 8 segment's start offset             56 8 greatest timestamp, −1 if none
 * 16 8 segment's end offset, exclusive    64 4 number of leader-epoch starts, e
 * 24 8 checkpoint's end offset            68 4 number of aborted transactions, a
 * 32 8 bytes of record batches            72 4 length of the producer state, p
 * 40 4 number of the first block          76 e × { 4 leader epoch, 8 start offset }
 * 44 4 number of blocks                    … a × { 8 producer id, 8 first, 8 last, 8 last stable offset }
 *                                          … p bytes of producer state
 *
 * index entry, 56 bytes, one per block, sorted by stream id and base offset, which is also the order of positions
 *  0 8 stream id                          32 8 records
 *  8 8 base offset                        40 8 greatest timestamp, −1 if none
 * 16 8 end offset, exclusive              48 4 length with header in bytes
 * 24 8 position of the block's header     52 4 CRC32C of the batches
 *
 * footer, 68 bytes
 *  0 8 object id                          40 4 number of blocks
 *  8 4 writer's broker id                 44 4 number of segments
 * 12 4 version (1)                        48 4 CRC32C of the trailers
 * 16 8 size of the whole object           52 4 CRC32C of the index
 * 24 8 position of the first trailer      56 4 CRC32C of bytes 0 to 55
 * 32 8 position of the index              60 8 magic "1TEHSERF"
 * </pre>
 *
 * Trailers, index and footer lie together at the end, so that one ranged read of the tail opens an object.
 */
public final class ObjectFormat {
    public static final int VERSION = 1;
    public static final int HEADER_BYTES = 32;
    public static final int BLOCK_HEADER_BYTES = 32;
    public static final int INDEX_ENTRY_BYTES = 56;
    public static final int FOOTER_BYTES = 68;
    /** Least and greatest target size of a data block. */
    public static final int MIN_BLOCK_TARGET_BYTES = 4 << 10;

    public static final int MAX_BLOCK_TARGET_BYTES = 16 << 20;
    /** Target size of a data block where nothing else is configured; a larger batch makes a larger block. */
    public static final int DEFAULT_BLOCK_TARGET_BYTES = 1 << 20;

    static final long HEADER_MAGIC = 0x4652455348455431L;
    static final int BLOCK_MAGIC = 0x46424C4B;
    static final long FOOTER_MAGIC = 0x3154454853455246L;
    static final int TRAILER_FIXED_BYTES = 76;
    static final int EPOCH_START_BYTES = 12;
    static final int ABORTED_TRANSACTION_BYTES = 32;

    private ObjectFormat() {}

    /** CRC32C of {@code lengthBytes} from {@code position}; leaves the buffer's own position alone. */
    static int crc(ByteBuffer buffer, int position, int lengthBytes) {
        CRC32C crc = new CRC32C();
        crc.update(buffer.slice(position, lengthBytes));
        return (int) crc.getValue();
    }

    static FreshetException corrupt(long objectId, String where) {
        return new FreshetException(
                ErrorKind.CORRUPT,
                "Object " + objectId + ": " + where
                        + ". Keep the object, check the store, and run fsck to see what it covers");
    }
}
