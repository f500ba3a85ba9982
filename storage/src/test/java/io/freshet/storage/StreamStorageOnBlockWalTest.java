// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.cache.BlockCache;
import io.freshet.storage.cache.BlockCacheConfig;
import io.freshet.storage.cache.IndexCache;
import io.freshet.storage.fake.ByteLedger;
import io.freshet.storage.fake.MemoryStreamMetadata;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.fake.TestObjectStore;
import io.freshet.storage.format.BatchHeader;
import io.freshet.storage.read.ObjectSegmentReader;
import io.freshet.wal.block.BlockWal;
import io.freshet.wal.block.BlockWalConfig;
import io.freshet.wal.block.FileBlockDevice;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real WAL, the real segment reader and real threads. */
class StreamStorageOnBlockWalTest {
    private static final int BROKER_ID = 3;
    private static final long WAL_BYTES = 8 << 20;

    @TempDir
    private Path directory;

    private final Clock clock = Clock.system();
    private final TestObjectStore store = new TestObjectStore(clock);
    private final MemoryStreamMetadata metadata = new MemoryStreamMetadata(clock);
    private final ByteLedger ledger = new ByteLedger();
    private Threads.SchedulerThread scheduler;
    private ExecutorService executor;
    private StreamStorage storage;
    private ObjectSegmentReader reader;

    @BeforeEach
    void start() {
        scheduler = Threads.scheduler("storage-test");
        executor = Threads.pool("storage-test-upload", 2, 1000);
        open();
    }

    @AfterEach
    void stop() {
        close();
        scheduler.close();
        Threads.stop(executor, Duration.ofSeconds(5));
    }

    private void open() {
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        reader = new ObjectSegmentReader(
                new IndexCache(store, 16 << 20, 64 << 10, meters),
                new BlockCache(BlockCacheConfig.ofCapacity(32 << 20), store, meters),
                clock,
                4);
        StorageConfig config = StorageConfig.defaults()
                .withUpload(1 << 20, 500)
                .withTailCacheBytes(WAL_BYTES)
                .withObjects(4 << 20, 1 << 20, 64 << 10);
        storage = StreamStorage.open(
                config,
                new StorageParts(
                        store,
                        metadata,
                        reader,
                        List.of(new StorageParts.Lane(
                                "block",
                                visitor -> BlockWal.open(
                                        BlockWalConfig.of(BROKER_ID),
                                        FileBlockDevice.open(directory.resolve("wal"), WAL_BYTES),
                                        visitor,
                                        new BlockWal.Services(clock, Randomness.secure(), meters)))),
                        clock,
                        scheduler,
                        executor,
                        meters,
                        BROKER_ID,
                        1));
    }

    private void close() {
        storage.close();
        reader.close();
    }

    private static final class Owner implements SegmentCheckpoint.Source {
        private final StreamLog[] log = new StreamLog[1];
        private final List<ByteBuffer> batches = new ArrayList<>();
        private final Random random;
        private long endOffset;
        private volatile long acknowledgedEnd;

        Owner(long seed) {
            random = new Random(seed);
        }

        synchronized boolean append(ByteLedger ledger, int fillerBytes) {
            ByteBuffer batch = TestBatches.batch(endOffset, 3, endOffset, fillerBytes, random);
            SharedBytes bytes = ledger.counted(TestBatches.concat(List.of(batch)));
            long end = endOffset + 3;
            try {
                log[0].append(new StreamAppend(endOffset, end, endOffset + 2, bytes) {
                    @Override
                    public void completed(@Nullable FreshetException failure) {
                        if (failure == null) {
                            acknowledgedEnd = end;
                        }
                    }
                });
                batches.add(batch);
                endOffset = end;
                return true;
            } catch (FreshetException e) {
                assertThat(e.kind().isRetriable()).as("%s", e).isTrue();
                return false;
            } finally {
                bytes.release();
            }
        }

        @Override
        public synchronized SegmentCheckpoint checkpoint() {
            return new SegmentCheckpoint(endOffset, List.of(new EpochStart(1, 0)), new byte[100], List.of());
        }
    }

    private StreamLog openStream(long streamId, Owner owner) throws Exception {
        int leaderEpoch = metadata.moveStream(streamId, BROKER_ID);
        owner.log[0] = storage.open(streamId, leaderEpoch, owner).get(10, TimeUnit.SECONDS);
        return owner.log[0];
    }

    private static List<ByteBuffer> readAll(StreamLog log) throws Exception {
        List<ByteBuffer> found = new ArrayList<>();
        long next = log.startOffset();
        while (next < log.durableEndOffset()) {
            StreamRead read =
                    log.read(next, 100_000, log.durableEndOffset(), true).get(10, TimeUnit.SECONDS);
            next = read.endOffset();
            found.addAll(TestBatches.take(read));
        }
        return found;
    }

    @Test
    void manyWritersAndReadersKeepEveryAcknowledgedAppendOverRestarts() throws Exception {
        int streams = 8;
        List<Owner> owners = new ArrayList<>();
        for (int i = 0; i < streams; i++) {
            metadata.createStream(i, BROKER_ID, 1);
            owners.add(new Owner(i));
        }
        ExecutorService writers = Threads.pool("storage-test-writer", streams, 100);
        for (int round = 0; round < 3; round++) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < streams; i++) {
                Owner owner = owners.get(i);
                StreamLog log = openStream(i, owner);
                assertThat(log.endOffset()).isEqualTo(owner.acknowledgedEnd).isEqualTo(owner.endOffset);
                running.add(writers.submit(() -> {
                    for (int n = 0; n < 400; n++) {
                        while (!owner.append(ledger, 100 + n * 17 % 4000)) {
                            Thread.onSpinWait();
                        }
                        if (n % 50 == 0 && log.durableEndOffset() > 0) {
                            long at = log.durableEndOffset() - 1;
                            TestBatches.take(log.read(at, 10_000, at + 1, true).get(10, TimeUnit.SECONDS));
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> writer : running) {
                writer.get(30, TimeUnit.SECONDS);
            }
            for (Owner owner : owners) {
                Awaitility.await().until(() -> owner.acknowledgedEnd == owner.endOffset);
                assertThat(readAll(owner.log[0])).isEqualTo(owner.batches);
            }
            if (round == 1) {
                storage.uploadNow().get(10, TimeUnit.SECONDS);
            }
            close();
            Awaitility.await().until(() -> ledger.live() == 0);
            open();
        }
        for (int i = 0; i < streams; i++) {
            openStream(i, owners.get(i));
            assertThat(readAll(owners.get(i).log[0])).isEqualTo(owners.get(i).batches);
        }
        Threads.stop(writers, Duration.ofSeconds(5));
    }

    @Test
    void opensAThousandStreamsInTime() throws Exception {
        List<Owner> owners = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            metadata.createStream(i, BROKER_ID, 1);
            owners.add(new Owner(i));
            openStream(i, owners.get(i));
            owners.get(i).append(ledger, 200);
        }
        storage.uploadNow().get(10, TimeUnit.SECONDS);
        owners.forEach(owner -> owner.append(ledger, 200));
        close();
        long start = System.nanoTime();
        open();
        List<CompletableFuture<StreamLog>> opening = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            opening.add(storage.open(i, metadata.moveStream(i, BROKER_ID), owners.get(i)));
        }
        for (int i = 0; i < 1000; i++) {
            StreamLog log = opening.get(i).get(10, TimeUnit.SECONDS);
            assertThat(log.committedEndOffset()).isEqualTo(3);
            assertThat(log.durableEndOffset()).isEqualTo(6);
            assertThat(log.openedCheckpoint()).isPresent();
            int[] replayed = {0};
            log.replayTail(batch -> {
                assertThat(BatchHeader.baseOffset(batch, 0)).isEqualTo(3);
                replayed[0]++;
            });
            assertThat(replayed[0]).isEqualTo(1);
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(3));
    }
}
