// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.wal.WriteAheadLog.RecoveryVisitor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Walks the groups from the superblock's first group LSN and hands each record to the visitor, until something does not
 * verify. Only one group is ever in flight, so what does not verify is a torn tail exactly if no group follows it: then
 * the log ends after the last whole record. If a group follows, or the log is known to reach further, acknowledged
 * records were damaged, and recovery refuses rather than skip them.
 *
 * <p>A group of which only the first records verify is cut there. The next opening writes on at the following multiple of
 * 4096, inside the cut group's length; its first group carries a higher generation and, as previous end, the place of the
 * cut, by which later recoveries tell a cut from damage. Used by the opener's thread.
 */
final class RingRecovery {
    private static final Logger LOG = LoggerFactory.getLogger(RingRecovery.class);

    private final BlockDevice device;
    private final Superblock superblock;
    private final RingGeometry geometry;
    private final RecoveryVisitor visitor;
    private final RingReader reader;
    private final GroupStarts groupStarts;
    private final long limitLsn;
    private final CRC32C crc = new CRC32C();
    private long nextGroupLsn;
    private long lastRecordEndLsn;
    private long minGeneration;
    private long recordCount;
    private int writerTag;
    private long writerTagGeneration = -1;

    RingRecovery(BlockDevice device, Superblock superblock, RecoveryVisitor visitor) {
        this.device = device;
        this.superblock = superblock;
        this.geometry = new RingGeometry(superblock.ringSizeBytes());
        this.visitor = visitor;
        this.reader = new RingReader(device, geometry);
        this.groupStarts = new GroupStarts(superblock.firstGroupLsn(), superblock.ringSizeBytes());
        this.limitLsn = superblock.firstGroupLsn() + superblock.ringSizeBytes();
        this.nextGroupLsn = superblock.firstGroupLsn();
        this.lastRecordEndLsn = superblock.firstGroupLsn();
    }

    RecoveredRing run() throws IOException {
        boolean isAtTail = false;
        while (!isAtTail) {
            GroupHeader header = header(nextGroupLsn);
            isAtTail = header == null || !readGroup(header);
        }
        requireTail();
        return new RecoveredRing(nextGroupLsn, lastRecordEndLsn, groupStarts, recordCount);
    }

    private @Nullable GroupHeader header(long lsn) throws IOException {
        if (lsn + RingGeometry.BLOCK_BYTES > limitLsn) {
            return null;
        }
        int at = reader.load(lsn, RingGeometry.BLOCK_BYTES);
        return GroupHeader.decode(superblock.walId(), lsn, reader.window(), at, crc);
    }

    /** Whether at least one record of the group verified, so that another group may follow. */
    private boolean readGroup(GroupHeader header) throws IOException {
        requireContinues(header);
        long lsn = header.lsn() + GroupHeader.SIZE_BYTES;
        long groupEndLsn = header.lsn() + header.lengthBytes();
        int verified = 0;
        while (verified < header.recordCount()) {
            long spanBytes = readRecord(header, lsn, groupEndLsn);
            if (spanBytes < 0) {
                break;
            }
            lsn += spanBytes;
            verified++;
        }
        if (verified < header.recordCount()) {
            LOG.warn(
                    "The WAL {} holds an incomplete group at LSN {}: {} of {} records verify",
                    device.description(),
                    header.lsn(),
                    verified,
                    header.recordCount());
        }
        if (verified == 0) {
            return false;
        }
        groupStarts.add(header.lsn());
        boolean isWhole = verified == header.recordCount();
        nextGroupLsn = isWhole ? groupEndLsn : RingGeometry.alignUp(lastRecordEndLsn);
        minGeneration = isWhole ? header.generation() : header.generation() + 1;
        return true;
    }

    private void requireContinues(GroupHeader header) {
        boolean isFirst = header.lsn() == superblock.firstGroupLsn();
        boolean isSane = header.recordCount() > 0
                && header.lengthBytes() >= RingGeometry.BLOCK_BYTES
                && header.lengthBytes() % RingGeometry.BLOCK_BYTES == 0
                && header.lsn() + header.lengthBytes() <= limitLsn;
        boolean continues = isFirst || header.previousEndLsn() == lastRecordEndLsn;
        if (!isSane
                || !continues
                || header.generation() < minGeneration
                || header.generation() > superblock.generation()) {
            throw corrupt(
                    nextGroupLsn,
                    "the group there says that the records before it end at LSN " + header.previousEndLsn()
                            + " (generation " + header.generation() + "), but they verify only up to LSN "
                            + lastRecordEndLsn);
        }
    }

    /** Bytes the record at {@code lsn} takes, or -1 if it does not verify. */
    private long readRecord(GroupHeader header, long lsn, long groupEndLsn) throws IOException {
        if (lsn + RecordHeader.SIZE_BYTES > groupEndLsn) {
            return -1;
        }
        int at = reader.load(lsn, RecordHeader.SIZE_BYTES);
        int length =
                RecordHeader.payloadLength(reader.window(), at, lsn, writerTag(header.generation()), groupEndLsn - lsn);
        if (length < 0) {
            return -1;
        }
        at = reader.load(lsn, RecordHeader.SIZE_BYTES + length);
        ByteBuffer window = reader.window();
        if (!RecordHeader.verifies(window, at, length, crc)) {
            return -1;
        }
        if (lsn >= superblock.startLsn()) {
            visitor.record(
                    lsn,
                    window.getLong(at + 16),
                    window.getInt(at + 40),
                    window.getLong(at + 24),
                    window.getLong(at + 32),
                    window.slice(at + RecordHeader.SIZE_BYTES, length).asReadOnlyBuffer());
            recordCount++;
        }
        lastRecordEndLsn = lsn + RecordHeader.SIZE_BYTES + length;
        return RecordHeader.spanBytes(length);
    }

    private int writerTag(long generation) {
        if (generation != writerTagGeneration) {
            writerTag = RecordHeader.writerTag(superblock.walId(), generation);
            writerTagGeneration = generation;
        }
        return writerTag;
    }

    /** Refuses unless the log may really end at {@link #nextGroupLsn}. */
    private void requireTail() throws IOException {
        if (nextGroupLsn < superblock.durableLsn()) {
            throw corrupt(nextGroupLsn, "the log is known to reach LSN " + superblock.durableLsn());
        }
        if (nextGroupLsn == superblock.cleanEndLsn()) {
            return;
        }
        for (long lsn = nextGroupLsn + RingGeometry.BLOCK_BYTES; lsn < limitLsn; lsn += RingGeometry.BLOCK_BYTES) {
            GroupHeader later = header(lsn);
            if (later != null) {
                throw corrupt(nextGroupLsn, "a whole group header follows at LSN " + lsn);
            }
        }
    }

    private FreshetException corrupt(long lsn, String evidence) {
        return new FreshetException(
                ErrorKind.CORRUPT,
                "The WAL " + device.description() + " is damaged at position " + geometry.position(lsn) + " (LSN " + lsn
                        + "; the last record that verifies ends at LSN " + lastRecordEndLsn + "): " + evidence
                        + ", so acknowledged records are missing. Nothing was changed. Restore it from an intact copy of"
                        + " the volume; or, to give up what it holds that was not uploaded, keep a copy, move it aside and"
                        + " start with an empty WAL");
    }
}
