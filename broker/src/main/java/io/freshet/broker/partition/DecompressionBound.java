// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.internals.BufferSupplier;

/**
 * How much a compressed payload can grow, told from its frame headers without decompressing it. Honest payloads are never
 * decompressed here; one that could grow beyond the limit is read once with a counter, into a small buffer.
 *
 * <p>Worst ratios: deflate 1032:1 (RFC 1951: 258 bytes from 2 bits), LZ4 255:1 (one length byte for 255 bytes). A zstd block
 * gives at most 128 KiB (RFC 8878), and a snappy chunk says its size, which the decoder allocates before it looks further.
 */
final class DecompressionBound {
    private static final int GZIP_RATIO = 1032;
    private static final int LZ4_RATIO = 255;
    private static final int ZSTD_MAGIC = 0xFD2FB528;
    private static final int ZSTD_BLOCK_BYTES = 128 * 1024;
    private static final int SNAPPY_MAGIC = 0x82534e41;
    private static final int SNAPPY_HEADER_BYTES = 16;
    private static final int SCRATCH_BYTES = 64 * 1024;

    private DecompressionBound() {}

    /** Whether {@code payload} gives more than {@code limitBytes}. Damaged payloads may answer either way. */
    static boolean exceeds(CompressionType codec, ByteBuffer payload, long limitBytes) {
        return switch (codec) {
            case NONE -> false;
            case GZIP -> mayExceed((long) payload.remaining() * GZIP_RATIO, codec, payload, limitBytes);
            case LZ4 -> mayExceed((long) payload.remaining() * LZ4_RATIO, codec, payload, limitBytes);
            case ZSTD -> mayExceed(zstdBound(payload), codec, payload, limitBytes);
            case SNAPPY -> snappyClaims(payload) > limitBytes;
        };
    }

    private static boolean mayExceed(long boundBytes, CompressionType codec, ByteBuffer payload, long limitBytes) {
        return boundBytes > limitBytes && counted(codec, payload, limitBytes) > limitBytes;
    }

    /** Decompresses until the end or just beyond the limit, whichever comes first. */
    private static long counted(CompressionType codec, ByteBuffer payload, long limitBytes) {
        byte[] scratch = new byte[SCRATCH_BYTES];
        long sum = 0;
        try (InputStream in = Compression.of(codec)
                .build()
                .wrapForInput(payload.duplicate(), RecordBatch.MAGIC_VALUE_V2, BufferSupplier.NO_CACHING)) {
            for (int read = in.read(scratch); read > 0 && sum <= limitBytes; read = in.read(scratch)) {
                sum += read;
            }
        } catch (IOException | RuntimeException e) {
            return sum; // Damaged: the validator says so.
        }
        return sum;
    }

    /** Blocks times the greatest block; Long.MAX_VALUE for anything unusual, which is then counted. */
    private static long zstdBound(ByteBuffer payload) {
        ByteBuffer in = payload.slice().order(ByteOrder.LITTLE_ENDIAN);
        long bound = 0;
        while (in.remaining() >= 9) {
            if (in.getInt() != ZSTD_MAGIC) {
                return Long.MAX_VALUE;
            }
            int descriptor = in.get() & 0xff;
            boolean isSingleSegment = (descriptor & 0x20) != 0;
            int contentSize = descriptor >>> 6;
            int contentSizeBytes = contentSize == 0 ? (isSingleSegment ? 1 : 0) : 1 << contentSize;
            int dictionaryBytes = (1 << (descriptor & 3)) >> 1;
            int skipped = (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes;
            boolean last = false;
            if (!skip(in, skipped)) {
                return Long.MAX_VALUE;
            }
            while (!last) {
                if (in.remaining() < 3) {
                    return Long.MAX_VALUE;
                }
                int header = (in.get() & 0xff) | ((in.get() & 0xff) << 8) | ((in.get() & 0xff) << 16);
                last = (header & 1) != 0;
                boolean isRepeated = ((header >>> 1) & 3) == 1;
                if (!skip(in, isRepeated ? 1 : header >>> 3)) {
                    return Long.MAX_VALUE;
                }
                bound += ZSTD_BLOCK_BYTES;
            }
            if ((descriptor & 4) != 0 && !skip(in, 4)) {
                return Long.MAX_VALUE;
            }
        }
        return in.hasRemaining() ? Long.MAX_VALUE : bound;
    }

    private static boolean skip(ByteBuffer in, int count) {
        if (count > in.remaining()) {
            return false;
        }
        in.position(in.position() + count);
        return true;
    }

    /** Sum of the sizes that the chunks claim, up to the first that is not whole. */
    private static long snappyClaims(ByteBuffer payload) {
        ByteBuffer in = payload.slice();
        if (in.remaining() < SNAPPY_HEADER_BYTES || in.getInt(0) != SNAPPY_MAGIC) {
            return rawSnappyClaims(in);
        }
        long sum = 0;
        while (in.remaining() >= Integer.BYTES) {
            int chunkBytes = in.getInt();
            if (chunkBytes == SNAPPY_MAGIC) {
                if (!skip(in, SNAPPY_HEADER_BYTES - Integer.BYTES)) {
                    return sum;
                }
                continue;
            }
            if (chunkBytes < 0) {
                return Long.MAX_VALUE;
            }
            if (chunkBytes > in.remaining()) {
                return sum
                        + chunkBytes; // The decompressor makes room for it before it finds out; it may never get there.
            }
            sum += rawSnappyClaims(in.slice(in.position(), chunkBytes));
            in.position(in.position() + chunkBytes);
        }
        return sum;
    }

    /** The unsigned number of up to 32 bits that a snappy block begins with. */
    private static long rawSnappyClaims(ByteBuffer block) {
        long size = 0;
        for (int shift = 0; shift < 35 && block.hasRemaining(); shift += 7) {
            byte next = block.get();
            size |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return size;
            }
        }
        return Integer.MAX_VALUE;
    }
}
