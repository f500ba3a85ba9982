// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStores;
import io.freshet.objectstore.fault.Fault.Effect;
import io.freshet.objectstore.fault.Faults;
import io.freshet.objectstore.fault.FaultyDriver;
import io.freshet.objectstore.memory.MemoryDriver;
import io.freshet.objectstore.retry.RetryPolicy;
import io.freshet.storage.fake.SimRuntime;
import io.freshet.storage.format.ObjectFormat;
import io.freshet.storage.format.SampleBatches;
import io.freshet.storage.format.SlotObjects;
import io.freshet.wal.WalEntry;
import io.freshet.wal.s3.S3Wal;
import io.freshet.wal.s3.S3WalConfig;
import io.freshet.wal.s3.S3WalServices;
import io.freshet.wal.s3.WalRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The S3 lane with the format of objects, over a store that loses, delays and damages answers. */
class S3WalOnSlotObjectsTest {
    private static final int RESTARTS = 6;

    private final SimRuntime runtime = new SimRuntime(1_000_000);
    private final Random random = new Random(5);
    private final MemoryDriver driver = new MemoryDriver("slots", runtime);
    private final Registry registry = new Registry();
    private final TreeMap<Long, ByteArrayOutputStream> written = new TreeMap<>();

    @Test
    void batchesComeBackByteForByteAfterManyRestarts() {
        long[] nextOffsets = new long[4];
        for (long epoch = 1; epoch <= RESTARTS; epoch++) {
            TreeMap<Long, ByteArrayOutputStream> recovered = new TreeMap<>();
            S3Wal wal = open(epoch, recovered);
            assertSame(recovered);
            List<Entry> entries = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                int stream = random.nextInt(nextOffsets.length);
                int records = 1 + random.nextInt(5);
                ByteBuffer batch =
                        SampleBatches.batch(random, nextOffsets[stream], records, 100 + random.nextInt(5_000), 1000);
                Entry entry = new Entry(stream, (int) epoch, nextOffsets[stream], nextOffsets[stream] + records, batch);
                nextOffsets[stream] += records;
                written.computeIfAbsent((long) stream, s -> new ByteArrayOutputStream())
                        .writeBytes(batch.array());
                entries.add(entry);
                wal.append(entry);
                runtime.advance(random.nextInt(30));
            }
            entries.forEach(entry -> runtime.await(entry.durable));
        }
        TreeMap<Long, ByteArrayOutputStream> recovered = new TreeMap<>();
        open(RESTARTS + 1, recovered);
        assertSame(recovered);
    }

    private void assertSame(TreeMap<Long, ByteArrayOutputStream> recovered) {
        assertThat(recovered.keySet()).isEqualTo(written.keySet());
        recovered.forEach((stream, bytes) -> assertThat(bytes.toByteArray())
                .isEqualTo(requireNonNull(written.get(stream)).toByteArray()));
    }

    private S3Wal open(long epoch, TreeMap<Long, ByteArrayOutputStream> recovered) {
        Faults faults = Faults.seeded(
                random::nextLong,
                0.1,
                50,
                List.of(Effect.LOST_REQUEST, Effect.LOST_ANSWER, Effect.SLOW_DOWN, Effect.TRUNCATED, Effect.BIT_FLIP));
        ObjectStore store = ObjectStores.over(
                new FaultyDriver(driver, faults, runtime, random::nextLong),
                RetryPolicy.STANDARD,
                new SimpleMeterRegistry(),
                runtime,
                runtime,
                random::nextLong);
        S3WalServices services =
                new S3WalServices(runtime, runtime, runtime.executor(), random::nextLong, new SimpleMeterRegistry());
        return runtime.await(S3Wal.open(
                S3WalConfig.of(3, epoch),
                store,
                registry,
                new SlotObjects(ObjectFormat.MIN_BLOCK_TARGET_BYTES),
                (lsn, stream, leaderEpoch, base, end, payload) -> {
                    byte[] copy = new byte[payload.remaining()];
                    payload.get(copy);
                    recovered
                            .computeIfAbsent(stream, s -> new ByteArrayOutputStream())
                            .writeBytes(copy);
                },
                services));
    }

    private record Entry(
            long streamId,
            int leaderEpoch,
            long baseOffset,
            long endOffset,
            ByteBuffer payload,
            CompletableFuture<Long> durable)
            implements WalEntry {
        Entry(long streamId, int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload) {
            this(streamId, leaderEpoch, baseOffset, endOffset, payload, new CompletableFuture<>());
        }

        @Override
        public int payloadSizeBytes() {
            return payload.remaining();
        }

        @Override
        public void onDurable(long lsn) {
            durable.complete(lsn);
        }

        @Override
        public void onFailed(FreshetException cause) {
            durable.completeExceptionally(cause);
        }
    }

    /** A quorum of one that never fails. */
    private static final class Registry implements WalRegistry {
        private final TreeMap<Long, WalState> wals = new TreeMap<>();
        private long nextId = 1;

        @Override
        public List<WalState> wals(int brokerId) {
            return List.copyOf(wals.values());
        }

        @Override
        public CompletableFuture<Optional<WalState>> refreshed(int brokerId, long brokerEpoch) {
            return CompletableFuture.completedFuture(Optional.ofNullable(wals.get(brokerEpoch)));
        }

        @Override
        public CompletableFuture<Void> open(int brokerId, long brokerEpoch) {
            wals.put(brokerEpoch, new WalState(brokerId, brokerEpoch, 0, WalState.NOT_SEALED));
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletableFuture<Void> seal(WalSeal seal) {
            wals.put(seal.brokerEpoch(), new WalState(seal.brokerId(), seal.brokerEpoch(), 0, seal.endSlot()));
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletableFuture<Void> trim(int brokerId, long brokerEpoch, long startSlot) {
            throw new AssertionError("nothing is trimmed here");
        }

        @Override
        public CompletableFuture<Void> retire(int brokerId, long brokerEpoch) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletableFuture<IdRange> reserveObjectIds(int count) {
            nextId += count;
            return CompletableFuture.completedFuture(new IdRange(nextId - count, nextId));
        }
    }
}
