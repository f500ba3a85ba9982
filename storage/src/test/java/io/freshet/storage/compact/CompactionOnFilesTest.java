// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStores;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.fake.MemoryStreamMetadata;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.format.EncodedObject;
import io.freshet.storage.format.ObjectEncoder;
import io.freshet.storage.format.ObjectIndex;
import io.freshet.storage.format.SegmentContent;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Objects of several pieces on a store of files, with real threads. */
class CompactionOnFilesTest {
    private static final int OBJECTS = 16;
    private static final int STREAMS = 10;
    private static final int BATCH_BYTES = 200_000;

    @Test
    void writesLargeObjectsPieceByPiece(@TempDir Path directory) throws Exception {
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        ExecutorService executor = Threads.pool("test-compaction", 1, 64);
        try (Threads.SchedulerThread scheduler = Threads.scheduler("test-scheduler");
                ObjectStore store = ObjectStores.open(
                        "file://" + directory, meters, Clock.system(), scheduler, Randomness.secure())) {
            MemoryStreamMetadata metadata = new MemoryStreamMetadata(Clock.system());
            List<List<ByteBuffer>> batches = fill(store, metadata);
            CompactionConfig config = CompactionConfig.defaults()
                    .withShape(CompactionConfig.Shape.defaults().dividedBy(8, 1 << 20))
                    .withPace(20, 1L << 32);
            CompactionService service = new CompactionService(
                    config,
                    new CompactionParts(
                            store,
                            metadata,
                            metadata,
                            Clock.system(),
                            scheduler,
                            Randomness.secure(),
                            executor,
                            meters,
                            () -> false,
                            600_000,
                            1,
                            1),
                    new ScratchFile(directory.resolve("scratch")));
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> metadata.objects(-1, 100).size() == 1);
            service.close();
            service.idle().get(10, TimeUnit.SECONDS);
            long objectId = metadata.objects(-1, 100).get(0).objectId();
            verify(store, objectId, batches);
        } finally {
            Threads.stop(executor, Duration.ofSeconds(10));
        }
    }

    private static List<List<ByteBuffer>> fill(ObjectStore store, MemoryStreamMetadata metadata) throws Exception {
        Random random = new Random(7);
        List<List<ByteBuffer>> batches = new ArrayList<>();
        for (int stream = 0; stream < STREAMS; stream++) {
            metadata.createStream(stream, 1, 1);
            batches.add(new ArrayList<>());
        }
        long first = metadata.reserveObjectIds(OBJECTS).get(1, TimeUnit.SECONDS).first();
        for (int i = 0; i < OBJECTS; i++) {
            ObjectEncoder encoder = new ObjectEncoder(first + i, 1, 1 << 20);
            for (int stream = 0; stream < STREAMS; stream++) {
                ByteBuffer batch = TestBatches.batch(i * 10L, 10, 1_000, BATCH_BYTES, random);
                batches.get(stream).add(batch);
                encoder.add(new SegmentContent(
                        stream,
                        i * 10L,
                        i * 10L + 10,
                        List.of(SharedBytes.unpooled(batch)),
                        new SegmentCheckpoint(i * 10L + 10, List.of(), new byte[] {(byte) i}, List.of())));
            }
            EncodedObject object = encoder.finish();
            store.put(ObjectKeys.dataKey(object.objectId()), object.body()).get(30, TimeUnit.SECONDS);
            List<SegmentCommit> segments =
                    object.segments().stream().map(s -> new SegmentCommit(s, 1)).toList();
            assertThat(metadata.commitObject(new ObjectCommit(object.objectId(), object.sizeBytes(), 1, 1, segments))
                            .get(1, TimeUnit.SECONDS))
                    .isEmpty();
        }
        return batches;
    }

    private static void verify(ObjectStore store, long objectId, List<List<ByteBuffer>> batches) throws Exception {
        String key = ObjectKeys.dataKey(objectId);
        long size = store.stat(key).get(10, TimeUnit.SECONDS).orElseThrow().sizeBytes();
        assertThat(size).as("more than three pieces").isGreaterThan(25 << 20);
        ByteBuffer whole = ByteBuffer.allocate((int) size);
        store.read(key, 0, whole).get(30, TimeUnit.SECONDS);
        ObjectIndex index = ObjectIndex.verify(objectId, whole.flip());
        assertThat(index.segments()).hasSize(STREAMS);
        for (int stream = 0; stream < STREAMS; stream++) {
            StreamSegment segment = index.segments().get(stream).segment();
            assertThat(segment.endOffset()).isEqualTo(OBJECTS * 10L);
            assertThat(index.segments().get(stream).checkpoint().producerState())
                    .containsExactly((byte) (OBJECTS - 1));
            int at = (int) index.blocks()
                            .get(index.segments().get(stream).firstBlock())
                            .position()
                    + io.freshet.storage.format.ObjectFormat.BLOCK_HEADER_BYTES;
            ByteBuffer batch = batches.get(stream).get(0);
            assertThat(whole.slice(at, batch.remaining())).isEqualTo(batch);
        }
        assertThat(index.blocks()).as("blocks of about the target size").hasSizeLessThan(60);
    }
}
