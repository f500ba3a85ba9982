// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.cache.BlockCache;
import io.freshet.storage.cache.BlockCacheConfig;
import io.freshet.storage.cache.IndexCache;
import io.freshet.storage.fake.FakeWal;
import io.freshet.storage.fake.MemoryStreamMetadata;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.fake.TestOwner;
import io.freshet.storage.fake.WholeObjectReader;
import io.freshet.storage.format.BatchHeader;
import io.freshet.storage.read.ObjectSegmentReader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/**
 * Random appends, changes of lane, reads, uploads, trims, re-openings and crashes on a few streams, with late, failing and lost answers of the
 * store and the quorum, held against a model. One seed is one run; a failure names its seed.
 */
class StreamStorageSimTest {
    private static final int SEEDS = Integer.getInteger("freshet.storage.seeds", 150);
    private static final int STEPS = 300;
    private static final int STREAMS = 5;

    @Test
    void neverLosesOrChangesAnAcknowledgedAppend() {
        long first = Long.getLong("freshet.storage.seed", 1);
        int throttled = 0;
        int switched = 0;
        for (long seed = first; seed < first + SEEDS; seed++) {
            try {
                Run run = new Run(seed);
                run.run();
                throttled += run.throttled;
                switched += run.switched;
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("Seed " + seed + ": " + e.getMessage(), e);
            }
        }
        assertThat(throttled).as("appends refused because uploads lagged").isPositive();
        assertThat(switched).as("changes of a stream's lane").isPositive();
    }

    private static final class Run {
        private final Random random;
        private final StorageFixture fixture;
        private final UnreliableTransport transport = new UnreliableTransport();
        private int throttled;
        private int switched;

        Run(long seed) {
            random = new Random(seed);
            StorageConfig config = StorageConfig.defaults()
                    .withUpload(1 + random.nextInt(40_000), 1 + random.nextInt(2_000))
                    .withTailCacheBytes(200_000)
                    .withObjects(1 + random.nextInt(60_000), 1 + random.nextInt(30_000), 4096)
                    .withDeletion(50, 100, 20, 5_000);
            fixture = new StorageFixture(seed, config, 20_000 + random.nextInt(80_000));
            for (int lanes = random.nextInt(3); lanes > 0; lanes--) {
                fixture.devices.add(new FakeWal.Device(20_000 + random.nextInt(30_000)));
            }
            fixture.immediateWal = false;
            fixture.flushesByItself = true;
            fixture.store.transport(transport);
            fixture.metadata.transport(transport);
        }

        void run() {
            newReader();
            fixture.start();
            for (long stream = 1; stream <= STREAMS; stream++) {
                fixture.create(stream);
            }
            for (int step = 0; step < STEPS; step++) {
                step(random.nextInt(100));
            }
            transport.faulty = false;
            fixture.uploadNow();
            fixture.owners.values().forEach(this::verify);
            fixture.storage().close();
            assertThat(fixture.ledger.live()).as("bytes still referenced").isZero();
        }

        private void newReader() {
            fixture.reader = random.nextBoolean()
                    ? new WholeObjectReader(fixture.store)
                    : new ObjectSegmentReader(
                            new IndexCache(fixture.store, 1 << 20, 4096, fixture.meters),
                            new BlockCache(BlockCacheConfig.ofCapacity(8 << 20), fixture.store, fixture.meters),
                            fixture.sim,
                            2);
        }

        private void step(int choice) {
            TestOwner owner = fixture.owner(1 + random.nextInt(STREAMS));
            if (choice < 52) {
                append(owner);
            } else if (choice < 55) {
                switchLane(owner);
            } else if (choice < 70) {
                fixture.sim.advance(random.nextInt(300));
            } else if (choice < 85) {
                read(owner);
            } else if (choice < 88) {
                fixture.storage().uploadNow();
            } else if (choice < 90) {
                fixture.uploadNow();
                assertThat(owner.log().committedEndOffset()).isEqualTo(owner.endOffset());
            } else if (choice < 93) {
                trim(owner);
            } else if (choice < 96) {
                fixture.open(owner);
            } else if (choice < 98) {
                fixture.storage().close();
                fixture.sim.advance(30_000);
                assertThat(fixture.ledger.live()).isZero();
                restart();
            } else {
                restart();
            }
        }

        private void restart() {
            fixture.reader.close();
            if (random.nextBoolean()) {
                fixture.crashInFlight();
            } else {
                fixture.crash();
            }
            newReader();
            fixture.restart();
        }

        private void switchLane(TestOwner owner) {
            String lane = StorageFixture.laneName(random.nextInt(fixture.devices.size()));
            switched += lane.equals(owner.log().lane()) ? 0 : 1;
            owner.log().useLane(lane);
        }

        private void append(TestOwner owner) {
            try {
                owner.append(1 + random.nextInt(4), 1500);
            } catch (FreshetException e) {
                if (e.kind() != ErrorKind.THROTTLED) {
                    throw e;
                }
                throttled++;
                fixture.sim.advance(50);
            }
        }

        private void read(TestOwner owner) {
            long start = startOf(owner);
            long end = owner.log().durableEndOffset();
            if (end <= start) {
                return;
            }
            long from = start + random.nextInt((int) (end - start));
            long to = from + 1 + random.nextInt((int) (end - from));
            int maxBytes = 1 + random.nextInt(5_000);
            List<ByteBuffer> expected = owner.expected(from, to);
            assertThat(fixture.readAll(owner, from, to, maxBytes)).isEqualTo(expected);
            StreamRead once = fixture.sim.await(owner.log().read(from, maxBytes, to, false));
            List<ByteBuffer> got = TestBatches.take(once);
            assertThat(got.stream().mapToInt(ByteBuffer::remaining).sum()).isLessThanOrEqualTo(maxBytes);
            assertThat(got).isEqualTo(expected.subList(0, got.size()));
        }

        private void trim(TestOwner owner) {
            long start = owner.log().startOffset();
            long durable = owner.log().durableEndOffset();
            long target = start + random.nextInt((int) (durable - start) + 1);
            CompletableFuture<Void> trimmed = owner.log().trim(target);
            try {
                fixture.sim.await(trimmed);
                assertThat(owner.log().startOffset()).isEqualTo(target);
            } catch (RuntimeException e) {
                assertThat(FreshetException.of(e).kind()).isIn(ErrorKind.UNAVAILABLE, ErrorKind.INDETERMINATE);
            }
        }

        /** A trim whose answers were all lost has moved the quorum's start, but not yet the stream's. */
        private long startOf(TestOwner owner) {
            long known = fixture.metadata.stream(owner.streamId()).orElseThrow().startOffset();
            return Math.max(known, owner.log().startOffset());
        }

        private void verify(TestOwner owner) {
            long start = startOf(owner);
            assertThat(owner.log().committedEndOffset()).isEqualTo(owner.endOffset());
            assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
            assertThat(fixture.readAll(owner, start, owner.endOffset(), 3_000))
                    .isEqualTo(owner.expected(start, owner.endOffset()));
            List<StreamSegment> segments = owner.log().segments();
            long next = -1;
            for (StreamSegment segment : segments) {
                assertThat(next < 0 || next == segment.startOffset()).isTrue();
                next = segment.endOffset();
                assertThat(fixture.store.keys()).contains(ObjectKeys.dataKey(segment.objectId()));
            }
            List<ByteBuffer> fromObjects = new ArrayList<>();
            for (StreamSegment segment : segments) {
                StreamRead read = new WholeObjectReader(fixture.store)
                        .read(segment, segment.startOffset(), Integer.MAX_VALUE, Long.MAX_VALUE, true)
                        .join();
                TestBatches.take(read).stream()
                        .filter(batch -> BatchHeader.endOffset(batch, 0) > start)
                        .forEach(fromObjects::add);
            }
            assertThat(fromObjects).isEqualTo(owner.expected(start, owner.endOffset()));
        }

        /** Calls arrive late, fail before or after they took effect, or succeed; after a crash nothing more happens. */
        private final class UnreliableTransport implements MemoryStreamMetadata.Transport {
            private boolean faulty = true;

            @Override
            public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
                CompletableFuture<T> answer = new CompletableFuture<>();
                int fate = faulty ? random.nextInt(10) : 9;
                fixture.sim.schedule(random.nextInt(40), () -> {
                    if (fate == 0) {
                        answer.completeExceptionally(new FreshetException(ErrorKind.UNAVAILABLE, name + " fails"));
                        return;
                    }
                    Runnable then = outcome(name, command, answer, fate == 1);
                    fixture.sim.schedule(random.nextInt(40), then);
                });
                return answer;
            }

            private <T> Runnable outcome(
                    String name, Supplier<T> command, CompletableFuture<T> answer, boolean isLost) {
                try {
                    T value = command.get();
                    return isLost
                            ? () -> answer.completeExceptionally(
                                    new FreshetException(ErrorKind.INDETERMINATE, name + " got no answer"))
                            : () -> answer.complete(value);
                } catch (FreshetException e) {
                    return () -> answer.completeExceptionally(e);
                }
            }
        }
    }
}
