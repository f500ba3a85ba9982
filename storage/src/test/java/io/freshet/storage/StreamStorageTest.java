// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.fake.MemoryStreamMetadata;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.fake.TestOwner;
import io.freshet.storage.format.BatchHeader;
import io.freshet.storage.format.ObjectEncoder;
import io.freshet.storage.format.SegmentContent;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class StreamStorageTest {
    private final StorageFixture fixture = StorageFixture.idle(1);

    private TestOwner startWith(int appends) {
        fixture.start();
        TestOwner owner = fixture.create(1);
        append(owner, appends);
        return owner;
    }

    private static void append(TestOwner owner, int appends) {
        for (int i = 0; i < appends; i++) {
            owner.append(1 + i % 3, 300);
        }
    }

    private static ErrorKind kindOf(CompletableFuture<?> future) {
        assertThat(future).isCompletedExceptionally();
        try {
            future.join();
            throw new AssertionError("completed");
        } catch (RuntimeException e) {
            return FreshetException.of(e).kind();
        }
    }

    private void assertReadsEverything(TestOwner owner) {
        List<ByteBuffer> all = owner.expected(owner.log().startOffset(), owner.endOffset());
        for (int maxBytes : new int[] {1, 500, 5000, 1 << 20}) {
            assertThat(fixture.readAll(owner, owner.log().startOffset(), owner.endOffset(), maxBytes))
                    .as("in pieces of %d", maxBytes)
                    .isEqualTo(all);
        }
    }

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
    void recoversEveryAcknowledgedAppendFromTheWal() {
        TestOwner first = startWith(5);
        TestOwner second = fixture.create(2);
        append(second, 7);
        fixture.uploadNow();
        append(first, 6);
        fixture.crash();
        fixture.restart();
        assertThat(first.endOffset()).isEqualTo(first.acknowledgedEnd());
        assertReadsEverything(first);
        assertReadsEverything(second);
        append(first, 3);
        fixture.uploadNow();
        assertReadsEverything(first);
        assertThat(fixture.metadata.stream(1).orElseThrow().endOffset()).isEqualTo(first.endOffset());
    }

    @Test
    void recoveryRejectsOldEpochsGapsAndUnknownStreams() {
        TestOwner owner = startWith(1);
        long end = owner.endOffset();
        Random random = new Random(3);
        ByteBuffer stale = TestBatches.batch(end, 1, 9, 20, random);
        ByteBuffer newer = TestBatches.batch(end, 2, 9, 20, random);
        ByteBuffer gap = TestBatches.batch(end + 5, 1, 9, 20, random);
        fixture.metadata.moveStream(1, StorageFixture.BROKER_ID);
        fixture.device.write(1, 2, end, end + 1, stale);
        fixture.device.write(1, 3, end, end + 2, newer);
        fixture.device.write(1, 2, end + 2, end + 3, TestBatches.batch(end + 2, 1, 9, 20, random));
        fixture.device.write(1, 99, end + 2, end + 3, TestBatches.batch(end + 2, 1, 9, 20, random));
        fixture.device.write(1, 3, end + 5, end + 6, gap);
        fixture.device.write(55, 1, 0, 6, gap);
        fixture.crash();
        fixture.start();
        List<ByteBuffer> found = new ArrayList<>();
        StreamLog log = fixture.sim.await(
                fixture.storage().open(1, fixture.metadata.moveStream(1, StorageFixture.BROKER_ID), owner));
        log.replayTail(batch -> found.add(TestBatches.concat(List.of(batch))));
        assertThat(log.endOffset()).isEqualTo(end + 2);
        assertThat(found.get(found.size() - 1)).isEqualTo(newer);
        assertThat(fixture.meters.counter("freshet.storage.recovery.rejected").count())
                .isEqualTo(3);
    }

    @Test
    void trimsTheWalOnceEverythingIsCommitted() {
        TestOwner owner = startWith(30);
        TestOwner idle = fixture.create(2);
        append(idle, 1);
        assertThat(fixture.device.recordCount()).isEqualTo(31);
        fixture.uploadNow();
        assertThat(fixture.device.recordCount())
                .as("the newest record may stay")
                .isLessThanOrEqualTo(1);
        append(owner, 5);
        fixture.uploadNow();
        assertThat(fixture.device.recordCount()).isLessThanOrEqualTo(1);
    }

    @Test
    void uploadsBySizeAndByAge() {
        fixture.config = fixture.config.withUpload(100_000, 5_000);
        TestOwner owner = startWith(1);
        fixture.sim.advance(4_000);
        assertThat(fixture.store.keys()).isEmpty();
        fixture.sim.advance(2_000);
        assertThat(fixture.store.keys()).hasSize(1);
        while (fixture.store.keys().size() < 2 && owner.endOffset() < 100_000) {
            owner.append(1, 2000);
            fixture.sim.runReady();
        }
        assertThat(fixture.store.keys()).hasSize(2);
        fixture.uploadNow();
        assertReadsEverything(owner);
    }

    @Test
    void putsLargeRunsIntoObjectsOfTheirOwn() {
        fixture.config = fixture.config.withObjects(20_000, 10_000, 4096);
        fixture.start();
        for (long stream = 1; stream <= 6; stream++) {
            TestOwner owner = fixture.create(stream);
            while (owner.log().sizeBytes() < (stream == 2 ? 30_000 : 6_000)) {
                owner.append(1, 500);
            }
        }
        fixture.uploadNow();
        assertThat(fixture.store.keys()).hasSize(3);
        fixture.owners.values().forEach(this::assertReadsEverything);
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
    void refusesAppendsWhenUploadsLagAndTakesThemAgainLater() {
        fixture.start();
        TestOwner owner = fixture.create(1);
        List<Boolean> told = new ArrayList<>();
        fixture.storage().addOverloadListener(told::add);
        fixture.store.transport(new Down());
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 100_000; i++) {
                        owner.append(1, 50_000);
                        fixture.sim.advance(1);
                    }
                })
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.THROTTLED));
        assertThat(fixture.storage().isOverloaded()).isTrue();
        assertThat(told).containsExactly(true);
        fixture.store.transport(new Up());
        fixture.sim.advance(60_000);
        assertThat(fixture.storage().isOverloaded()).isFalse();
        assertThat(told).containsExactly(true, false);
        append(owner, 5);
        fixture.uploadNow();
        assertReadsEverything(owner);
        assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
    }

    @Test
    void repeatsPutsAndCommitsUntilTheySucceed() {
        TestOwner owner = startWith(10);
        fixture.store.transport(new FailsFirst(3, false));
        fixture.metadata.transport(new FailsFirst(2, false));
        fixture.uploadNow();
        assertThat(fixture.store.keys()).hasSize(1);
        append(owner, 3);
        fixture.metadata.transport(new FailsFirst(2, true));
        fixture.uploadNow();
        assertThat(fixture.store.keys()).hasSize(2);
        assertThat(owner.log().committedEndOffset()).isEqualTo(owner.endOffset());
        assertReadsEverything(owner);
    }

    @Test
    void dropsTheTailOfAStreamThatWentToAnotherBroker() {
        TestOwner lost = startWith(5);
        TestOwner kept = fixture.create(2);
        append(kept, 5);
        fixture.metadata.moveStream(1, 99);
        fixture.uploadNow();
        assertThatThrownBy(() -> lost.append(1, 10))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FENCED));
        assertThat(kept.log().committedEndOffset()).isEqualTo(kept.endOffset());
        assertThat(fixture.metadata.stream(1).orElseThrow().endOffset()).isZero();
        assertThat(fixture.device.recordCount()).isLessThanOrEqualTo(1);
    }

    @Test
    void keepsTheTailOfAStreamWhoseLeaderEpochMovedOnHere() {
        TestOwner owner = startWith(5);
        int leaderEpoch = fixture.metadata.moveStream(1, StorageFixture.BROKER_ID);
        fixture.uploadNow();
        assertThat(owner.log().committedEndOffset()).isZero();
        StreamLog log = fixture.sim.await(fixture.storage().open(1, leaderEpoch, owner));
        owner.opened(log);
        append(owner, 2);
        fixture.uploadNow();
        assertThat(log.committedEndOffset()).isEqualTo(owner.endOffset());
        assertReadsEverything(owner);
    }

    @Test
    void aDeletedStreamNeitherUploadsNorHoldsTheWal() {
        TestOwner gone = startWith(5);
        TestOwner other = fixture.create(2);
        append(other, 2);
        fixture.metadata.deleteStream(1);
        gone.log().close(true);
        fixture.uploadNow();
        assertThat(fixture.device.recordCount()).isLessThanOrEqualTo(1);
        assertThat(fixture.metadata.segments(1, 0, 10)).isEmpty();
        assertThat(kindOf(fixture.storage().open(1, 9, gone))).isEqualTo(ErrorKind.FENCED);
    }

    @Test
    void aLaneWhoseRecordsAreAllCommittedIsFreedToItsEnd() {
        startWith(20);
        fixture.uploadNow();
        assertThat(fixture.device.startLsn()).isEqualTo(fixture.wal().endLsn());
        assertThat(fixture.device.recordCount()).isZero();
    }

    @Test
    void aRecoveredStreamThatAnotherBrokerHasCommittedDoesNotHoldTheWal() {
        TestOwner owner = startWith(20);
        fixture.crash();
        fixture.start();
        int leaderEpoch = fixture.metadata.moveStream(1, StorageFixture.BROKER_ID + 1);
        fixture.metadata.registerBroker(StorageFixture.BROKER_ID + 1, 1);
        fixture.sim.advance(2_000);
        fixture.uploadNow();
        assertThat(fixture.device.recordCount()).as("nobody has committed them").isEqualTo(20);

        long objectId = fixture.sim.await(fixture.metadata.reserveObjectIds(1)).first();
        StreamSegment segment = new StreamSegment(1, 0, owner.endOffset(), objectId, 1, 0, 0);
        fixture.sim.await(fixture.metadata.commitObject(new ObjectCommit(
                objectId, 1, StorageFixture.BROKER_ID + 1, 1, List.of(new SegmentCommit(segment, leaderEpoch)))));
        fixture.sim.advance(2_000);
        fixture.uploadNow();
        assertThat(fixture.device.recordCount()).isZero();
    }

    @Test
    void aRecoveredStreamThatWasDeletedDoesNotHoldTheWal() {
        startWith(5);
        TestOwner other = fixture.create(2);
        append(other, 2);
        fixture.crash();
        fixture.start();
        fixture.owners.remove(1L);
        fixture.metadata.deleteStream(1);
        fixture.open(other);
        fixture.sim.advance(2_000);
        fixture.uploadNow();
        assertThat(fixture.device.recordCount()).isLessThanOrEqualTo(1);
    }

    @Test
    void aClosedStreamIsStillUploaded() {
        TestOwner owner = startWith(5);
        owner.log().close(false);
        assertThatThrownBy(() -> owner.append(1, 10))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FENCED));
        fixture.uploadNow();
        assertThat(fixture.metadata.stream(1).orElseThrow().endOffset()).isEqualTo(owner.endOffset());
        assertThat(fixture.ledger.live()).isZero();
        fixture.open(owner);
        assertReadsEverything(owner);
    }

    @Test
    void aFailedWalFailsAppendsAndStopsTheStream() {
        fixture.immediateWal = false;
        TestOwner owner = startWith(2);
        fixture.wal().flush(1);
        long durable = owner.acknowledgedEnd();
        fixture.wal().fail();
        assertThat(owner.lastFailure().kind()).isEqualTo(ErrorKind.UNAVAILABLE);
        assertThat(owner.log().durableEndOffset()).isEqualTo(durable);
        assertThatThrownBy(() -> owner.append(1, 10))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNAVAILABLE));
        assertThat(owner.acknowledgedEnd()).isEqualTo(durable);
        fixture.storage().close();
        assertThat(fixture.ledger.live()).isZero();
        fixture.crash();
        fixture.restart();
        assertReadsEverything(owner);
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

    @Test
    void refusesAWalThatDoesNotFitIntoTheTail() {
        StorageFixture wrong = new StorageFixture(1, StorageConfig.defaults().withTailCacheBytes(1 << 20), 2 << 20);
        assertThatThrownBy(wrong::start).hasMessageContaining("Enlarge the tail cache or shrink the WAL");
    }

    /** Nothing answers. */
    private static final class Down implements MemoryStreamMetadata.Transport {
        @Override
        public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
            return CompletableFuture.failedFuture(new FreshetException(ErrorKind.UNAVAILABLE, name + " is down"));
        }
    }

    /** All is well. */
    private static final class Up implements MemoryStreamMetadata.Transport {
        @Override
        public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
            return CompletableFuture.completedFuture(command.get());
        }
    }

    /** The first few fail, before the command or after it. */
    private static final class FailsFirst implements MemoryStreamMetadata.Transport {
        private final boolean afterwards;
        private int left;

        FailsFirst(int count, boolean afterwards) {
            this.left = count;
            this.afterwards = afterwards;
        }

        @Override
        public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
            if (left-- <= 0) {
                return CompletableFuture.completedFuture(command.get());
            }
            T lost = afterwards ? command.get() : null;
            assertThat(lost == null || afterwards).isTrue();
            return CompletableFuture.failedFuture(new FreshetException(
                    afterwards ? ErrorKind.INDETERMINATE : ErrorKind.UNAVAILABLE, name + " fails"));
        }
    }
}
