// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/** A block WAL as docs/formats.md describes it: its records, from the start LSN on. Shares no code with the product. */
final class WalFile {
    private static final int BLOCK_BYTES = 4096;
    private static final int GROUP_HEADER_BYTES = 64;
    private static final int RECORD_HEADER_BYTES = 56;

    /** One record of the log. */
    record Entry(long lsn, long streamId, int leaderEpoch, ByteBuffer payload) {}

    private WalFile() {}

    /** The records that recovery has to find. */
    static List<Entry> read(byte[] device) {
        ByteBuffer bytes = ByteBuffer.wrap(device);
        int superblock = newestSuperblock(bytes);
        List<Entry> found = new ArrayList<>();
        if (superblock < 0) {
            return found;
        }
        long ringBytes = bytes.getLong(superblock + 40);
        long startLsn = bytes.getLong(superblock + 48);
        long lsn = bytes.getLong(superblock + 56);
        long limit = lsn + ringBytes;
        boolean goesOn = true;
        while (goesOn && lsn + BLOCK_BYTES <= limit) {
            ByteBuffer group = ring(bytes, lsn, BLOCK_BYTES, ringBytes);
            goesOn = group.getInt(0) == 0x46574750
                    && group.getLong(8) == lsn
                    && group.getInt(4) == crc(group, 8, 56)
                    && group.getLong(40) == bytes.getLong(superblock + 16);
            if (goesOn) {
                lsn = readGroup(bytes, lsn, ringBytes, startLsn, found);
            }
        }
        return found;
    }

    /** LSN of the next group. */
    private static long readGroup(ByteBuffer bytes, long lsn, long ringBytes, long startLsn, List<Entry> found) {
        ByteBuffer header = ring(bytes, lsn, GROUP_HEADER_BYTES, ringBytes);
        int length = header.getInt(16);
        int count = header.getInt(20);
        ByteBuffer group = ring(bytes, lsn, length, ringBytes);
        int at = GROUP_HEADER_BYTES;
        for (int i = 0; i < count; i++) {
            boolean verifies = at + RECORD_HEADER_BYTES <= length
                    && group.getInt(at) == 0x46575243
                    && group.getLong(at + 8) == lsn + at
                    && group.getInt(at + 44) >= 0
                    && at + RECORD_HEADER_BYTES + group.getInt(at + 44) <= length
                    && group.getInt(at + 4) == crc(group, at + 8, 48 + group.getInt(at + 44));
            if (!verifies) {
                return lsn + (at + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
            }
            int payloadBytes = group.getInt(at + 44);
            if (lsn + at >= startLsn) {
                found.add(new Entry(
                        lsn + at,
                        group.getLong(at + 16),
                        group.getInt(at + 40),
                        group.slice(at + RECORD_HEADER_BYTES, payloadBytes)));
            }
            at += (RECORD_HEADER_BYTES + payloadBytes + 7) / 8 * 8;
        }
        return lsn + length;
    }

    private static int newestSuperblock(ByteBuffer bytes) {
        int newest = -1;
        for (int at = 0; at <= BLOCK_BYTES; at += BLOCK_BYTES) {
            CRC32C crc = new CRC32C();
            crc.update(bytes.slice(at, 12));
            crc.update(bytes.slice(at + 16, BLOCK_BYTES - 16));
            boolean isValid = bytes.getInt(at) == 0x46525348 && (int) crc.getValue() == bytes.getInt(at + 12);
            if (isValid && (newest < 0 || bytes.getLong(at + 32) > bytes.getLong(newest + 32))) {
                newest = at;
            }
        }
        return newest;
    }

    private static ByteBuffer ring(ByteBuffer bytes, long lsn, int length, long ringBytes) {
        byte[] copy = new byte[length];
        int from = (int) (lsn % ringBytes);
        int first = (int) Math.min(length, ringBytes - from);
        bytes.get(2 * BLOCK_BYTES + from, copy, 0, first);
        bytes.get(2 * BLOCK_BYTES, copy, first, length - first);
        return ByteBuffer.wrap(copy);
    }

    private static int crc(ByteBuffer bytes, int at, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.slice(at, length));
        return (int) crc.getValue();
    }
}
