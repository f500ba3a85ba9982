// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.wal.WalEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * Writes groups: copies each payload once into an aligned staging buffer and writes that, with one device write for a
 * group that fits the buffer (two where the ring wraps). A larger group, which is always one large record, goes through
 * the buffer piece by piece. Used by the lane's thread only.
 */
final class GroupWriter {
    private final BlockDevice device;
    private final RingGeometry geometry;
    private final UUID walId;
    private final long generation;
    private final int writerTag;
    private final ByteBuffer staging;
    private final ByteBuffer groupHeader = ByteBuffer.allocate(GroupHeader.SIZE_BYTES);
    private final ByteBuffer recordHeader = ByteBuffer.allocate(RecordHeader.SIZE_BYTES);
    private final CRC32C crc = new CRC32C();
    private long stagedLsn;
    private long lastRecordEndLsn;

    GroupWriter(BlockDevice device, RingGeometry geometry, UUID walId, long generation, int stagingBytes) {
        this.device = device;
        this.geometry = geometry;
        this.walId = walId;
        this.generation = generation;
        this.writerTag = RecordHeader.writerTag(walId, generation);
        this.staging = RingGeometry.alignedBuffer(stagingBytes);
    }

    /**
     * Makes {@code entries} durable as one group at {@code lsn} that takes {@code lengthBytes}; {@code recordLsns} receives
     * where each record lies.
     *
     * @return LSN after the last record
     */
    long write(long lsn, int lengthBytes, long previousEndLsn, List<WalEntry> entries, long[] recordLsns)
            throws IOException {
        staging.clear();
        stagedLsn = lsn;
        new GroupHeader(lsn, lengthBytes, entries.size(), generation, previousEndLsn).encode(walId, groupHeader, crc);
        stage(groupHeader);
        long recordLsn = lsn + GroupHeader.SIZE_BYTES;
        for (int i = 0; i < entries.size(); i++) {
            recordLsns[i] = recordLsn;
            recordLsn += stageRecord(entries.get(i), recordLsn);
        }
        stageZeros((int) (lsn + lengthBytes - recordLsn));
        flush();
        if (stagedLsn != lsn + lengthBytes) {
            throw new FreshetException(
                    ErrorKind.INTERNAL,
                    "A WAL group at LSN " + lsn + " should end at " + (lsn + lengthBytes) + " but ended at "
                            + stagedLsn);
        }
        return lastRecordEndLsn;
    }

    private long stageRecord(WalEntry entry, long recordLsn) throws IOException {
        ByteBuffer payload = entry.payload();
        int start = payload.position();
        int length = payload.remaining();
        if (length != entry.payloadSizeBytes()) {
            throw new FreshetException(
                    ErrorKind.INTERNAL,
                    "A WAL entry of stream " + entry.streamId() + " at offset " + entry.baseOffset() + " announced "
                            + entry.payloadSizeBytes() + " bytes and brought " + length);
        }
        RecordHeader.encode(entry, recordLsn, writerTag, payload, recordHeader, crc);
        stage(recordHeader);
        payload.position(start);
        stage(payload);
        payload.position(start);
        lastRecordEndLsn = recordLsn + RecordHeader.SIZE_BYTES + length;
        long spanBytes = RecordHeader.spanBytes(length);
        stageZeros((int) (recordLsn + spanBytes - lastRecordEndLsn));
        return spanBytes;
    }

    private void stage(ByteBuffer source) throws IOException {
        int limit = source.limit();
        while (source.position() < limit) {
            int piece = Math.min(limit - source.position(), staging.remaining());
            staging.put(source.limit(source.position() + piece));
            source.limit(limit);
            if (!staging.hasRemaining()) {
                flush();
            }
        }
    }

    private void stageZeros(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            staging.put((byte) 0);
            if (!staging.hasRemaining()) {
                flush();
            }
        }
    }

    private void flush() throws IOException {
        staging.flip();
        int length = staging.limit();
        while (staging.position() < length) {
            int piece = (int) Math.min(length - staging.position(), geometry.bytesToRingEnd(stagedLsn));
            staging.limit(staging.position() + piece);
            device.write(geometry.position(stagedLsn), staging.slice());
            staging.position(staging.limit()).limit(length);
            stagedLsn += piece;
        }
        staging.clear();
    }
}
