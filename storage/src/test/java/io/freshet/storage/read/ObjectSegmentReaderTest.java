// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Threads;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.cache.BlockCache;
import io.freshet.storage.cache.BlockCacheConfig;
import io.freshet.storage.cache.DiskTier;
import io.freshet.storage.cache.IndexCache;
import io.freshet.storage.cache.LocalTierFile;
import io.freshet.storage.format.BatchHeader;
import io.freshet.storage.format.EncodedObject;
import io.freshet.storage.format.SampleBatches;
import io.freshet.storage.format.SegmentContent;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ObjectSegmentReaderTest {
    private static final int ALL = Integer.MAX_VALUE;
    private final Random random = new Random(11);
    private final SegmentContent first = SampleBatches.segment(random, 5, 100, 60, 1800);
    private final SegmentContent second = SampleBatches.segment(random, 8, 0, 30, 900);
    private final EncodedObject object = SampleBatches.object(42, 4096, List.of(first, second));
    private final StreamSegment segment = object.segments().get(0);
    private final byte[] bytes = SampleBatches.bytes(first);
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private CountingStore store = new CountingStore(Runnable::run);
    private BlockCache cache = newCache(BlockCacheConfig.ofCapacity(4 << 20));
    private ObjectSegmentReader reader = newReader(0);

    private BlockCache newCache(BlockCacheConfig config) {
        store.add(object);
        return new BlockCache(config, store, registry);
    }

    private ObjectSegmentReader newReader(int readAheadBlocks) {
        IndexCache indexes = new IndexCache(store, 1 << 20, 512, registry);
        return new ObjectSegmentReader(indexes, cache, Clock.system(), readAheadBlocks);
    }

    @AfterEach
    void everythingGoesBackToTheArena() {
        reader.close();
        assertThat(cache.usedBytes()).isZero();
    }

    private static <T> T get(CompletableFuture<T> future) {
        return future.orTimeout(20, TimeUnit.SECONDS).join();
    }

    private static byte[] take(StreamRead read) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (SharedBytes part : read.batches()) {
            byte[] copy = new byte[part.sizeBytes()];
            part.view().get(copy);
            out.writeBytes(copy);
        }
        read.release();
        return out.toByteArray();
    }

    private static FreshetException failure(CompletableFuture<?> future) {
        assertThat(future).isCompletedExceptionally();
        return FreshetException.of(future.handle((value, error) -> error).join());
    }

    /** Positions where batches begin, and their end. */
    private List<Integer> batchPositions() {
        ByteBuffer whole = ByteBuffer.wrap(bytes);
        List<Integer> positions = new ArrayList<>();
        for (int at = 0; at < bytes.length; at += BatchHeader.sizeBytes(whole, at)) {
            positions.add(at);
        }
        positions.add(bytes.length);
        return positions;
    }

    private byte[] readAll(ObjectSegmentReader from, int maxBytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        long offset = segment.startOffset();
        while (offset < segment.endOffset()) {
            StreamRead read = get(from.read(segment, offset, maxBytes, Long.MAX_VALUE, true));
            offset = read.endOffset();
            out.writeBytes(take(read));
        }
        return out.toByteArray();
    }

    @Test
    void readsAtEveryOffsetGiveTheSameBytes() {
        ByteBuffer whole = ByteBuffer.wrap(bytes);
        List<Integer> positions = batchPositions();
        for (int i = 0; i < positions.size() - 1; i++) {
            int at = positions.get(i);
            for (long offset = BatchHeader.baseOffset(whole, at); offset < BatchHeader.endOffset(whole, at); offset++) {
                StreamRead read = get(reader.read(segment, offset, 10_000, Long.MAX_VALUE, true));
                assertThat(read.startOffset()).isEqualTo(BatchHeader.baseOffset(whole, at));
                byte[] got = take(read);
                assertThat(got).isEqualTo(Arrays.copyOfRange(bytes, at, at + got.length));
                assertThat(positions).contains(at + got.length);
                int left = bytes.length - at - got.length;
                assertThat(left == 0 || got.length > 10_000 - 1800)
                        .as("full read")
                        .isTrue();
            }
        }
    }

    @Test
    void otherStreamOfTheObjectReadsToo() {
        StreamRead read = get(reader.read(object.segments().get(1), 0, ALL, Long.MAX_VALUE, true));
        assertThat(take(read)).isEqualTo(SampleBatches.bytes(second));
    }

    @Test
    void maxBytesAndMinOneBatchHold() {
        int firstBatch = batchPositions().get(1);
        StreamRead none = get(reader.read(segment, 100, firstBatch - 1, Long.MAX_VALUE, false));
        assertThat(none.batches()).isEmpty();
        assertThat(take(get(reader.read(segment, 100, 0, Long.MAX_VALUE, true))))
                .hasSize(firstBatch);
        assertThat(take(get(reader.read(segment, 100, firstBatch, Long.MAX_VALUE, false))))
                .hasSize(firstBatch);
        assertThat(get(reader.read(segment, 100, 0, Long.MAX_VALUE, false)).batches())
                .isEmpty();
    }

    @Test
    void endOffsetLimitsByBaseOffset() {
        ByteBuffer whole = ByteBuffer.wrap(bytes);
        List<Integer> positions = batchPositions();
        for (int i = 1; i < positions.size() - 1; i++) {
            long base = BatchHeader.baseOffset(whole, positions.get(i));
            assertThat(take(get(reader.read(segment, 100, ALL, base, true)))).hasSize(positions.get(i));
            assertThat(take(get(reader.read(segment, 100, ALL, base + 1, true))))
                    .hasSize(positions.get(i + 1));
        }
        assertThat(get(reader.read(segment, 100, ALL, 100, true)).batches()).isEmpty();
    }

    @Test
    void offsetOutsideTheSegmentIsInvalid() {
        assertThat(failure(reader.read(segment, 99, ALL, Long.MAX_VALUE, true)).kind())
                .isEqualTo(ErrorKind.INVALID);
    }

    @Test
    void timestampsFindTheFirstBatchThatIsLateEnough() {
        ByteBuffer whole = ByteBuffer.wrap(bytes);
        for (int at : batchPositions().subList(0, 60)) {
            long base = BatchHeader.baseOffset(whole, at);
            long last = BatchHeader.endOffset(whole, at) - 1;
            assertThat(get(reader.batchAtOrAfterTimestamp(segment, 100, 1000 + base)))
                    .contains(base);
            assertThat(get(reader.batchAtOrAfterTimestamp(segment, 100, 1000 + last)))
                    .contains(base);
            assertThat(get(reader.batchAtOrAfterTimestamp(segment, last, 0))).contains(base);
        }
        assertThat(get(reader.batchAtOrAfterTimestamp(segment, 100, 1000 + segment.endOffset())))
                .isEmpty();
    }

    @Test
    void checkpointComesBack() {
        assertThat(get(reader.checkpoint(segment))).usingRecursiveComparison().isEqualTo(first.checkpoint());
    }

    @Test
    void missingObjectIsMissingAndFoundOnceItIsThere() {
        byte[] kept = store.objects.remove(store.objects.keySet().iterator().next());
        assertThat(failure(reader.read(segment, 100, ALL, Long.MAX_VALUE, true)).kind())
                .isEqualTo(ErrorKind.MISSING);
        store.objects.put(io.freshet.common.stream.ObjectKeys.dataKey(42), kept);
        assertThat(take(get(reader.read(segment, 100, ALL, Long.MAX_VALUE, true))))
                .isEqualTo(bytes);
    }

    @Test
    void damagedBlockIsCorruptAndNamed() {
        get(reader.checkpoint(segment));
        store.damage = part -> {
            part[part.length / 2] ^= 1;
            return part;
        };
        FreshetException failure = failure(reader.read(segment, 100, 10, Long.MAX_VALUE, true));
        assertThat(failure.kind()).isEqualTo(ErrorKind.CORRUPT);
        assertThat(failure)
                .hasMessageContaining("Object 42")
                .hasMessageContaining("block 0")
                .hasMessageContaining("stream 5, offsets 100 to");
        store.damage = part -> part;
        assertThat(take(get(reader.read(segment, 100, ALL, Long.MAX_VALUE, true))))
                .isEqualTo(bytes);
    }

    @Test
    void oneTruncatedAnswerIsReadAgain() {
        store.isShort = true;
        get(reader.checkpoint(segment));
        store.isShort = true;
        assertThat(readAll(reader, 20_000)).isEqualTo(bytes);
        assertThat(store.isShort).isFalse();
    }

    @Test
    void concurrentReadersOfABlockCauseOneRequest() {
        Queue<Runnable> held = new ArrayDeque<>();
        get(reader.checkpoint(segment));
        reader.close();
        store = new CountingStore(held::add);
        cache = newCache(BlockCacheConfig.ofCapacity(4 << 20));
        reader = newReader(0);
        List<CompletableFuture<StreamRead>> reads = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            reads.add(reader.read(segment, 100, 10, Long.MAX_VALUE, true));
        }
        while (!held.isEmpty()) {
            held.remove().run();
        }
        int tailReads = 2;
        assertThat(store.reads.get()).isEqualTo(tailReads + 1);
        reads.forEach(
                read -> assertThat(take(get(read))).hasSize(batchPositions().get(1)));
        get(reader.read(segment, 100, 10, Long.MAX_VALUE, true)).release();
        assertThat(store.reads.get()).as("kept after the first read").isEqualTo(tailReads + 1);
    }

    @Test
    void readAheadSavesRequests() {
        assertThat(readAll(reader, 2000)).isEqualTo(bytes);
        int without = store.reads.get();
        reader.close();
        store = new CountingStore(Runnable::run);
        cache = newCache(BlockCacheConfig.ofCapacity(4 << 20));
        reader = newReader(16);
        assertThat(readAll(reader, 2000)).isEqualTo(bytes);
        assertThat(store.reads.get()).isLessThan(without / 2);
        assertThat(store.readBytes.get()).as("nothing is read twice").isLessThan(bytes.length * 11L / 10);
    }

    @Test
    void tinyCacheServesManyReadersWithoutDamage() throws Exception {
        ExecutorService pool = Threads.pool("store", 3, 10_000);
        ExecutorService readers = Threads.pool("readers", 6, 100);
        try {
            reader.close();
            store = new CountingStore(pool);
            cache = newCache(new BlockCacheConfig(48 << 10, 16 << 10, 16 << 10, 16 << 10));
            reader = newReader(4);
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                int maxBytes = 1000 + i * 3000;
                done.add(readers.submit(() -> {
                    for (int round = 0; round < 30; round++) {
                        assertThat(readAll(reader, maxBytes)).isEqualTo(bytes);
                    }
                }));
            }
            for (Future<?> future : done) {
                future.get(30, TimeUnit.SECONDS);
            }
            assertThat(cache.reservedBytes()).isLessThanOrEqualTo(48 << 10);
            assertThat(registry.counter("freshet.blockcache.evictions").count()).isPositive();
        } finally {
            Threads.stop(readers, Duration.ofSeconds(5));
            Threads.stop(pool, Duration.ofSeconds(5));
        }
    }

    @Test
    void manyThreadsTogetherLoadEachByteOnce() throws Exception {
        ExecutorService pool = Threads.pool("store", 3, 10_000);
        ExecutorService readers = Threads.pool("readers", 6, 100);
        try {
            for (int round = 0; round < 20; round++) {
                reader.close();
                store = new CountingStore(pool);
                cache = newCache(BlockCacheConfig.ofCapacity(4 << 20));
                reader = newReader(8);
                get(reader.checkpoint(segment));
                long opening = store.readBytes.get();
                List<Future<?>> done = new ArrayList<>();
                for (int i = 0; i < 6; i++) {
                    int maxBytes = 1 + i * 4000;
                    done.add(readers.submit(
                            () -> assertThat(readAll(reader, maxBytes)).isEqualTo(bytes)));
                }
                for (Future<?> future : done) {
                    future.get(30, TimeUnit.SECONDS);
                }
                long blockHeaders = 32L * 60;
                assertThat(store.readBytes.get() - opening).isBetween((long) bytes.length, bytes.length + blockHeaders);
            }
        } finally {
            Threads.stop(readers, Duration.ofSeconds(5));
            Threads.stop(pool, Duration.ofSeconds(5));
        }
    }

    @Test
    void blocksThatLeftMemoryComeFromTheDiskAndDamagedOnesFromTheStore(@TempDir Path folder) throws Exception {
        try (LocalTierFile file = LocalTierFile.open(folder.resolve("cache"));
                DiskTier disk = new DiskTier(file, 1 << 20, 1 << 20, Runnable::run, Runnable::run, registry)) {
            reader.close();
            BlockCacheConfig small = new BlockCacheConfig(16 << 10, 4 << 10, 8 << 10, 8 << 10);
            cache = new BlockCache(small, store, disk, registry);
            reader = newReader(0);
            assertThat(readAll(reader, 2000)).isEqualTo(bytes);
            long once = store.readBytes.get();
            assertThat(readAll(reader, 5000)).isEqualTo(bytes);
            assertThat(store.readBytes.get()).as("nothing is requested twice").isEqualTo(once);
            assertThat(registry.counter("freshet.blockcache.hits", "tier", "disk")
                            .count())
                    .isPositive();
            int damageAt = 0;
            while (damageAt < disk.usedBytes()) {
                file.write(damageAt, ByteBuffer.wrap(new byte[] {'X', 'Y', 'Z'}));
                damageAt += 1000;
            }
            assertThat(readAll(reader, 3000)).isEqualTo(bytes);
            assertThat(registry.counter("freshet.diskcache.damaged").count()).isGreaterThan(8);
            assertThat(disk.isOn()).isTrue();
            Files.write(folder.resolve("cache"), new byte[0]);
            assertThat(readAll(reader, 3000)).as("truncated by somebody").isEqualTo(bytes);
            assertThat(disk.isOn()).isFalse();
            assertThat(readAll(reader, 3000)).isEqualTo(bytes);
        }
    }

    @Test
    void preparedSegmentNeedsNoRequestForItsFirstBatches() {
        reader.prepare(segment);
        int prepared = store.reads.get();
        get(reader.read(segment, 100, 3000, Long.MAX_VALUE, true)).release();
        assertThat(store.reads.get()).isEqualTo(prepared);
    }

    @Test
    void readsThatFindNoMemoryWaitForReaders() {
        reader.close();
        cache = newCache(new BlockCacheConfig(8 << 10, 0, 8 << 10, 8 << 10));
        reader = newReader(0);
        StreamRead held = get(reader.read(segment, 100, 1, Long.MAX_VALUE, true));
        StreamRead alsoHeld = get(reader.read(segment, segment.endOffset() - 1, 1, Long.MAX_VALUE, true));
        long middle = (segment.startOffset() + segment.endOffset()) / 2;
        CompletableFuture<StreamRead> waiting = reader.read(segment, middle, 1, Long.MAX_VALUE, true);
        assertThat(waiting).isNotDone();
        alsoHeld.release();
        assertThat(waiting).isCompleted();
        take(get(waiting));
        assertThat(take(held)).isEqualTo(Arrays.copyOf(bytes, batchPositions().get(1)));
    }

    @Test
    void blockLargerThanTheCacheIsStillRead() {
        reader.close();
        cache = newCache(new BlockCacheConfig(4 << 10, 0, 1, 1));
        SegmentContent large = new SegmentContent(
                1,
                0,
                9,
                List.of(SharedBytes.unpooled(SampleBatches.batch(random, 0, 9, 50_000, 1))),
                SampleBatches.checkpoint(random, 9));
        EncodedObject other = SampleBatches.object(43, 4096, List.of(large));
        store.add(other);
        reader = newReader(0);
        StreamRead read = get(reader.read(other.segments().get(0), 3, 1, 9, true));
        assertThat(take(read)).isEqualTo(SampleBatches.bytes(large));
    }

    @Test
    void closedCacheRefuses() {
        reader.close();
        CompletableFuture<StreamRead> read = reader.read(segment, 100, 1, Long.MAX_VALUE, true);
        assertThatThrownBy(() -> get(read)).hasMessageContaining("closed");
    }
}
