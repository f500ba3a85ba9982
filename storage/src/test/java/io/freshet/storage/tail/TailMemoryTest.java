// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.BackingMemory;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StorageParts;
import io.freshet.storage.StreamAppend;
import io.freshet.storage.fake.TestBatches;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Compares what the budget is charged with what the process really uses. */
class TailMemoryTest {
    private static final long MIB = 1 << 20;
    private static final int BATCH_BYTES = 100;

    private final Random random = new Random(5);

    /** The number is 10 million with {@code -Dfreshet.tail.batches=10000000}. */
    @Test
    void millionsOfSmallBatchesStayInsideTheBudget() {
        int count = Integer.getInteger("freshet.tail.batches", 1_000_000);
        Tails tails = new Tails(32 * MIB, 100);
        long before = usedBytes();
        ByteBuffer batch = TestBatches.batch(0, 1, 0, BATCH_BYTES - 61, random);
        long greatest = 0;
        for (int i = 0; i < count; i++) {
            tails.append(i % 100, copyOf(batch));
            greatest = Math.max(greatest, tails.memory.totalBytes());
            if (i % 20_000 == 19_999) {
                tails.commitAll();
            }
        }
        assertThat(greatest).isLessThan(32 * MIB + MIB);
        long charged = tails.memory.totalBytes();
        long used = usedBytes() - before;
        System.out.printf(
                "%d batches of %d bytes: %d in memory, %d charged, %d in use, %d per batch%n",
                count, BATCH_BYTES, tails.count(), charged, used, used / tails.count());
        assertThat(charged).as("the budget is made use of").isGreaterThan(24 * MIB);
        assertThat(used).as("memory in use with " + charged + " bytes charged").isBetween(charged / 2, (long)
                (32 * MIB * 1.05));
        tails.dropAll();
    }

    @Test
    void batchesThatCannotBeEvictedAreChargedWhatTheyTake() {
        Tails tails = new Tails(256 * MIB, 7);
        long before = usedBytes();
        ByteBuffer batch = TestBatches.batch(0, 1, 0, BATCH_BYTES - 61, random);
        for (int i = 0; i < 200_000; i++) {
            tails.append(i % 7, copyOf(batch));
        }
        long used = usedBytes() - before;
        assertThat(used)
                .as("in use")
                .isBetween(tails.memory.uncommittedBytes() / 2, tails.memory.uncommittedBytes() * 105 / 100);
        assertThat(tails.memory.uncommittedBytes()).isEqualTo(tails.memory.totalBytes());
        tails.dropAll();
        assertThat(tails.memory.uncommittedBytes()).isZero();
    }

    @Test
    void aFrameIsChargedWholeFromItsFirstPartToItsLast() {
        Tails tails = new Tails(64 * MIB, 2);
        TestFrame frame = new TestFrame(1 << 20);
        ByteBuffer batch = TestBatches.batch(0, 1, 0, 8192 - 61, random);
        tails.append(0, frame.part(batch));
        long one = tails.memory.totalBytes();
        assertThat(one).isBetween(MIB, MIB + 1024);
        tails.append(1, frame.part(batch));
        assertThat(tails.memory.totalBytes()).isLessThan(one + 1024);
        frame.release();
        tails.commit(0);
        assertThat(tails.memory.uncommittedBytes()).isGreaterThan(MIB);
        tails.commit(1);
        assertThat(tails.memory.uncommittedBytes()).isZero();
        tails.tails.get(0).evictAll();
        assertThat(tails.memory.totalBytes()).isGreaterThan(MIB);
        assertThat(frame.references.get()).isPositive();
        tails.tails.get(1).evictAll();
        assertThat(tails.memory.totalBytes()).isLessThan(1024);
        assertThat(frame.references.get()).isZero();
    }

    @Test
    void smallPartsDoNotKeepLargeFrames() {
        Tails tails = new Tails(16 * MIB, 3);
        for (int i = 0; i < 300; i++) {
            TestFrame frame = new TestFrame(1 << 20);
            tails.append(i % 3, frame.part(TestBatches.batch(0, 1, 0, 3000, random)));
            frame.release();
            assertThat(frame.references.get()).isZero();
        }
        assertThat(tails.memory.totalBytes()).isLessThan(2 * MIB);
        tails.dropAll();
    }

    @Test
    void largeFramesAreEvictedBeforeTheyExceedTheBudget() {
        Tails tails = new Tails(16 * MIB, 3);
        List<TestFrame> frames = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            TestFrame frame = new TestFrame(1 << 20);
            frames.add(frame);
            for (int stream = 0; stream < 3; stream++) {
                tails.append(stream, frame.part(TestBatches.batch(0, 1, 0, 6000, random)));
            }
            frame.release();
            tails.commitAll();
            tails.memory.evictOverBudget();
            long live = frames.stream().filter(f -> f.references.get() > 0).count();
            assertThat(live).isLessThanOrEqualTo(17);
        }
        tails.dropAll();
    }

    @Test
    void slabsAreUsedAgainAndGivenUpForLargerBatches() {
        Tails tails = new Tails(8 * MIB, 1);
        for (int i = 0; i < 100_000; i++) {
            tails.append(0, copyOf(TestBatches.batch(0, 1, 0, 39, random)));
            if (i % 1000 == 0) {
                tails.commitAll();
            }
        }
        tails.commitAll();
        for (int i = 0; i < 100; i++) {
            TestFrame frame = new TestFrame(1 << 20);
            tails.append(0, frame.part(TestBatches.batch(0, 1, 0, 900_000, random)));
            frame.release();
            tails.commitAll();
        }
        tails.memory.evictOverBudget();
        assertThat(tails.memory.totalBytes()).isLessThanOrEqualTo(8 * MIB);
        long inFrames = tails.tails.get(0).endOffset() - tails.tails.get(0).firstOffset();
        assertThat(inFrames).as("frames in memory").isGreaterThanOrEqualTo(6);
        tails.dropAll();
    }

    @Test
    void contentsOfPackedBatchesSurviveReuse() {
        Tails tails = new Tails(2 * MIB, 5);
        List<ByteBuffer> expected = new ArrayList<>();
        for (int i = 0; i < 50_000; i++) {
            ByteBuffer batch = TestBatches.batch(i / 5, 1, 0, random.nextInt(600), random);
            expected.add(batch);
            tails.append(i % 5, copyOf(batch));
            if (i % 500 == 0) {
                tails.commitAll();
            }
        }
        for (int stream = 0; stream < 5; stream++) {
            StreamTail tail = tails.tails.get(stream);
            var read = tail.read(tail.firstOffset(), Integer.MAX_VALUE, Long.MAX_VALUE, true);
            long offset = tail.firstOffset();
            assertThat(offset).isPositive();
            for (ByteBuffer batch : TestBatches.take(read)) {
                assertThat(batch).isEqualTo(expected.get((int) (offset++ * 5 + stream)));
            }
            assertThat(offset).isEqualTo(tail.endOffset());
        }
        tails.dropAll();
    }

    @Test
    void roomThatWasPromisedIsTakenForAppendsToo() {
        Tails tails = new Tails(MIB, 1);
        ByteBuffer batch = TestBatches.batch(0, 1, 0, 6000, random);
        assertThat(tails.memory.promise(MIB - 4096, MIB)).isTrue();
        assertThat(tails.memory.promise(8192, MIB)).as("more than is left").isFalse();
        assertThatThrownBy(() -> tails.append(0, copyOf(batch)))
                .isInstanceOfSatisfying(
                        FreshetException.class,
                        error -> assertThat(error.kind()).isEqualTo(ErrorKind.THROTTLED));
        assertThat(tails.lane.load()).isGreaterThan(0.99);

        tails.memory.giveBack(MIB - 4096);
        tails.append(0, copyOf(batch));
        assertThat(tails.memory.promise(MIB - 6000, MIB))
                .as("beside the append")
                .isFalse();
        tails.dropAll();
    }

    /** Admission looks at an append's own bytes; what they bring along may exceed the limit, once. */
    @Test
    void appendsExceedTheLimitByOneFrameOrSlabAtMost() {
        for (int frameBytes : new int[] {0, TailSlabs.SLAB_BYTES, 1 << 20, 3 << 20}) {
            Tails tails = new Tails(4 * MIB, 3);
            boolean isRefused = false;
            long brought = frameBytes == 0 ? TailSlabs.SLAB_BYTES : frameBytes;
            for (int i = 0; !isRefused; i++) {
                TestFrame frame = new TestFrame(Math.max(frameBytes, 8192));
                ByteBuffer batch = TestBatches.batch(0, 1, 0, frameBytes == 0 ? random.nextInt(2000) : 6000, random);
                SharedBytes bytes = frameBytes == 0 ? copyOf(batch) : frame.part(batch);
                long before = tails.memory.uncommittedBytes();
                try {
                    tails.append(i % 3, bytes);
                } catch (FreshetException e) {
                    isRefused = true;
                    assertThat(e.kind()).isEqualTo(ErrorKind.THROTTLED);
                    assertThat(before + batch.remaining() + TailEntry.OVERHEAD_BYTES)
                            .isGreaterThan(4 * MIB);
                    assertThat(tails.memory.uncommittedBytes()).isEqualTo(before);
                }
                frame.release();
                assertThat(tails.memory.uncommittedBytes())
                        .as("frames of %s bytes", frameBytes)
                        .isLessThanOrEqualTo(4 * MIB + brought + TailEntry.HANDLE_BYTES);
            }
            tails.commitAll();
            tails.memory.evictOverBudget();
            assertThat(tails.memory.totalBytes()).isLessThanOrEqualTo(4 * MIB);
            tails.dropAll();
        }
    }

    private static SharedBytes copyOf(ByteBuffer batch) {
        return SharedBytes.unpooled(
                ByteBuffer.allocate(batch.remaining()).put(batch.duplicate()).flip());
    }

    /** Heap after a collection, and direct memory. */
    /** Bytes of heap and direct memory in use, when what other tests have left behind is gone: the same twice in a row. */
    private static long usedBytes() {
        long last = Long.MAX_VALUE;
        for (int i = 0; i < 20; i++) {
            collectGarbage();
            long direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                    .filter(pool -> pool.getName().equals("direct"))
                    .mapToLong(BufferPoolMXBean::getMemoryUsed)
                    .sum();
            long used = direct
                    + ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
            if (Math.abs(used - last) < 64 << 10) {
                return used;
            }
            last = used;
        }
        return last;
    }

    /** Direct memory goes back when references to it are handled, which a collection only begins. */
    private static void collectGarbage() {
        ReferenceQueue<Object> handled = new ReferenceQueue<>();
        PhantomReference<Object> witness = new PhantomReference<>(new Object(), handled);
        System.gc();
        try {
            assertThat(handled.remove(30_000)).as("references are handled").isSameAs(witness);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** One request in memory of its own. */
    private static final class TestFrame {
        private final ByteBuffer memory;
        private final BackingMemory backing;
        private final AtomicInteger references = new AtomicInteger(1);
        private int used;

        TestFrame(int sizeBytes) {
            memory = ByteBuffer.allocate(sizeBytes);
            backing = new BackingMemory(sizeBytes);
        }

        SharedBytes part(ByteBuffer batch) {
            ByteBuffer part = memory.slice(used, batch.remaining());
            part.put(batch.duplicate()).flip();
            used += batch.remaining();
            return new SharedBytes() {
                @Override
                public ByteBuffer view() {
                    return part.duplicate();
                }

                @Override
                public int sizeBytes() {
                    return part.remaining();
                }

                @Override
                public BackingMemory backing() {
                    return backing;
                }

                @Override
                public SharedBytes retain() {
                    references.incrementAndGet();
                    return this;
                }

                @Override
                public void release() {
                    TestFrame.this.release();
                }
            };
        }

        void release() {
            assertThat(references.decrementAndGet()).isNotNegative();
        }
    }

    /** Streams over a WAL that takes everything and keeps nothing. */
    private static final class Tails {
        private final TailMemory memory;
        private final WalLane lane;
        private final List<StreamTail> tails = new ArrayList<>();

        Tails(long limitBytes, int streams) {
            memory = new TailMemory(limitBytes);
            lane = new WalLane(0, new StorageParts.Lane("test", visitor -> new EndlessWal()), new EndlessWal(), memory);
            for (int i = 0; i < streams; i++) {
                StreamTail tail = new StreamTail(i, 0, 0, memory);
                tail.activate(tail.suspend(), 1, () -> {
                    throw new IllegalStateException("Nothing is sealed here");
                });
                tails.add(tail);
            }
        }

        void append(int stream, SharedBytes bytes) {
            StreamTail tail = tails.get(stream);
            long offset = tail.endOffset();
            tail.append(new Append(offset, bytes), 1, lane);
            memory.evictOverBudget();
        }

        long count() {
            return tails.stream()
                    .mapToLong(tail -> tail.endOffset() - tail.firstOffset())
                    .sum();
        }

        void commit(int stream) {
            tails.get(stream).committed(tails.get(stream).endOffset());
        }

        void commitAll() {
            tails.forEach(tail -> tail.committed(tail.endOffset()));
        }

        void dropAll() {
            tails.forEach(tail ->
                    tail.dropAll(new FreshetException(io.freshet.common.ErrorKind.UNAVAILABLE, "The test is over")));
        }
    }

    private static final class Append extends StreamAppend {
        Append(long offset, SharedBytes bytes) {
            super(offset, offset + 1, 0, bytes);
        }

        @Override
        public void completed(@Nullable FreshetException failure) {
            assertThat(failure).isNull();
        }
    }

    private static final class EndlessWal implements WriteAheadLog {
        private long lsn;

        @Override
        public void append(WalEntry entry) {
            entry.onDurable(lsn++);
        }

        @Override
        public CompletableFuture<Void> trim(long to) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public long startLsn() {
            return lsn;
        }

        @Override
        public long endLsn() {
            return lsn;
        }

        @Override
        public long capacityBytes() {
            return Long.MAX_VALUE / 2;
        }

        @Override
        public void close() {}
    }
}
