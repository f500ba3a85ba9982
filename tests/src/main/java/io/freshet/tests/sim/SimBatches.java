// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.tests.sim.Ledger.Known;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.kafka.common.utils.internals.ByteUtils;

/** Record batches whose records are filler. The checksum covers all but offset and leader epoch. */
public final class SimBatches {
    private static final int HEADER_BYTES = 61;
    private static final int CRC_FROM = 21;
    private static final int MOST_RECORD_OVERHEAD_BYTES = 24;

    private SimBatches() {}

    /** A batch as a producer sends it. */
    public static ByteBuffer batch(long producerId, int sequence, int records, int fillerBytes, SimRandom random) {
        ByteBuffer content = records(records, fillerBytes, random);
        ByteBuffer batch = ByteBuffer.allocate(HEADER_BYTES + content.remaining());
        long timestampMs = 1_000_000L + sequence;
        batch.putLong(0)
                .putInt(batch.capacity() - 12)
                .putInt(0)
                .put((byte) 2)
                .putInt(0)
                .putShort((short) 0)
                .putInt(records - 1)
                .putLong(timestampMs)
                .putLong(timestampMs)
                .putLong(producerId)
                .putShort((short) 0)
                .putInt(sequence)
                .putInt(records)
                .put(content)
                .flip();
        batch.putInt(17, crc(batch));
        return batch;
    }

    /** {@code fillerBytes} of values, in {@code count} records without keys. */
    private static ByteBuffer records(int count, int fillerBytes, SimRandom random) {
        ByteBuffer content = ByteBuffer.allocate(fillerBytes + count * MOST_RECORD_OVERHEAD_BYTES);
        for (int i = 0; i < count; i++) {
            byte[] value = new byte[fillerBytes * (i + 1) / count - fillerBytes * i / count];
            for (int at = 0; at < value.length; at++) {
                value[at] = (byte) random.nextLong();
            }
            int bodyBytes = 3 + ByteUtils.sizeOfVarint(i) + ByteUtils.sizeOfVarint(value.length) + value.length + 1;
            ByteUtils.writeVarint(bodyBytes, content);
            content.put((byte) 0);
            ByteUtils.writeVarlong(0, content);
            ByteUtils.writeVarint(i, content);
            ByteUtils.writeVarint(-1, content);
            ByteUtils.writeVarint(value.length, content);
            content.put(value);
            ByteUtils.writeVarint(0, content);
        }
        return content.flip();
    }

    private static int crc(ByteBuffer batch) {
        CRC32C crc = new CRC32C();
        crc.update(batch.duplicate().position(batch.position() + CRC_FROM));
        return (int) crc.getValue();
    }

    /** A copy of {@code batch} with its place in a stream. */
    public static ByteBuffer placed(ByteBuffer batch, long baseOffset, int leaderEpoch) {
        ByteBuffer copy = ByteBuffer.allocate(batch.remaining());
        copy.put(batch.duplicate()).flip();
        return copy.putLong(0, baseOffset).putInt(12, leaderEpoch);
    }

    public static int records(ByteBuffer batch) {
        return batch.getInt(batch.position() + 57);
    }

    public static Known known(ByteBuffer batch) {
        int at = batch.position();
        long base = batch.getLong(at);
        return new Known(
                base,
                base + batch.getInt(at + 23) + 1,
                batch.getLong(at + 43),
                batch.getInt(at + 53),
                batch.getInt(at + 17));
    }

    /** The batches in {@code bytes}; one that does not verify is reported. */
    public static List<Known> all(ByteBuffer bytes, Ledger ledger, String where) {
        List<Known> found = new ArrayList<>();
        int at = bytes.position();
        while (at < bytes.limit()) {
            int left = bytes.limit() - at;
            int size = left < HEADER_BYTES ? -1 : 12 + bytes.getInt(at + 8);
            if (size < HEADER_BYTES || size > left) {
                ledger.violated(where + ": no batch at byte " + at);
                return found;
            }
            ByteBuffer batch = bytes.slice(at, size);
            if (crc(batch) != batch.getInt(17)) {
                ledger.violated(where + ": the batch at offset " + batch.getLong(0) + " does not verify");
                return found;
            }
            found.add(known(batch));
            at += size;
        }
        return found;
    }
}
