// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.format.BatchHeader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Record batches whose header fields are right and whose records are filler. */
public final class TestBatches {
    private TestBatches() {}

    /** One batch of {@code records} records, one millisecond apart from {@code timestampMs} on. */
    public static ByteBuffer batch(long baseOffset, int records, long timestampMs, int fillerBytes, Random random) {
        ByteBuffer batch = ByteBuffer.allocate(BatchHeader.HEADER_BYTES + fillerBytes);
        byte[] filler = new byte[fillerBytes];
        random.nextBytes(filler);
        batch.putLong(baseOffset)
                .putInt(batch.capacity() - BatchHeader.LENGTH_PREFIX_BYTES)
                .putInt(0)
                .put((byte) 2)
                .putInt(0)
                .putShort((short) 0)
                .putInt(records - 1)
                .putLong(timestampMs)
                .putLong(timestampMs + records - 1)
                .putLong(-1)
                .putShort((short) -1)
                .putInt(-1)
                .putInt(records)
                .put(filler);
        return batch.flip();
    }

    public static ByteBuffer concat(List<ByteBuffer> parts) {
        ByteBuffer whole = ByteBuffer.allocate(
                parts.stream().mapToInt(ByteBuffer::remaining).sum());
        parts.forEach(part -> whole.put(part.duplicate()));
        return whole.flip();
    }

    /** Copies of the batches of {@code read}; gives its references back. */
    public static List<ByteBuffer> take(StreamRead read) {
        List<ByteBuffer> batches = new ArrayList<>();
        for (SharedBytes bytes : read.batches()) {
            ByteBuffer view = bytes.view();
            for (int p = view.position(); p < view.limit(); ) {
                int size = BatchHeader.sizeBytes(view, p);
                ByteBuffer copy = ByteBuffer.allocate(size);
                copy.put(view.slice(p, size)).flip();
                batches.add(copy);
                p += size;
            }
        }
        read.release();
        return batches;
    }
}
