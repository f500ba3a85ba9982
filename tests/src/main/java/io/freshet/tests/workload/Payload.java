// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.workload;

import java.nio.ByteBuffer;
import java.util.Random;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** A record's bytes: its value, some noise, and a checksum over both. */
final class Payload {
    private static final int LEAST_BYTES = Long.BYTES + Integer.BYTES;

    private Payload() {}

    static byte[] of(long value, int noiseBytes, Random random) {
        byte[] bytes = new byte[LEAST_BYTES + noiseBytes];
        random.nextBytes(bytes);
        ByteBuffer buffer = ByteBuffer.wrap(bytes).putLong(0, value);
        buffer.putInt(bytes.length - Integer.BYTES, checksum(bytes));
        return bytes;
    }

    /** The value in {@code bytes}; one that was never sent when they are damaged. */
    static long valueOf(byte @Nullable [] bytes, long offset) {
        if (bytes == null || bytes.length < LEAST_BYTES) {
            return Long.MIN_VALUE + offset;
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        boolean isWhole = buffer.getInt(bytes.length - Integer.BYTES) == checksum(bytes);
        return isWhole ? buffer.getLong(0) : Long.MIN_VALUE + offset;
    }

    private static int checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length - Integer.BYTES);
        return (int) crc.getValue();
    }
}
