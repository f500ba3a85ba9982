// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

import io.freshet.common.FreshetException;
import io.freshet.storage.format.BatchHeader;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.ObjectFormat;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;

/** Goes through the batches of one block and checks each: shape, offsets, Kafka's own CRC. Used by one thread. */
final class BatchWalk {
    private static final int CRC_FIELD = 17;
    private static final int CRC_FROM = 21;
    private static final String[] CODECS = {"none", "gzip", "snappy", "lz4", "zstd"};

    private final int number;
    private final BlockEntry entry;
    private final ByteBuffer block;
    private final List<Damage> damages;
    private long nextOffset;
    private long records;
    private long maxTimestampMs = -1;

    /** {@code block} is header and batches; damages are added to {@code damages}. */
    BatchWalk(int number, BlockEntry entry, ByteBuffer block, List<Damage> damages) {
        this.number = number;
        this.entry = entry;
        this.block = block.slice();
        this.damages = damages;
        this.nextOffset = entry.baseOffset();
    }

    long endOffset() {
        return nextOffset;
    }

    long records() {
        return records;
    }

    long maxTimestampMs() {
        return maxTimestampMs;
    }

    /** Visits every batch that can be told apart; stops at the first one that cannot. */
    void walk(BatchVisitor visitor) {
        int at = ObjectFormat.BLOCK_HEADER_BYTES;
        while (at < block.limit()) {
            int size;
            try {
                size = BatchHeader.sizeBytes(block, at);
            } catch (FreshetException e) {
                damage(
                        at,
                        "the batch has an impossible length (" + block.getInt(Math.min(at + 8, block.limit() - 4))
                                + "), " + (block.limit() - at)
                                + " bytes are left; what follows in this block is not shown");
                return;
            }
            visitor.visit(number, check(at, size));
            at += size;
        }
    }

    private BatchSummary check(int at, int size) {
        long baseOffset = BatchHeader.baseOffset(block, at);
        long endOffset = BatchHeader.endOffset(block, at);
        if (BatchHeader.magic(block, at) != 2) {
            damage(at, "the batch has magic " + BatchHeader.magic(block, at) + " instead of 2");
        }
        boolean isInside = baseOffset >= nextOffset && endOffset > baseOffset && endOffset <= entry.endOffset();
        if (!isInside) {
            damage(
                    at,
                    "the batch claims offsets " + baseOffset + " to " + endOffset + ", where " + nextOffset + " to "
                            + entry.endOffset() + " were due");
        }
        int stored = block.getInt(at + CRC_FIELD);
        CRC32C crc = new CRC32C();
        crc.update(block.slice(at + CRC_FROM, size - CRC_FROM));
        boolean isCrcRight = stored == (int) crc.getValue();
        if (!isCrcRight) {
            damage(
                    at,
                    "the batch at offset " + baseOffset + " has Kafka CRC32C "
                            + Integer.toHexString((int) crc.getValue()) + " instead of " + Integer.toHexString(stored));
        }
        nextOffset = Math.max(nextOffset, endOffset);
        records += BatchHeader.recordCount(block, at);
        maxTimestampMs = Math.max(maxTimestampMs, BatchHeader.maxTimestampMs(block, at));
        return summary(at, size, isCrcRight);
    }

    private BatchSummary summary(int at, int size, boolean isCrcRight) {
        int attributes = block.getShort(at + 21);
        int codec = attributes & 7;
        return new BatchSummary(
                entry.position() + at,
                size,
                BatchHeader.baseOffset(block, at),
                BatchHeader.endOffset(block, at),
                BatchHeader.recordCount(block, at),
                BatchHeader.baseTimestampMs(block, at),
                BatchHeader.maxTimestampMs(block, at),
                BatchHeader.leaderEpoch(block, at),
                codec < CODECS.length ? CODECS[codec] : "unknown " + codec,
                block.getLong(at + 43),
                block.getShort(at + 51),
                block.getInt(at + 53),
                (attributes & 0x10) != 0,
                (attributes & 0x20) != 0,
                isCrcRight);
    }

    private void damage(int at, String message) {
        damages.add(new Damage("batch", entry.position() + at, "block " + number + ": " + message));
    }
}
