// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.storage.format.BatchHeader;
import java.nio.ByteBuffer;

/**
 * Walks the records of an uncompressed v2 batch in place, without allocating. It accepts only what needs no change and no
 * second thought; on any doubt it says no, and Kafka's own validator decides.
 */
final class RecordWalk {
    private final ByteBuffer bytes;
    private final int end;
    private int position;
    private boolean broken;

    RecordWalk(ByteBuffer bytes, int batchPosition, int batchBytes) {
        this.bytes = bytes;
        this.position = batchPosition + BatchHeader.HEADER_BYTES;
        this.end = batchPosition + batchBytes;
    }

    /**
     * Whether all {@code count} records are well formed, numbered 0, 1, …, have a timestamp within the bounds and (if
     * {@code needsKey}) a key, and their greatest timestamp is {@code maxTimestampMs}.
     */
    boolean accepts(
            int count, long baseTimestampMs, long maxTimestampMs, long earliestMs, long latestMs, boolean needsKey) {
        long greatest = -1;
        for (int i = 0; i < count; i++) {
            int size = varint();
            if (broken || size < 0 || size > end - position) {
                return false;
            }
            int recordEnd = position + size;
            if (size < 1 || bytes.get(position++) != 0) {
                return false;
            }
            long timestampMs = baseTimestampMs + varlong();
            if (varint() != i || timestampMs < 0 || timestampMs < earliestMs || timestampMs > latestMs) {
                return false;
            }
            greatest = Math.max(greatest, timestampMs);
            int keySize = varint();
            if (keySize < (needsKey ? 0 : -1) || !skip(keySize, recordEnd)) {
                return false;
            }
            if (!skip(varint(), recordEnd) || !skipHeaders(recordEnd) || position != recordEnd) {
                return false;
            }
        }
        return !broken && position == end && greatest == maxTimestampMs;
    }

    private boolean skipHeaders(int recordEnd) {
        int headers = varint();
        if (headers < 0) {
            return false;
        }
        for (int i = 0; i < headers; i++) {
            int keySize = varint();
            if (keySize < 0 || !skip(keySize, recordEnd) || !skip(varint(), recordEnd)) {
                return false;
            }
        }
        return true;
    }

    private boolean skip(int size, int recordEnd) {
        if (broken || size < -1 || size > recordEnd - position) {
            return false;
        }
        position += Math.max(size, 0);
        return position <= recordEnd;
    }

    /** At most five bytes, as every other reader of these bytes demands. */
    private int varint() {
        long value = varnum(5 * 7);
        if (value != (int) value) {
            broken = true;
        }
        return (int) value;
    }

    private long varlong() {
        return varnum(9 * 7);
    }

    private long varnum(int maxBits) {
        long raw = 0;
        for (int shift = 0; shift < maxBits; shift += 7) {
            if (position >= end) {
                broken = true;
                return 0;
            }
            byte next = bytes.get(position++);
            raw |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return (raw >>> 1) ^ -(raw & 1);
            }
        }
        broken = true;
        return 0;
    }
}
