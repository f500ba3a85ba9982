// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.fake.MemoryStreamMetadata;
import io.freshet.storage.fake.SlowReads;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.fake.TestObjectStore;
import io.freshet.storage.fake.WalQuorum;
import io.freshet.storage.fake.WholeObjectReader;
import io.freshet.storage.format.SlotObjects;
import io.freshet.wal.s3.S3Wal;
import io.freshet.wal.s3.S3WalConfig;
import io.freshet.wal.s3.S3WalRecovery;
import io.freshet.wal.s3.S3WalServices;
import io.freshet.wal.s3.SealedWals;
import io.freshet.wal.s3.WalRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;

/** Not a test: prints how long it takes to seal a dead broker's WAL and to open its streams. Arguments: streams, MiB, ms a read. */
final class TakeoverThroughput {
    private static final int APPENDS = 10;
    private static final long MIB = 1 << 20;

    private TakeoverThroughput() {}

    public static void main(String[] args) throws Exception {
        int streams = args.length > 0 ? Integer.parseInt(args[0]) : 1000;
        int mib = args.length > 1 ? Integer.parseInt(args[1]) : 100;
        int readMs = args.length > 2 ? Integer.parseInt(args[2]) : 30;
        Clock clock = Clock.system();
        var scheduler = Threads.scheduler("bench-scheduler");
        ExecutorService executor = Threads.pool("bench", 2, 1 << 20);
        MemoryStreamMetadata metadata = new MemoryStreamMetadata(clock);
        WalQuorum quorum = new WalQuorum(metadata);
        TestObjectStore store = new TestObjectStore(clock);
        ObjectStore slow = new SlowReads(store, scheduler, readMs, 80);
        WalRegistry registry = quorum.client(new io.freshet.storage.fake.KillSwitch());
        SlotObjects slots = new SlotObjects(1 << 20);
        S3WalServices services =
                new S3WalServices(clock, scheduler, executor, Randomness.secure(), new SimpleMeterRegistry());
        write(streams, mib, metadata, quorum, store, registry, slots, services);
        for (int run = 0; run < 3; run++) {
            quorum.fence(1);
            long began = System.nanoTime();
            if (run == 0) {
                new S3WalRecovery(2, 16, slow, registry, slots, services)
                        .seal(quorum.wals().get(0))
                        .join();
                System.out.printf("sealed in %d ms: %s%n", (System.nanoTime() - began) / 1_000_000, quorum.wals());
                began = System.nanoTime();
            }
            long epoch = quorum.register(2);
            metadata.registerBroker(2, epoch);
            S3Wal wal = S3Wal.openSealing(S3WalConfig.of(2, epoch), slow, registry, slots, services)
                    .join();
            StorageConfig config = StorageConfig.defaults().withTailCacheBytes(5L << 30);
            StreamStorage storage = StreamStorage.open(
                    config,
                    new StorageParts(
                            slow,
                            metadata,
                            new WholeObjectReader(store),
                            List.of(new StorageParts.Lane("s3", visitor -> wal)),
                            Optional.of(
                                    new SealedWals(SealedWals.Bounds.DEFAULT, slow, quorum, registry, slots, services)),
                            clock,
                            scheduler,
                            executor,
                            new SimpleMeterRegistry(),
                            2,
                            epoch));
            began = System.nanoTime();
            List<CompletableFuture<StreamLog>> openings = new ArrayList<>();
            for (long stream = 0; stream < streams; stream++) {
                openings.add(storage.open(stream, metadata.moveStream(stream, 2), () -> {
                    throw new IllegalStateException("nothing is uploaded here");
                }));
            }
            long bytes = 0;
            for (CompletableFuture<StreamLog> opening : openings) {
                bytes += opening.join().sizeBytes();
            }
            System.out.printf(
                    "%d streams with %d MiB opened in %d ms%n",
                    streams, bytes / MIB, (System.nanoTime() - began) / 1_000_000);
            storage.close();
        }
        scheduler.close();
        executor.shutdownNow();
    }

    private static void write(
            int streams,
            int mib,
            MemoryStreamMetadata metadata,
            WalQuorum quorum,
            ObjectStore store,
            WalRegistry registry,
            SlotObjects slots,
            S3WalServices services)
            throws InterruptedException {
        long epoch = quorum.register(1);
        S3Wal wal = S3Wal.openSealing(S3WalConfig.of(1, epoch), store, registry, slots, services)
                .join();
        Random random = new Random(1);
        int size = (int) (mib * MIB / streams / APPENDS);
        CountDownLatch durable = new CountDownLatch(streams * APPENDS);
        for (long stream = 0; stream < streams; stream++) {
            metadata.createStream(stream, 1, 1);
        }
        for (int i = 0; i < APPENDS; i++) {
            for (long stream = 0; stream < streams; stream++) {
                wal.append(new Entry(stream, i * 10L, TestBatches.batch(i * 10L, 10, 1, size, random), durable));
            }
        }
        durable.await();
        wal.close();
    }

    private record Entry(long streamId, long baseOffset, ByteBuffer payload, CountDownLatch durable)
            implements io.freshet.wal.WalEntry {
        @Override
        public int leaderEpoch() {
            return 1;
        }

        @Override
        public long endOffset() {
            return baseOffset + 10;
        }

        @Override
        public ByteBuffer payload() {
            return payload.duplicate();
        }

        @Override
        public int payloadSizeBytes() {
            return payload.remaining();
        }

        @Override
        public void onDurable(long lsn) {
            durable.countDown();
        }

        @Override
        public void onFailed(FreshetException cause) {
            throw cause;
        }
    }
}
