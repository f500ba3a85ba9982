// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.SegmentCheckpoint;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Record batches whose header is valid and whose records are random bytes: storage looks no deeper. */
public final class SampleBatches {
    private SampleBatches() {}

    /** One batch of {@code count} records in {@code sizeBytes} bytes. */
    public static ByteBuffer batch(Random random, long baseOffset, int count, int sizeBytes, long timestampMs) {
        byte[] bytes = new byte[sizeBytes];
        random.nextBytes(bytes);
        ByteBuffer batch = ByteBuffer.wrap(bytes);
        batch.putLong(0, baseOffset)
                .putInt(8, sizeBytes - BatchHeader.LENGTH_PREFIX_BYTES)
                .putInt(12, 3)
                .put(16, (byte) 2)
                .putShort(21, (short) 0)
                .putInt(23, count - 1)
                .putLong(27, timestampMs)
                .putLong(35, timestampMs + count - 1)
                .putInt(57, count);
        return batch;
    }

    /** A segment of {@code batches} batches; record k of the stream has timestamp 1000 + k. */
    public static SegmentContent segment(
            Random random, long streamId, long startOffset, int batches, int maxBatchBytes) {
        List<SharedBytes> content = new ArrayList<>();
        long offset = startOffset;
        int left = batches;
        while (left > 0) {
            int together = 1 + random.nextInt(Math.min(left, 3));
            List<ByteBuffer> group = new ArrayList<>();
            int size = 0;
            for (int i = 0; i < together; i++) {
                int count = 1 + random.nextInt(20);
                int sizeBytes = BatchHeader.HEADER_BYTES + random.nextInt(maxBatchBytes - BatchHeader.HEADER_BYTES);
                group.add(batch(random, offset, count, sizeBytes, 1000 + offset));
                offset += count;
                size += sizeBytes;
            }
            ByteBuffer joined = ByteBuffer.allocate(size);
            group.forEach(joined::put);
            content.add(SharedBytes.unpooled(joined.flip()));
            left -= together;
        }
        return new SegmentContent(streamId, startOffset, offset, content, checkpoint(random, offset));
    }

    public static SegmentCheckpoint checkpoint(Random random, long endOffset) {
        byte[] producers = new byte[random.nextInt(40)];
        random.nextBytes(producers);
        List<SegmentCheckpoint.EpochStart> epochs =
                List.of(new SegmentCheckpoint.EpochStart(1, 0), new SegmentCheckpoint.EpochStart(4, endOffset / 2));
        List<SegmentCheckpoint.AbortedTransaction> aborted =
                List.of(new SegmentCheckpoint.AbortedTransaction(77, 1, endOffset - 1, endOffset));
        return new SegmentCheckpoint(endOffset, epochs, producers, aborted);
    }

    /** The batches of {@code content} in one piece. */
    public static byte[] bytes(SegmentContent content) {
        int size = content.batches().stream().mapToInt(SharedBytes::sizeBytes).sum();
        ByteBuffer joined = ByteBuffer.allocate(size);
        content.batches().forEach(part -> joined.put(part.view()));
        return joined.array();
    }

    public static ByteBuffer join(EncodedObject object) {
        ByteBuffer whole = ByteBuffer.allocate((int) object.sizeBytes());
        object.body().forEach(part -> whole.put(part.duplicate()));
        return whole.flip();
    }

    public static EncodedObject object(long objectId, int blockTargetBytes, List<SegmentContent> contents) {
        ObjectEncoder encoder = new ObjectEncoder(objectId, 7, blockTargetBytes);
        contents.forEach(encoder::add);
        return encoder.finish();
    }
}
