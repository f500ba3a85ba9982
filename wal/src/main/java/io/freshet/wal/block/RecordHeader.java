// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.wal.WalEntry;
import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The header of one record inside a group; the payload follows at once, then zeros up to a multiple of 8. Big endian.
 *
 * <pre>
 *  at size
 *   0    4  magic "FWRC"
 *   4    4  CRC32C of bytes 8 to 55 and the payload
 *   8    8  LSN of this header
 *  16    8  stream id
 *  24    8  base offset (inclusive)
 *  32    8  end offset (exclusive)
 *  40    4  leader epoch
 *  44    4  payload length in bytes
 *  48    4  writer tag: CRC32C of the WAL's UUID and the group's generation
 *  52    4  zero
 * </pre>
 *
 * The writer tag keeps a record of a torn group from passing for one of a later group written over it: such a record can
 * have the right LSN and a right CRC, but never the later generation.
 */
final class RecordHeader {
    static final int SIZE_BYTES = 56;
    static final int MAGIC = 0x46575243;

    private RecordHeader() {}

    /** Bytes a record takes in its group. */
    static long spanBytes(int payloadSizeBytes) {
        return alignUp((long) SIZE_BYTES + payloadSizeBytes);
    }

    static long alignUp(long value) {
        return (value + 7) & ~7L;
    }

    static int writerTag(UUID walId, long generation) {
        ByteBuffer bytes = ByteBuffer.allocate(24);
        bytes.putLong(walId.getMostSignificantBits()).putLong(walId.getLeastSignificantBits());
        bytes.putLong(generation).flip();
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /** Puts the header into {@code target} (its own backing array) and leaves it ready to be read; consumes {@code payload}. */
    static void encode(WalEntry entry, long lsn, int writerTag, ByteBuffer payload, ByteBuffer target, CRC32C crc) {
        target.clear();
        target.putInt(MAGIC).putInt(0).putLong(lsn).putLong(entry.streamId());
        target.putLong(entry.baseOffset()).putLong(entry.endOffset());
        target.putInt(entry.leaderEpoch())
                .putInt(payload.remaining())
                .putInt(writerTag)
                .putInt(0);
        crc.reset();
        crc.update(target.array(), 8, SIZE_BYTES - 8);
        crc.update(payload);
        target.putInt(4, (int) crc.getValue());
        target.flip();
    }

    /**
     * Payload length of the record header at {@code at} if it is one of this LSN and writer and ends within
     * {@code roomBytes}; otherwise -1. The checksum is not looked at yet.
     */
    static int payloadLength(ByteBuffer source, int at, long lsn, int writerTag, long roomBytes) {
        int length = source.getInt(at + 44);
        boolean fits = length >= 0 && SIZE_BYTES + (long) length <= roomBytes;
        boolean matches = source.getInt(at) == MAGIC
                && source.getLong(at + 8) == lsn
                && source.getInt(at + 48) == writerTag
                && source.getInt(at + 52) == 0;
        return fits && matches ? length : -1;
    }

    /** Whether header and payload at {@code at} match their checksum. */
    static boolean verifies(ByteBuffer source, int at, int payloadLength, CRC32C crc) {
        crc.reset();
        crc.update(source.slice(at + 8, SIZE_BYTES - 8 + payloadLength));
        return source.getInt(at + 4) == (int) crc.getValue();
    }
}
