// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStores;
import io.freshet.objectstore.PieceSource;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.fake.MemoryStreamMetadata;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.format.EncodedObject;
import io.freshet.storage.format.ObjectEncoder;
import io.freshet.storage.format.SegmentContent;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a rewrite keeps in memory, measured: the bytes of all its input and output buffers that something still refers to after a
 * collection, and the growth of direct memory, which is the file store's threads'. The collector rounds buffers of more than half
 * a region up to whole regions; that is not counted.
 */
class CompactionMemoryTest {
    private static final long MIB = 1 << 20;
    private static final int OBJECTS = 32;
    private static final int STREAMS = 48;
    private static final int BATCH_BYTES = 128 << 10;
    private static final int REQUESTS_PER_LOOK = 6;
    private static final long FILE_STORE_DIRECT_BYTES = 24 * MIB;

    @Test
    void aRewriteOfMuchMoreThanItsMemoryKeepsToIt(@TempDir Path directory) throws Exception {
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        ExecutorService executor = Threads.pool("test-compaction", 1, 64);
        try (Threads.SchedulerThread scheduler = Threads.scheduler("test-scheduler");
                ObjectStore files = ObjectStores.open(
                        "file://" + directory, meters, Clock.system(), scheduler, Randomness.secure())) {
            MemoryStreamMetadata metadata = new MemoryStreamMetadata(Clock.system());
            fill(files, metadata);
            CompactionConfig config = CompactionConfig.defaults().withPace(20, 1L << 32);
            Measured store = new Measured(files);
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
                    ByteBuffer::allocate);
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> metadata.objects(-1, 100).size() == 1);
            service.close();
            service.idle().get(10, TimeUnit.SECONDS);
            LiveObject made = metadata.objects(-1, 100).get(0);
            assertThat(made.sizeBytes()).isGreaterThan(2 * config.memoryBytes());
            assertThat(store.looks.get()).isGreaterThan(20);
            System.out.println("A rewrite of " + made.sizeBytes() / MIB + " MiB took " + store.most.get() / MIB + " of "
                    + config.memoryBytes() / MIB + " MiB of memory; direct at most " + store.mostDirect.get() / MIB);
            assertThat(store.most.get()).isBetween(config.memoryBytes() / 2, config.memoryBytes());
            assertThat(store.mostDirect.get()).isLessThan(FILE_STORE_DIRECT_BYTES);
        } finally {
            Threads.stop(executor, Duration.ofSeconds(10));
        }
    }

    private static void fill(ObjectStore store, MemoryStreamMetadata metadata) throws Exception {
        Random random = new Random(7);
        for (int stream = 0; stream < STREAMS; stream++) {
            metadata.createStream(stream, 1, 1);
        }
        long first = metadata.reserveObjectIds(OBJECTS).get(1, TimeUnit.SECONDS).first();
        for (int i = 0; i < OBJECTS; i++) {
            ObjectEncoder encoder = new ObjectEncoder(first + i, 1, BATCH_BYTES);
            for (int stream = 0; stream < STREAMS; stream++) {
                ByteBuffer batch = TestBatches.batch(i * 10L, 10, 1_000, BATCH_BYTES, random);
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
            metadata.commitObject(new ObjectCommit(object.objectId(), object.sizeBytes(), 1, 1, segments))
                    .get(1, TimeUnit.SECONDS);
        }
    }

    /** Looks at the memory at every few requests, and keeps as much of the pieces as a store may. */
    private static final class Measured implements ObjectStore {
        private final ObjectStore store;
        private final Queue<WeakReference<byte[]>> buffers = new ConcurrentLinkedQueue<>();
        private final long directBefore = directBytes();
        final AtomicLong most = new AtomicLong();
        final AtomicLong mostDirect = new AtomicLong();
        final AtomicLong looks = new AtomicLong();
        private final AtomicLong requests = new AtomicLong();

        Measured(ObjectStore store) {
            this.store = store;
        }

        /** Bytes of the buffers that something still refers to. */
        private long reachableBytes() {
            System.gc();
            buffers.removeIf(buffer -> buffer.get() == null);
            long sum = 0;
            for (WeakReference<byte[]> buffer : buffers) {
                byte[] bytes = buffer.get();
                sum += bytes == null ? 0 : bytes.length;
            }
            return sum;
        }

        private static long directBytes() {
            return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                    .filter(pool -> pool.getName().equals("direct"))
                    .mapToLong(BufferPoolMXBean::getMemoryUsed)
                    .sum();
        }

        private void saw(ByteBuffer buffer) {
            buffers.add(new WeakReference<>(buffer.array()));
        }

        private void look() {
            if (requests.incrementAndGet() % REQUESTS_PER_LOOK == 0) {
                looks.incrementAndGet();
                most.accumulateAndGet(reachableBytes(), Math::max);
                mostDirect.accumulateAndGet(directBytes() - directBefore, Math::max);
            }
        }

        @Override
        public CompletableFuture<Void> putPieces(String key, PieceSource source) {
            ArrayDeque<List<ByteBuffer>> held = new ArrayDeque<>();
            AtomicLong heldBytes = new AtomicLong();
            return store.putPieces(key, () -> {
                while (heldBytes.get() > PieceSource.MAX_HELD_BYTES) {
                    heldBytes.addAndGet(-PieceSource.sizeBytes(held.remove()));
                }
                look();
                return source.next().thenApply(piece -> {
                    List<ByteBuffer> kept =
                            piece.stream().map(ByteBuffer::duplicate).toList();
                    kept.forEach(this::saw);
                    held.add(kept);
                    heldBytes.addAndGet(PieceSource.sizeBytes(kept));
                    return piece;
                });
            });
        }

        @Override
        public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
            return store.put(key, body);
        }

        @Override
        public CompletableFuture<PutOutcome> putIfAbsent(String key, List<ByteBuffer> body) {
            return store.putIfAbsent(key, body);
        }

        @Override
        public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
            look();
            saw(target);
            return store.read(key, position, target);
        }

        @Override
        public CompletableFuture<Optional<ObjectStat>> stat(String key) {
            return store.stat(key);
        }

        @Override
        public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
            return store.list(prefix, startAfter, maxKeys);
        }

        @Override
        public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
            return store.delete(keys);
        }

        @Override
        public String describe() {
            return store.describe();
        }

        @Override
        public void close() {}
    }
}
