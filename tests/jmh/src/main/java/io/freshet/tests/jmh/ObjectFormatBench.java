// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.jmh;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.format.EncodedObject;
import io.freshet.storage.format.ObjectEncoder;
import io.freshet.storage.format.ObjectIndex;
import io.freshet.storage.format.SegmentContent;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Objects of 16 MiB (128 MiB with 1000 streams of 128 KiB batches): laid out from batches in memory, and verified whole. One operation is one object. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class ObjectFormatBench {
    private static final int OBJECT_BYTES = 16 << 20;
    private static final int BLOCK_BYTES = 1 << 20;
    private static final int RECORDS_PER_BATCH = 10;

    @Param({"1024", "16384", "131072"})
    public int batchBytes;

    @Param({"1", "1000"})
    public int streams;

    private List<SegmentContent> contents = List.of();
    private ByteBuffer object = ByteBuffer.allocate(0);

    @Setup
    public void fill() {
        Random random = new Random(1);
        int batches = Math.max(1, OBJECT_BYTES / batchBytes / streams);
        contents = new ArrayList<>();
        for (int stream = 0; stream < streams; stream++) {
            List<SharedBytes> bytes = new ArrayList<>();
            for (int i = 0; i < batches; i++) {
                bytes.add(SharedBytes.unpooled(batch(random, (long) i * RECORDS_PER_BATCH)));
            }
            long end = (long) batches * RECORDS_PER_BATCH;
            contents.add(new SegmentContent(
                    stream + 1, 0, end, bytes, new SegmentCheckpoint(end, List.of(), new byte[0], List.of())));
        }
        EncodedObject encoded = encode();
        object = ByteBuffer.allocate((int) encoded.sizeBytes());
        encoded.body().forEach(part -> object.put(part.duplicate()));
        object.flip();
    }

    private ByteBuffer batch(Random random, long baseOffset) {
        byte[] bytes = new byte[batchBytes];
        random.nextBytes(bytes);
        return ByteBuffer.wrap(bytes)
                .putLong(0, baseOffset)
                .putInt(8, batchBytes - 12)
                .putInt(12, 3)
                .put(16, (byte) 2)
                .putInt(23, RECORDS_PER_BATCH - 1)
                .putLong(27, 1000)
                .putLong(35, 1000)
                .putInt(57, RECORDS_PER_BATCH);
    }

    @Benchmark
    public EncodedObject encode() {
        ObjectEncoder encoder = new ObjectEncoder(7, 1, BLOCK_BYTES);
        contents.forEach(encoder::add);
        return encoder.finish();
    }

    @Benchmark
    public ObjectIndex verify() {
        return ObjectIndex.verify(7, object);
    }
}
