// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Threads;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskTierTest {
    private static final int CAPACITY = 10_000;

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final MemoryFile file = new MemoryFile();

    private DiskTier tier() {
        return new DiskTier(file, CAPACITY, 4_000, Runnable::run, Runnable::run, registry);
    }

    private static byte[] content(long key, int size) {
        byte[] bytes = new byte[size];
        new Random(key).nextBytes(bytes);
        return bytes;
    }

    private static BlockKey key(long key) {
        return new BlockKey(key, 7 * key);
    }

    private static CachedBlock block(long key, int size) {
        return new CachedBlock(ByteBuffer.wrap(content(key, size)), size, () -> {}, () -> {});
    }

    private static void offer(DiskTier tier, long key, int size) {
        CachedBlock block = block(key, size);
        tier.offer(key(key), block);
        block.release();
    }

    private static byte @Nullable [] read(DiskTier tier, long key, int size) {
        ByteBuffer target = ByteBuffer.allocate(size);
        boolean isRead = tier.read(List.of(new Flight(key(key))), target)
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
        return isRead ? target.array() : null;
    }

    @Test
    void givesBackWhatWasOfferedUntilItIsOverwritten() {
        DiskTier tier = tier();
        for (long key = 0; key < 40; key++) {
            offer(tier, key, 900 + (int) key);
        }
        int held = 0;
        for (long key = 0; key < 40; key++) {
            if (tier.holds(key(key))) {
                held++;
                assertThat(read(tier, key, 900 + (int) key)).isEqualTo(content(key, 900 + (int) key));
            }
        }
        assertThat(held).isBetween(9, 11);
        assertThat(tier.holds(key(39))).isTrue();
        assertThat(read(tier, 0, 900)).isNull();
        assertThat(tier.usedBytes()).isLessThanOrEqualTo(CAPACITY);
        assertThat(file.greatestEnd).isLessThanOrEqualTo(CAPACITY);
        assertThat(registry.counter("freshet.blockcache.hits", "tier", "disk").count())
                .isEqualTo(held);
    }

    @Test
    void randomSizesNeverExceedTheBudgetNorMixUpBlocks() {
        Random random = new Random(3);
        DiskTier tier = tier();
        int[] sizes = new int[2000];
        for (int key = 0; key < sizes.length; key++) {
            sizes[key] = 1 + random.nextInt(3999);
            offer(tier, key, sizes[key]);
            assertThat(tier.usedBytes()).isLessThanOrEqualTo(CAPACITY);
            int other = Math.max(0, key - random.nextInt(8));
            if (tier.holds(key(other))) {
                assertThat(read(tier, other, sizes[other])).isEqualTo(content(other, sizes[other]));
            }
        }
        assertThat(file.greatestEnd).isLessThanOrEqualTo(CAPACITY);
    }

    @Test
    void readsSeveralBlocksAtOnceOrNothing() {
        DiskTier tier = tier();
        offer(tier, 1, 100);
        offer(tier, 2, 200);
        ByteBuffer both = ByteBuffer.allocate(300);
        assertThat(tier.read(List.of(new Flight(key(1)), new Flight(key(2))), both)
                        .join())
                .isTrue();
        assertThat(java.util.Arrays.copyOfRange(both.array(), 100, 300)).isEqualTo(content(2, 200));
        assertThat(tier.read(List.of(new Flight(key(1)), new Flight(key(3))), both)
                        .join())
                .isFalse();
        assertThat(tier.holdsAll(List.of(new Flight(key(1)), new Flight(key(3)))))
                .isFalse();
    }

    @Test
    void fullDiskSwitchesItOffForGood() {
        DiskTier tier = tier();
        offer(tier, 1, 100);
        file.failure = new IOException("No space left on device");
        offer(tier, 2, 100);
        assertThat(tier.isOn()).isFalse();
        assertThat(registry.get("freshet.diskcache.on").gauge().value()).isZero();
        file.failure = null;
        offer(tier, 3, 100);
        assertThat(tier.holds(key(1))).isFalse();
        assertThat(tier.holds(key(3))).isFalse();
        assertThat(tier.usedBytes()).isZero();
    }

    @Test
    void failedReadIsAMissAndSwitchesItOff() {
        DiskTier tier = tier();
        offer(tier, 1, 100);
        file.failure = new IOException("Input/output error");
        assertThat(read(tier, 1, 100)).isNull();
        assertThat(tier.isOn()).isFalse();
    }

    @Test
    void damagedBlockIsForgotten() {
        DiskTier tier = tier();
        offer(tier, 1, 100);
        tier.forgetDamaged(key(1));
        tier.forgetDamaged(key(1));
        assertThat(read(tier, 1, 100)).isNull();
        assertThat(registry.counter("freshet.diskcache.damaged").count()).isEqualTo(1);
        assertThat(tier.isOn()).isTrue();
    }

    @Test
    void blocksThatCannotBeWrittenSoonAreDropped() {
        Queue<Runnable> held = new ArrayDeque<>();
        DiskTier tier = new DiskTier(file, CAPACITY, 250, held::add, Runnable::run, registry);
        List<CachedBlock> blocks = new ArrayList<>();
        for (long key = 0; key < 4; key++) {
            blocks.add(block(key, 100));
            tier.offer(key(key), blocks.get((int) key));
        }
        assertThat(held).hasSize(2);
        assertThat(registry.counter("freshet.diskcache.dropped").count()).isEqualTo(2);
        held.forEach(Runnable::run);
        assertThat(blocks)
                .allSatisfy(block -> assertThat(block.releaseInCache()).isTrue());
        assertThat(tier.holds(key(1))).isTrue();
        assertThat(tier.holds(key(2))).isFalse();
        offer(tier, 2, 100);
        assertThat(held).as("there is room again").hasSize(3);
    }

    @Test
    void refusedReadIsAMiss() {
        DiskTier tier = new DiskTier(
                file,
                CAPACITY,
                4000,
                Runnable::run,
                task -> {
                    throw new RejectedExecutionException("full");
                },
                registry);
        offer(tier, 1, 100);
        assertThat(read(tier, 1, 100)).isNull();
        assertThat(tier.isOn()).isTrue();
    }

    @Test
    void manyThreadsReadWhileTheRingIsOverwritten(@TempDir Path folder) throws Exception {
        ExecutorService writer = Threads.pool("writer", 1, 1000);
        ExecutorService readers = Threads.pool("readers", 2, 1000);
        ExecutorService clients = Threads.pool("clients", 4, 10);
        Path path = folder.resolve("cache");
        ConcurrentHashMap<Integer, Integer> wrong = new ConcurrentHashMap<>();
        try (LocalTierFile local = LocalTierFile.open(path);
                DiskTier tier = new DiskTier(local, 64 << 10, 32 << 10, writer, readers, registry)) {
            List<Future<?>> done = new ArrayList<>();
            for (int client = 0; client < 4; client++) {
                int seed = client;
                done.add(clients.submit(() -> {
                    Random random = new Random(seed);
                    for (int i = 0; i < 3000; i++) {
                        int key = random.nextInt(60);
                        offer(tier, key, 2000 + key);
                        byte[] got = read(tier, key, 2000 + key);
                        if (got != null && !java.util.Arrays.equals(got, content(key, 2000 + key))) {
                            wrong.merge(key, 1, Integer::sum);
                        }
                    }
                }));
            }
            for (Future<?> future : done) {
                future.get(30, TimeUnit.SECONDS);
            }
            assertThat(Files.size(path)).isLessThanOrEqualTo(64 << 10);
            Threads.stop(writer, Duration.ofSeconds(5));
            Threads.stop(readers, Duration.ofSeconds(5));
        } finally {
            Threads.stop(clients, Duration.ofSeconds(5));
        }
        // A block may be overwritten while it is read only after it was forgotten, and that is noticed.
        assertThat(wrong).isEmpty();
        assertThat(registry.counter("freshet.blockcache.hits", "tier", "disk").count())
                .isPositive();
        assertThat(path).doesNotExist();
    }

    @Test
    void fileBelongsToOneAndBeginsEmpty(@TempDir Path folder) throws Exception {
        Path path = folder.resolve("deep/cache");
        Files.createDirectories(path.getParent());
        Files.write(path, new byte[1000]);
        try (LocalTierFile first = LocalTierFile.open(path)) {
            assertThat(Files.size(path)).isZero();
            assertThatThrownBy(() -> LocalTierFile.open(path))
                    .isInstanceOf(FreshetException.class)
                    .hasMessageContaining("cache.disk.path");
            first.write(5, ByteBuffer.wrap(new byte[] {1, 2, 3}));
            ByteBuffer back = ByteBuffer.allocate(2);
            first.read(6, back);
            assertThat(back.array()).containsExactly(2, 3);
            assertThatThrownBy(() -> first.read(7, ByteBuffer.allocate(2))).isInstanceOf(IOException.class);
        }
    }

    /** A disk in memory that fails on demand. */
    private static final class MemoryFile implements TierFile {
        private final byte[] bytes = new byte[CAPACITY * 2];
        private long greatestEnd;
        private @Nullable IOException failure;

        @Override
        public void read(long position, ByteBuffer target) throws IOException {
            failIfTold();
            target.put(bytes, (int) position, target.remaining());
        }

        @Override
        public void write(long position, ByteBuffer source) throws IOException {
            failIfTold();
            greatestEnd = Math.max(greatestEnd, position + source.remaining());
            source.get(bytes, (int) position, source.remaining());
        }

        private void failIfTold() throws IOException {
            if (failure != null) {
                throw failure;
            }
        }

        @Override
        public String description() {
            return "memory";
        }

        @Override
        public void close() {}
    }
}
