// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The header of one group: what one device write makes durable. A group starts at a multiple of 4096 and holds its
 * header, then records ({@link RecordHeader}) at multiples of 8, then zeros up to its length. Big endian.
 *
 * <pre>
 *  at size
 *   0    4  magic "FWGP"
 *   4    4  CRC32C of bytes 8 to 63
 *   8    8  LSN of this header
 *  16    4  length in bytes, a multiple of 4096
 *  20    4  record count, 1 or more
 *  24    8  generation: which opening of the WAL wrote this
 *  32    8  previous end: LSN after the last record before this group (its own LSN when the log was empty at opening)
 *  40   16  UUID of the WAL
 *  56    8  zero
 * </pre>
 */
record GroupHeader(long lsn, int lengthBytes, int recordCount, long generation, long previousEndLsn) {
    static final int SIZE_BYTES = 64;
    static final int MAGIC = 0x46574750;

    /** Puts the header at the start of {@code target} and leaves it ready to be read. */
    void encode(UUID walId, ByteBuffer target, CRC32C crc) {
        target.clear();
        target.putInt(MAGIC).putInt(0).putLong(lsn).putInt(lengthBytes).putInt(recordCount);
        target.putLong(generation).putLong(previousEndLsn);
        target.putLong(walId.getMostSignificantBits()).putLong(walId.getLeastSignificantBits());
        target.putLong(0);
        target.putInt(4, checksum(target, 0, crc));
        target.flip();
    }

    /**
     * The header at {@code at}, or null if the bytes there are not a whole header of this WAL for exactly this LSN: never
     * written, torn, damaged, or left over from an earlier lap.
     */
    static @Nullable GroupHeader decode(UUID walId, long lsn, ByteBuffer source, int at, CRC32C crc) {
        if (source.getInt(at) != MAGIC
                || source.getLong(at + 8) != lsn
                || source.getInt(at + 4) != checksum(source, at, crc)
                || source.getLong(at + 40) != walId.getMostSignificantBits()
                || source.getLong(at + 48) != walId.getLeastSignificantBits()) {
            return null;
        }
        return new GroupHeader(
                lsn, source.getInt(at + 16), source.getInt(at + 20), source.getLong(at + 24), source.getLong(at + 32));
    }

    private static int checksum(ByteBuffer source, int at, CRC32C crc) {
        crc.reset();
        crc.update(source.slice(at + 8, SIZE_BYTES - 8));
        return (int) crc.getValue();
    }
}
