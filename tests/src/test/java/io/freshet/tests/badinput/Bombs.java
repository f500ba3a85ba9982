// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.badinput;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.utils.internals.ByteBufferOutputStream;
import org.apache.kafka.common.utils.internals.ByteUtils;
import org.apache.kafka.common.utils.internals.Crc32C;

/** Batches that fit max.message.bytes and want to become hundreds of MiB or more. */
final class Bombs {
    private static final int HEADER_BYTES = 61;
    private static final int MAX_PAYLOAD_BYTES = 1_000_000;
    private static final long EXPANDED_BYTES = 1L << 30;

    private Bombs() {}

    /** One record of a GiB, or records of 1 MiB until the payload or the GiB is full; snappy claims what it does not hold. */
    static ByteBuffer batch(CompressionType codec, boolean manyRecords) throws IOException {
        int recordBytes = manyRecords ? 1 << 20 : (int) EXPANDED_BYTES - 100;
        ByteBufferOutputStream payload = new ByteBufferOutputStream(1 << 21);
        int count = 0;
        if (codec == CompressionType.SNAPPY) {
            writeLyingSnappy(payload, manyRecords);
            count = 1;
        } else {
            try (OutputStream out = Compression.of(codec).build().wrapForOutput(payload, RecordBatch.MAGIC_VALUE_V2)) {
                byte[] zeros = new byte[1 << 20];
                long written = 0;
                while (written < EXPANDED_BYTES && payload.position() < MAX_PAYLOAD_BYTES) {
                    writeRecordStart(out, count, recordBytes);
                    for (int left = recordBytes;
                            left > 0 && payload.position() < MAX_PAYLOAD_BYTES;
                            left -= zeros.length) {
                        out.write(zeros, 0, Math.min(left, zeros.length));
                    }
                    out.write(0);
                    written += recordBytes;
                    count++;
                }
            }
        }
        return withHeader(codec, payload.buffer().flip(), count);
    }

    private static void writeRecordStart(OutputStream out, int index, int valueBytes) throws IOException {
        ByteBuffer body = ByteBuffer.allocate(32);
        body.put((byte) 0);
        ByteUtils.writeVarlong(0, body);
        ByteUtils.writeVarint(index, body);
        ByteUtils.writeVarint(-1, body);
        ByteUtils.writeVarint(valueBytes, body);
        ByteBuffer size = ByteBuffer.allocate(8);
        ByteUtils.writeVarint(body.position() + valueBytes + 1, size);
        out.write(size.array(), 0, size.position());
        out.write(body.array(), 0, body.position());
    }

    private static void writeLyingSnappy(ByteBufferOutputStream payload, boolean framed) {
        ByteBuffer bytes = ByteBuffer.allocate(64);
        ByteBuffer block = ByteBuffer.allocate(16);
        ByteUtils.writeUnsignedVarint(500 << 20, block);
        block.put(new byte[8]).flip();
        if (framed) {
            bytes.put(new byte[] {(byte) 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0})
                    .putInt(1)
                    .putInt(1);
            bytes.putInt(block.remaining());
        }
        bytes.put(block).put(new byte[10]).flip();
        payload.write(bytes);
    }

    private static ByteBuffer withHeader(CompressionType codec, ByteBuffer payload, int count) {
        ByteBuffer model = MemoryRecords.withRecords(
                        Compression.NONE, new SimpleRecord(System.currentTimeMillis(), new byte[1]))
                .buffer();
        ByteBuffer batch = ByteBuffer.allocate(HEADER_BYTES + payload.remaining());
        batch.put(model.slice(0, HEADER_BYTES)).put(payload).flip();
        batch.putInt(8, batch.limit() - 12);
        batch.putShort(21, (short) codec.id);
        batch.putInt(23, count - 1);
        batch.putInt(57, count);
        batch.putInt(17, (int) Crc32C.compute(batch, 21, batch.limit() - 21));
        return batch;
    }
}
