// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import java.nio.ByteBuffer;
import java.util.Random;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.internals.Crc32C;
import org.jspecify.annotations.Nullable;

/** Batches as producers send them, and the same with lies in them under a right CRC. Everything comes from one seed. */
final class RandomBatches {
    static final long NOW_MS = 1_700_000_000_000L;

    private static final int HEADER_BYTES = 61;
    private static final CompressionType[] CODECS = CompressionType.values();

    private final Random random;

    RandomBatches(long seed) {
        this.random = new Random(seed);
    }

    /** One valid batch of 1 to 20 records. */
    ByteBuffer valid() {
        CompressionType codec = CODECS[random.nextInt(CODECS.length)];
        return valid(codec);
    }

    ByteBuffer valid(CompressionType codec) {
        boolean idempotent = random.nextInt(3) == 0;
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(
                ByteBuffer.allocate(512),
                RecordBatch.MAGIC_VALUE_V2,
                Compression.of(codec).build(),
                TimestampType.CREATE_TIME,
                0,
                RecordBatch.NO_TIMESTAMP,
                idempotent ? random.nextInt(1000) : RecordBatch.NO_PRODUCER_ID,
                idempotent ? (short) random.nextInt(5) : RecordBatch.NO_PRODUCER_EPOCH,
                idempotent ? random.nextInt(100) : RecordBatch.NO_SEQUENCE,
                false,
                false,
                RecordBatch.NO_PARTITION_LEADER_EPOCH,
                1 << 20);
        int count = 1 + random.nextInt(20);
        for (int i = 0; i < count; i++) {
            builder.append(timestamp(), bytes(10), bytes(200), headers());
        }
        ByteBuffer built = builder.build().buffer();
        ByteBuffer copy = ByteBuffer.allocate(built.remaining());
        copy.put(built).flip();
        return copy;
    }

    private long timestamp() {
        return switch (random.nextInt(20)) {
            case 0 -> RecordBatch.NO_TIMESTAMP;
            case 1 -> NOW_MS - 3_600_001;
            case 2 -> NOW_MS + 3_600_001;
            case 3 -> NOW_MS - 3_600_000;
            case 4 -> NOW_MS + 3_600_000;
            case 5 -> 0;
            default -> NOW_MS - random.nextInt(1000);
        };
    }

    private byte @Nullable [] bytes(int limit) {
        int size = random.nextInt(limit) - 1;
        if (size < 0) {
            return null;
        }
        byte[] value = new byte[size];
        if (random.nextBoolean()) {
            random.nextBytes(value);
        }
        return value;
    }

    private Header[] headers() {
        Header[] headers = new Header[random.nextInt(3)];
        for (int i = 0; i < headers.length; i++) {
            headers[i] = new RecordHeader("h" + i, bytes(8));
        }
        return headers;
    }

    /** Changes 1 to 3 things in {@code batch}; the CRC is right again afterwards, most of the time. */
    ByteBuffer mutate(ByteBuffer batch) {
        ByteBuffer bytes = ByteBuffer.wrap(batch.array().clone());
        int changes = 1 + random.nextInt(3);
        for (int i = 0; i < changes; i++) {
            bytes = change(bytes);
        }
        if (random.nextInt(50) != 0) {
            fixCrc(bytes);
        }
        return bytes;
    }

    private ByteBuffer change(ByteBuffer bytes) {
        switch (random.nextInt(14)) {
            case 0 -> bytes.putInt(57, bytes.getInt(57) + random.nextInt(5) - 2);
            case 1 -> bytes.putInt(23, bytes.getInt(23) + random.nextInt(5) - 2);
            case 2 -> bytes.putLong(27, strange(bytes.getLong(27)));
            case 3 -> bytes.putLong(35, strange(bytes.getLong(35)));
            case 4 -> bytes.putShort(21, (short) (bytes.getShort(21) ^ 1 << random.nextInt(7)));
            case 5 -> bytes.putLong(43, random.nextInt(5) - 2);
            case 6 -> bytes.putShort(51, (short) (random.nextInt(4) - 2));
            case 7 -> bytes.putInt(53, random.nextInt(4) - 2);
            case 8 -> bytes.putInt(57, bytes.getInt(23) + 1);
            case 9 -> {
                return overlong(bytes);
            }
            case 10 -> {
                return resized(bytes);
            }
            default -> {
                if (bytes.limit() > HEADER_BYTES) {
                    int at = HEADER_BYTES + random.nextInt(bytes.limit() - HEADER_BYTES);
                    bytes.put(at, (byte) (bytes.get(at) ^ 1 << random.nextInt(8)));
                }
            }
        }
        return bytes;
    }

    private long strange(long value) {
        return switch (random.nextInt(5)) {
            case 0 -> Long.MAX_VALUE - random.nextInt(10);
            case 1 -> Long.MIN_VALUE + random.nextInt(10);
            case 2 -> -1;
            default -> value + random.nextInt(2001) - 1000;
        };
    }

    /** A number that takes more bytes than it needs: one byte of the records becomes two or more. */
    private ByteBuffer overlong(ByteBuffer bytes) {
        if (bytes.limit() <= HEADER_BYTES) {
            return bytes;
        }
        int at = HEADER_BYTES + random.nextInt(Math.min(10, bytes.limit() - HEADER_BYTES));
        int extra = 1 + random.nextInt(9);
        ByteBuffer longer = ByteBuffer.allocate(bytes.limit() + extra);
        longer.put(0, bytes, 0, at);
        longer.put(at, (byte) (bytes.get(at) | 0x80));
        for (int i = 1; i < extra; i++) {
            longer.put(at + i, (byte) 0x80);
        }
        longer.put(at + extra, (byte) 0);
        longer.put(at + extra + 1, bytes, at + 1, bytes.limit() - at - 1);
        if (at > HEADER_BYTES && (longer.get(HEADER_BYTES) & 0x81) == 0 && random.nextBoolean()) {
            longer.put(HEADER_BYTES, (byte) (longer.get(HEADER_BYTES) + 2 * extra));
        }
        longer.putInt(8, longer.limit() - 12);
        return longer;
    }

    private ByteBuffer resized(ByteBuffer bytes) {
        int size = Math.max(HEADER_BYTES, bytes.limit() + random.nextInt(7) - 3);
        ByteBuffer other = ByteBuffer.allocate(size);
        other.put(0, bytes, 0, Math.min(size, bytes.limit()));
        other.putInt(8, size - 12);
        return other;
    }

    static void fixCrc(ByteBuffer bytes) {
        bytes.putInt(17, (int) Crc32C.compute(bytes, 21 - bytes.position(), bytes.limit() - 21));
    }

    static MemoryRecords records(ByteBuffer bytes) {
        return MemoryRecords.readableRecords(ByteBuffer.wrap(bytes.array().clone()));
    }
}
