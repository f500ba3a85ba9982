// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.fake.TestOwner;
import io.freshet.storage.format.BatchHeader;
import io.freshet.storage.format.ObjectEncoder;
import io.freshet.storage.format.SegmentContent;
import io.freshet.storage.read.SegmentReader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Appends, reads, trims and the memory of open streams. */
class StreamStorageTest extends OneBrokersStorage {
    @Test
    void acknowledgesWhatTheWalMadeDurableInOrder() {
        fixture.immediateWal = false;
        TestOwner owner = startWith(3);
        assertThat(owner.acknowledgedEnd()).isZero();
        assertThat(owner.log().durableEndOffset()).isZero();
        fixture.wal().flush(1);
        long afterFirst = owner.acknowledgedEnd();
        assertThat(afterFirst).isPositive().isEqualTo(owner.log().durableEndOffset());
        fixture.wal().flush(10);
        assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset()).isGreaterThan(afterFirst);
    }

    @Test
    void readsTheSameFromTheTailFromObjectsAndAcrossTheSeam() {
        TestOwner owner = startWith(40);
        assertReadsEverything(owner);
        fixture.uploadNow();
        assertThat(owner.log().committedEndOffset()).isEqualTo(owner.endOffset());
        assertReadsEverything(owner);
        append(owner, 20);
        fixture.storage().close();
        fixture.crash();
        fixture.restart();
        assertThat(owner.log().committedEndOffset()).isLessThan(owner.endOffset());
        assertReadsEverything(owner);
    }

    @Test
    void readsRespectTheEndOffsetAndTheSizeLimit() {
        TestOwner owner = startWith(10);
        ByteBuffer first = owner.batches().get(0);
        ByteBuffer second = owner.batches().get(1);
        for (int round = 0; round < 2; round++) {
            StreamRead none = fixture.sim.await(owner.log().read(0, first.remaining() - 1, owner.endOffset(), false));
            assertThat(none.batches()).isEmpty();
            StreamRead one = fixture.sim.await(owner.log().read(0, first.remaining(), owner.endOffset(), false));
            assertThat(one.startOffset()).isZero();
            assertThat(one.endOffset()).isEqualTo(BatchHeader.endOffset(first, 0));
            assertThat(TestBatches.take(one)).containsExactly(first);
            StreamRead below = fixture.sim.await(owner.log().read(0, 1 << 20, second.getLong(0) + 1, true));
            assertThat(TestBatches.take(below)).containsExactly(first, second);
            StreamRead atEnd = fixture.sim.await(owner.log().read(owner.endOffset(), 100, owner.endOffset(), true));
            assertThat(atEnd.batches()).isEmpty();
            assertThat(kindOf(owner.log().read(owner.endOffset() + 1, 100, Long.MAX_VALUE, true)))
                    .isEqualTo(ErrorKind.INVALID);
            fixture.uploadNow();
            fixture.crash();
            fixture.restart();
        }
    }

    @Test
    void refusesAppendsThatDoNotFollowOrComeFromAnOldOwner() {
        TestOwner owner = startWith(2);
        StreamLog old = owner.log();
        var gap =
                new StreamAppend(
                        owner.endOffset() + 1,
                        owner.endOffset() + 2,
                        5,
                        fixture.ledger.counted(TestBatches.batch(owner.endOffset() + 1, 1, 5, 10, new Random(1)))) {
                    @Override
                    public void completed(@Nullable FreshetException failure) {
                        throw new AssertionError("A refused append is not completed");
                    }
                };
        assertThatThrownBy(() -> old.append(gap))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
        gap.bytes().release();
        fixture.open(owner);
        assertThatThrownBy(() -> old.append(gap))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FENCED));
        append(owner, 2);
        assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
        assertReadsEverything(owner);
    }

    @Test
    void boundsMemoryAndEvictsOldestCommitsFirst() {
        fixture.config = fixture.config.withTailCacheBytes(1 << 20).withUpload(50_000, 1_000_000);
        StorageFixture small = new StorageFixture(2, fixture.config, 1 << 20);
        small.start();
        TestOwner owner = small.create(1);
        for (int i = 0; i < 3000; i++) {
            owner.append(1, 3000);
            small.sim.advance(1);
            double held = small.meters.get("freshet.storage.tail.bytes").gauge().value();
            assertThat(held).isLessThanOrEqualTo((1 << 20) + 4000);
        }
        assertThat(small.readAll(owner, 0, owner.endOffset(), 10_000)).isEqualTo(owner.batches());
        assertThat(small.ledger.live()).isLessThan(1000);
        small.storage().close();
        assertThat(small.ledger.live()).isZero();
    }

    @Test
    void looksUpTimestampsInObjectsAndTail() {
        TestOwner owner = startWith(30);
        fixture.uploadNow();
        append(owner, 30);
        fixture.uploadNow();
        fixture.crash();
        fixture.restart();
        append(owner, 10);
        long last =
                BatchHeader.maxTimestampMs(owner.batches().get(owner.batches().size() - 1), 0);
        for (long time = 990; time <= last + 2; time++) {
            assertThat(fixture.sim.await(owner.log().batchAtOrAfterTimestamp(time, owner.endOffset())))
                    .as("time %d", time)
                    .isEqualTo(firstAtOrAfter(owner, time, 0, owner.endOffset()));
        }
        for (long end = 0; end <= owner.endOffset(); end += 7) {
            long max = owner.expected(0, end).stream()
                    .mapToLong(batch -> BatchHeader.maxTimestampMs(batch, 0))
                    .max()
                    .orElse(Long.MAX_VALUE);
            assertThat(fixture.sim.await(owner.log().batchWithMaxTimestamp(end)))
                    .as("below %d", end)
                    .isEqualTo(firstAtOrAfter(owner, max, 0, end));
        }
    }

    private static Optional<Long> firstAtOrAfter(TestOwner owner, long time, long from, long end) {
        return owner.expected(from, end).stream()
                .filter(batch -> BatchHeader.maxTimestampMs(batch, 0) >= time)
                .map(batch -> batch.getLong(0))
                .findFirst();
    }

    @Test
    void trimsCommittedAndUncommittedOffsets() {
        TestOwner owner = startWith(20);
        fixture.uploadNow();
        append(owner, 10);
        long middle = owner.batches().get(5).getLong(0);
        fixture.sim.await(owner.log().trim(middle));
        assertThat(owner.log().startOffset()).isEqualTo(middle);
        assertThat(kindOf(owner.log().read(middle - 1, 100, owner.endOffset(), true)))
                .isEqualTo(ErrorKind.INVALID);
        assertReadsEverything(owner);
        long nearEnd = owner.batches().get(owner.batches().size() - 2).getLong(0);
        fixture.sim.await(owner.log().trim(nearEnd));
        assertThat(owner.log().startOffset()).isEqualTo(nearEnd);
        assertReadsEverything(owner);
        assertThat(kindOf(owner.log().trim(owner.endOffset() + 1))).isEqualTo(ErrorKind.INVALID);
        fixture.crash();
        fixture.start();
        fixture.open(owner);
        assertThat(owner.log().startOffset()).isEqualTo(nearEnd);
        assertReadsEverything(owner);
    }

    @Test
    void followsASegmentThatWasMovedIntoAnotherObject() {
        TestOwner owner = startWith(20);
        fixture.uploadNow();
        fixture.crash();
        fixture.restart();
        assertReadsEverything(owner);
        StreamSegment segment = owner.log().segments().get(0);
        ObjectEncoder encoder = new ObjectEncoder(5000, StorageFixture.BROKER_ID, 4096);
        encoder.add(new SegmentContent(
                1,
                segment.startOffset(),
                segment.endOffset(),
                owner.batches().stream().map(SharedBytes::unpooled).toList(),
                owner.checkpoint()));
        List<String> before = List.copyOf(fixture.store.keys());
        fixture.store.put(ObjectKeys.dataKey(5000), encoder.finish().body());
        fixture.metadata.replaceObject(segment, 5000);
        fixture.store.delete(before);
        assertReadsEverything(owner);
        fixture.store.delete(List.copyOf(fixture.store.keys()));
        assertThat(kindOf(owner.log().read(0, 100, owner.endOffset(), true))).isEqualTo(ErrorKind.MISSING);
    }

    @Test
    void aSequentialReaderSeldomLooksIntoTheManifest() {
        fixture.start();
        TestOwner owner = fixture.create(1);
        for (int i = 0; i < 50; i++) {
            append(owner, 2);
            fixture.uploadNow();
        }
        fixture.crash();
        fixture.restart();
        int before = fixture.metadata.manifestReads();
        assertThat(fixture.readAll(owner, 0, owner.endOffset(), 400)).isEqualTo(owner.batches());
        assertThat(fixture.metadata.manifestReads() - before).isEqualTo(1);
    }

    @Test
    void opensManyStreamsWithOneReadEach() {
        fixture.start();
        for (long stream = 1; stream <= 200; stream++) {
            append(fixture.create(stream), 2);
        }
        fixture.uploadNow();
        fixture.crash();
        var reader = new io.freshet.storage.fake.WholeObjectReader(fixture.store);
        fixture.reader = reader;
        fixture.restart();
        assertThat(reader.checkpointReads()).isEqualTo(200);
        assertThat(fixture.owners.values())
                .allSatisfy(owner -> assertThat(owner.log().openedCheckpoint()).isPresent());
    }

    /** The close has dropped the tail: the end that the stream would be opened with is below its acknowledged records. */
    @Test
    void aStreamThatIsBeingOpenedWhileStorageClosesIsNotOpened() {
        TestOwner owner = startWith(5);
        fixture.uploadNow();
        append(owner, 3);
        fixture.crash();
        SlowReader reader = new SlowReader(fixture.reader);
        fixture.reader = reader;
        StreamStorage storage = fixture.start();
        int leaderEpoch = fixture.metadata.moveStream(1, StorageFixture.BROKER_ID);
        CompletableFuture<StreamLog> opening = storage.open(1, leaderEpoch, owner);
        fixture.sim.runReady();
        assertThat(opening).isNotDone();

        storage.close();
        reader.answer();
        fixture.sim.runReady();
        assertThat(kindOf(opening)).isEqualTo(ErrorKind.UNAVAILABLE);
        assertThat(kindOf(storage.open(1, leaderEpoch, owner))).isEqualTo(ErrorKind.UNAVAILABLE);

        fixture.crash();
        reader.answer();
        fixture.start();
        CompletableFuture<StreamLog> again =
                fixture.storage().open(1, fixture.metadata.moveStream(1, StorageFixture.BROKER_ID), owner);
        reader.answer();
        owner.opened(fixture.sim.await(again));
        assertReadsEverything(owner);
    }

    /** Answers for checkpoints wait until they are let go. */
    private static final class SlowReader implements SegmentReader {
        private final SegmentReader real;
        private final List<Runnable> waiting = new ArrayList<>();

        SlowReader(SegmentReader real) {
            this.real = real;
        }

        void answer() {
            List.copyOf(waiting).forEach(Runnable::run);
            waiting.clear();
        }

        @Override
        public CompletableFuture<SegmentCheckpoint> checkpoint(StreamSegment segment) {
            CompletableFuture<SegmentCheckpoint> answer = new CompletableFuture<>();
            waiting.add(() -> real.checkpoint(segment).thenAccept(answer::complete));
            return answer;
        }

        @Override
        public CompletableFuture<StreamRead> read(
                StreamSegment segment, long offset, int maxBytes, long endOffset, boolean minOneBatch) {
            return real.read(segment, offset, maxBytes, endOffset, minOneBatch);
        }

        @Override
        public CompletableFuture<Optional<Long>> batchAtOrAfterTimestamp(
                StreamSegment segment, long fromOffset, long timestampMs) {
            return real.batchAtOrAfterTimestamp(segment, fromOffset, timestampMs);
        }

        @Override
        public void close() {
            real.close();
        }
    }

    @Test
    void givesBackAllMemoryWhenClosed() {
        fixture.immediateWal = false;
        TestOwner owner = startWith(0);
        for (int i = 0; i < 20; i++) {
            owner.append(8, 4000); // large enough not to be copied
        }
        fixture.wal().flush(10);
        StreamRead held = fixture.sim.await(owner.log().read(0, 100_000, owner.endOffset(), true));
        fixture.storage().close();
        assertThat(fixture.ledger.live()).isPositive();
        held.release();
        assertThat(fixture.ledger.live()).isZero();
        assertThat(kindOf(fixture.storage().uploadNow())).isEqualTo(ErrorKind.UNAVAILABLE);
    }
}
