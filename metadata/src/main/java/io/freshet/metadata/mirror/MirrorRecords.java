// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.metadata.record.MetadataLogSerde;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/**
 * One committed batch of the log, or a run of a snapshot's records, as it lies in the bucket. No records: a control batch.
 *
 * @param lastOffset inclusive
 */
record MirrorRecords(
        long baseOffset, long lastOffset, int epoch, long timestampMs, List<ApiMessageAndVersion> records) {
    private static final int HEADER_BYTES = 32;
    private static final MetadataLogSerde SERDE = new MetadataLogSerde();

    MirrorRecords {
        records = List.copyOf(records);
    }

    ByteBuffer encode() {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        int[] sizes = new int[records.size()];
        int total = HEADER_BYTES;
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = SERDE.recordSize(records.get(i), cache);
            total = Math.addExact(total, Integer.BYTES + sizes[i]);
        }
        ByteBuffer out = ByteBuffer.allocate(total);
        out.putLong(baseOffset)
                .putLong(lastOffset)
                .putInt(epoch)
                .putLong(timestampMs)
                .putInt(sizes.length);
        for (int i = 0; i < sizes.length; i++) {
            out.putInt(sizes[i]);
            SERDE.write(records.get(i), cache, new ByteBufferAccessor(out));
        }
        return out.flip();
    }

    /** Reads one from {@code in}, whose checksum was verified; a RuntimeException means that the writer was wrong. */
    static MirrorRecords decode(ByteBuffer in) {
        long baseOffset = in.getLong();
        long lastOffset = in.getLong();
        int epoch = in.getInt();
        long timestampMs = in.getLong();
        int count = in.getInt();
        List<ApiMessageAndVersion> records = new ArrayList<>(Math.min(count, 1 << 16));
        for (int i = 0; i < count; i++) {
            int size = in.getInt();
            ByteBuffer one = in.slice(in.position(), size);
            records.add(SERDE.read(new ByteBufferAccessor(one), size));
            in.position(in.position() + size);
        }
        return new MirrorRecords(baseOffset, lastOffset, epoch, timestampMs, records);
    }
}
