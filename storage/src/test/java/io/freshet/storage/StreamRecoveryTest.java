// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.fake.TestOwner;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What the WAL gives back at a start, and a WAL that fails. */
class StreamRecoveryTest extends OneBrokersStorage {
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

    /** No round begins for records that leave without an upload: the tick must free the lane. */
    @Test
    void aLaneIsFreedWithoutAnyUploadWhenItsRecordsAreNotNeededAnyMore() {
        startWith(5);
        TestOwner other = fixture.create(2);
        append(other, 3);
        fixture.crash();
        fixture.start();
        fixture.sim.advance(1_000); // the trim that is due after each start is over
        assertThat(fixture.device.recordCount()).isEqualTo(8);

        fixture.metadata.deleteStream(1);
        fixture.sim.advance(1_000);
        assertThat(fixture.device.recordCount())
                .as("what stream 2 needs comes after what was stream 1's")
                .isEqualTo(3);

        fixture.metadata.deleteStream(2);
        fixture.sim.advance(1_000);
        assertThat(fixture.device.recordCount()).isZero();
        assertThat(fixture.store.keys()).isEmpty();
    }

    /** A round that is under way may have taken runs of which the tails know nothing yet; it trims itself when it ends. */
    @Test
    void aLaneIsNotFreedBesideAnUploadThatIsUnderWay() {
        startWith(5);
        TestOwner other = fixture.create(2);
        append(other, 3);
        fixture.crash();
        fixture.start();
        fixture.open(other);
        fixture.sim.advance(1_000);
        fixture.metadata.deleteStream(1);
        fixture.sim.advance(1_000);
        assertThat(fixture.device.recordCount())
                .as("stream 2 waits for its upload")
                .isEqualTo(8);
        fixture.uploadNow();
        assertThat(fixture.device.recordCount()).isZero();
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
    void refusesAWalThatDoesNotFitIntoTheTail() {
        StorageFixture wrong = new StorageFixture(1, StorageConfig.defaults().withTailCacheBytes(1 << 20), 2 << 20);
        assertThatThrownBy(wrong::start).hasMessageContaining("Enlarge the tail cache or shrink the WAL");
    }
}
