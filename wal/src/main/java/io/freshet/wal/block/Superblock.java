// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What must be known before the ring can be read. Two copies, at 0 and 4096; the valid one with the higher sequence
 * number counts. Big endian; all fields lie in the first 512 bytes, the rest is zero.
 *
 * <pre>
 *  at size
 *   0    8  magic "FRSHTWAL"
 *   8    4  format version, 1
 *  12    4  CRC32C of bytes 0 to 11, then 16 to 4095
 *  16   16  UUID of the WAL
 *  32    8  sequence number of this superblock
 *  40    8  ring size in bytes
 *  48    8  start LSN: recovery returns no record below it
 *  56    8  first group LSN: where recovery starts to read; space below it is free
 *  64    8  durable LSN: the log is known to reach at least this far
 *  72    8  clean end LSN: the log ends exactly here since it was closed; -1 while it is open
 *  80    8  generation: counts the openings; groups carry it
 *  88    8  broker epoch of the owner
 *  96    4  broker id of the owner
 * </pre>
 */
record Superblock(
        UUID walId,
        long sequence,
        long ringSizeBytes,
        long startLsn,
        long firstGroupLsn,
        long durableLsn,
        long cleanEndLsn,
        long generation,
        long brokerEpoch,
        int brokerId) {
    static final long MAGIC = 0x465253485457414CL;
    static final int VERSION = 1;
    static final long NOT_CLEAN = -1;

    /** The first superblock of a WAL with an empty log. */
    static Superblock first(UUID walId, long ringSizeBytes, BlockWalConfig config) {
        return new Superblock(walId, 0, ringSizeBytes, 0, 0, 0, NOT_CLEAN, 0, config.brokerEpoch(), config.brokerId());
    }

    Superblock withSequence(long newSequence) {
        return new Superblock(
                walId,
                newSequence,
                ringSizeBytes,
                startLsn,
                firstGroupLsn,
                durableLsn,
                cleanEndLsn,
                generation,
                brokerEpoch,
                brokerId);
    }

    /** The state of the log as far as a superblock holds it. */
    Superblock withLog(long newStartLsn, long newFirstGroupLsn, long newDurableLsn, boolean clean) {
        return new Superblock(
                walId,
                sequence,
                ringSizeBytes,
                newStartLsn,
                newFirstGroupLsn,
                newDurableLsn,
                clean ? newDurableLsn : NOT_CLEAN,
                generation,
                brokerEpoch,
                brokerId);
    }

    /** A new opening of the WAL whose log ends at {@code endLsn}. */
    Superblock opened(long endLsn, long newBrokerEpoch) {
        return new Superblock(
                walId,
                sequence,
                ringSizeBytes,
                startLsn,
                firstGroupLsn,
                endLsn,
                NOT_CLEAN,
                generation + 1,
                newBrokerEpoch,
                brokerId);
    }

    void encode(ByteBuffer target) {
        target.clear();
        target.putLong(MAGIC).putInt(VERSION).putInt(0);
        target.putLong(walId.getMostSignificantBits()).putLong(walId.getLeastSignificantBits());
        target.putLong(sequence).putLong(ringSizeBytes).putLong(startLsn).putLong(firstGroupLsn);
        target.putLong(durableLsn).putLong(cleanEndLsn).putLong(generation).putLong(brokerEpoch);
        target.putInt(brokerId);
        while (target.hasRemaining()) {
            target.put((byte) 0);
        }
        target.putInt(12, checksum(target));
        target.flip();
    }

    /** The superblock in {@code source}, or null if the bytes do not verify. A newer format version is INVALID. */
    static @Nullable Superblock decode(ByteBuffer source) {
        if (source.getLong(0) != MAGIC || source.getInt(12) != checksum(source)) {
            return null;
        }
        int version = source.getInt(8);
        if (version != VERSION) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "The WAL has format version " + version + ", this program knows version " + VERSION
                            + ": start the version of Freshet that wrote it");
        }
        return new Superblock(
                new UUID(source.getLong(16), source.getLong(24)),
                source.getLong(32),
                source.getLong(40),
                source.getLong(48),
                source.getLong(56),
                source.getLong(64),
                source.getLong(72),
                source.getLong(80),
                source.getLong(88),
                source.getInt(96));
    }

    private static int checksum(ByteBuffer block) {
        CRC32C crc = new CRC32C();
        crc.update(block.slice(0, 12));
        crc.update(block.slice(16, RingGeometry.BLOCK_BYTES - 16));
        return (int) crc.getValue();
    }
}
