// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.storage.fake.FakeWal;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.fake.TestOwner;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A stream that changes its WAL lane: order of durability, recovery from both lanes, room of each. */
class LaneSwitchTest {
    private static final String FIRST = StorageFixture.laneName(0);
    private static final String SECOND = StorageFixture.laneName(1);

    private final StorageFixture fixture = StorageFixture.idle(1);

    private TestOwner startWithTwoLanes() {
        fixture.devices.set(0, new FakeWal.Device(8 << 20));
        fixture.devices.add(new FakeWal.Device(8 << 20));
        fixture.immediateWal = false;
        fixture.start();
        return fixture.create(1);
    }

    private static void append(TestOwner owner, int appends) {
        for (int i = 0; i < appends; i++) {
            owner.append(1 + i % 3, 300);
        }
    }

    private void flushAll() {
        for (int round = 0; round < 10; round++) {
            fixture.wal(0).flush(Integer.MAX_VALUE);
            fixture.wal(1).flush(Integer.MAX_VALUE);
        }
    }

    private void assertReadsEverything(TestOwner owner) {
        assertThat(fixture.readAll(owner, owner.log().startOffset(), owner.endOffset(), 700))
                .isEqualTo(owner.expected(owner.log().startOffset(), owner.endOffset()));
    }

    private static ErrorKind kindOf(Throwable error) {
        return FreshetException.of(error).kind();
    }

    @Test
    void holdsWhatFollowsTheSwitchUntilTheOldLaneHasAnswered() {
        TestOwner owner = startWithTwoLanes();
        append(owner, 3);
        long inFirst = owner.endOffset();
        owner.log().useLane(SECOND);
        append(owner, 4);
        assertThat(owner.log().lane()).isEqualTo(SECOND);
        assertThat(fixture.wal(0).waitingCount()).isEqualTo(3);
        assertThat(fixture.wal(1).waitingCount()).isZero();
        fixture.wal(0).flush(2);
        assertThat(fixture.wal(1).waitingCount())
                .as("one entry is still in flight")
                .isZero();
        fixture.wal(0).flush(1);
        assertThat(owner.acknowledgedEnd()).isEqualTo(inFirst);
        assertThat(fixture.wal(1).waitingCount()).isEqualTo(4);
        append(owner, 1);
        assertThat(fixture.wal(1).waitingCount()).isEqualTo(5);
        flushAll();
        assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
        assertThat(fixture.devices.get(0).recordCount()).isEqualTo(3);
        assertThat(fixture.devices.get(1).recordCount()).isEqualTo(5);
        assertReadsEverything(owner);
    }

    @Test
    void goesThereAndBackAgainInOrder() {
        TestOwner owner = startWithTwoLanes();
        for (int i = 0; i < 4; i++) {
            owner.log().useLane(i % 2 == 0 ? FIRST : SECOND);
            append(owner, 2);
        }
        assertThat(fixture.wal(0).waitingCount()).isEqualTo(2);
        for (int i = 0; i < 4; i++) {
            assertThat(fixture.wal((i + 1) % 2).waitingCount()).isZero();
            fixture.wal(i % 2).flush(Integer.MAX_VALUE);
        }
        assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
        fixture.crash();
        fixture.restart();
        assertThat(owner.endOffset()).isEqualTo(owner.acknowledgedEnd());
        assertReadsEverything(owner);
    }

    @Test
    void switchesAtOnceWhenNothingIsInFlight() {
        TestOwner owner = startWithTwoLanes();
        append(owner, 2);
        flushAll();
        owner.log().useLane(SECOND);
        append(owner, 2);
        assertThat(fixture.wal(1).waitingCount()).isEqualTo(2);
    }

    @Test
    void recoversFromBothLanesWhateverWasWritten() {
        for (int inFirst = 0; inFirst <= 3; inFirst++) {
            for (int inSecond = 0; inSecond <= 3; inSecond++) {
                LaneSwitchTest one = new LaneSwitchTest();
                TestOwner owner = one.startWithTwoLanes();
                append(owner, 3);
                owner.log().useLane(SECOND);
                append(owner, 3);
                one.fixture.wal(0).flush(inFirst);
                one.fixture.wal(1).flush(inSecond);
                long acknowledged = owner.acknowledgedEnd();
                one.fixture.crash();
                one.fixture.restart();
                assertThat(owner.endOffset()).isEqualTo(acknowledged);
                append(owner, 2);
                one.flushAll();
                one.fixture.uploadNow();
                one.assertReadsEverything(owner);
            }
        }
    }

    @Test
    void joinsALaterLaneBeforeAnEarlierOne() {
        TestOwner owner = startWithTwoLanes();
        owner.log().useLane(SECOND);
        append(owner, 3);
        flushAll();
        owner.log().useLane(FIRST);
        append(owner, 3);
        flushAll();
        fixture.crash();
        fixture.restart();
        assertThat(owner.endOffset()).isEqualTo(owner.acknowledgedEnd());
        assertReadsEverything(owner);
        assertThat(fixture.meters.counter("freshet.storage.recovery.rejected").count())
                .isZero();
    }

    @Test
    void aNewerLeaderEpochInAnotherLaneWins() {
        TestOwner owner = startWithTwoLanes();
        Random random = new Random(3);
        ByteBuffer stale = TestBatches.batch(0, 4, 9, 20, random);
        ByteBuffer newer = TestBatches.batch(0, 2, 9, 20, random);
        ByteBuffer after = TestBatches.batch(2, 1, 9, 20, random);
        fixture.metadata.moveStream(1, StorageFixture.BROKER_ID);
        fixture.metadata.moveStream(1, StorageFixture.BROKER_ID);
        fixture.devices.get(0).write(1, 3, 2, 3, after);
        fixture.devices.get(0).write(1, 1, 0, 4, stale);
        fixture.devices.get(1).write(1, 2, 0, 2, newer);
        fixture.crash();
        fixture.start();
        List<ByteBuffer> found = new ArrayList<>();
        StreamLog log = fixture.sim.await(
                fixture.storage().open(1, fixture.metadata.moveStream(1, StorageFixture.BROKER_ID), owner));
        log.replayTail(batch -> found.add(TestBatches.concat(List.of(batch))));
        assertThat(found).containsExactly(newer, after);
        assertThat(log.endOffset()).isEqualTo(3);
    }

    @Test
    void trimsEachLaneForItself() {
        TestOwner owner = startWithTwoLanes();
        TestOwner other = fixture.create(2);
        append(owner, 5);
        append(other, 5);
        flushAll();
        owner.log().useLane(SECOND);
        append(owner, 5);
        flushAll();
        fixture.uploadNow();
        assertThat(fixture.devices.get(0).recordCount()).isZero();
        assertThat(fixture.devices.get(1).recordCount()).isZero();
        append(other, 3);
        flushAll();
        fixture.metadata.moveStream(2, StorageFixture.BROKER_ID);
        append(owner, 3);
        flushAll();
        fixture.uploadNow();
        assertThat(fixture.devices.get(0).recordCount())
                .as("the quorum has refused the other stream's run: it stays")
                .isGreaterThanOrEqualTo(3);
        assertThat(fixture.devices.get(1).recordCount()).isZero();
    }

    @Test
    void aFullLaneThrottlesOnlyItsStreams() {
        fixture.devices.set(0, new FakeWal.Device(8 << 20));
        fixture.devices.add(new FakeWal.Device(100_000));
        fixture.start();
        TestOwner large = fixture.create(1);
        TestOwner small = fixture.create(2);
        small.log().useLane(SECOND);
        List<Boolean> told = new ArrayList<>();
        fixture.storage().addOverloadListener(told::add);
        assertThatThrownBy(() -> append(small, 100_000))
                .satisfies(error -> assertThat(kindOf(error)).isEqualTo(ErrorKind.THROTTLED));
        assertThat(told).containsExactly(true);
        assertThat(small.log().isOverloaded()).isTrue();
        assertThat(large.log().isOverloaded()).isFalse();
        append(large, 1000);
        assertThat(large.acknowledgedEnd()).isEqualTo(large.endOffset());
        small.log().useLane(SECOND);
        large.log().useLane(FIRST);
        assertThat(told).as("nobody has moved").containsExactly(true);
        small.log().useLane(FIRST);
        assertThat(told)
                .as("who waited for room in the full lane must look again")
                .containsExactly(true, true);
        assertThat(small.log().isOverloaded()).isFalse();
        append(small, 10);
        fixture.uploadNow();
        fixture.sim.advance(1_000);
        assertThat(told).containsExactly(true, true, false);
        assertReadsEverything(small);
        assertReadsEverything(large);
    }

    @Test
    void heldAppendsTakeRoomInTheirLane() {
        fixture.devices.set(0, new FakeWal.Device(8 << 20));
        fixture.devices.add(new FakeWal.Device(100_000));
        fixture.immediateWal = false;
        fixture.start();
        TestOwner owner = fixture.create(1);
        append(owner, 1);
        owner.log().useLane(SECOND);
        assertThatThrownBy(() -> append(owner, 100_000))
                .satisfies(error -> assertThat(kindOf(error)).isEqualTo(ErrorKind.THROTTLED));
        assertThat(fixture.wal(1).waitingCount()).isZero();
        flushAll();
        assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
    }

    @Test
    void failsWhatIsHeldWhenTheOldLaneFailsAndKeepsTheStreamFromOtherLanes() {
        TestOwner owner = startWithTwoLanes();
        append(owner, 2);
        fixture.wal(0).flush(1);
        long durable = owner.acknowledgedEnd();
        owner.log().useLane(SECOND);
        append(owner, 2);
        fixture.wal(0).fail();
        assertThat(owner.lastFailure()).isNotNull();
        assertThat(fixture.wal(1).waitingCount()).isZero();
        assertThat(owner.log().endOffset()).isEqualTo(durable);
        StreamLog again = fixture.sim.await(
                fixture.storage().open(1, fixture.metadata.moveStream(1, StorageFixture.BROKER_ID), owner));
        owner.opened(again);
        again.useLane(SECOND);
        assertThatThrownBy(() -> append(owner, 1))
                .satisfies(error -> assertThat(kindOf(error)).isEqualTo(ErrorKind.UNAVAILABLE));
        fixture.storage().close();
        assertThat(fixture.ledger.live()).isZero();
    }

    @Test
    void sealsNothingWithTheStateOfAnOwnerWhoseAppendsFailed() {
        TestOwner owner = startWithTwoLanes();
        append(owner, 2);
        fixture.wal(0).flush(1);
        long durable = owner.acknowledgedEnd();
        fixture.wal(0).fail();
        int counted = owner.batches().size();
        assertThat(counted).as("the owner's state counts what is lost").isGreaterThan(1);
        fixture.uploadNow();
        assertThat(fixture.metadata.stream(1).orElseThrow().endOffset()).isZero();
        fixture.open(owner);
        fixture.uploadNow();
        assertThat(fixture.metadata.stream(1).orElseThrow().endOffset()).isEqualTo(durable);
    }

    @Test
    void sealsNothingWithAStateThatWasAskedForBeforeTheFailure() {
        fixture.devices.set(0, new FakeWal.Device(8 << 20));
        fixture.immediateWal = false;
        fixture.start();
        fixture.metadata.createStream(1, StorageFixture.BROKER_ID, 1);
        StreamLog[] log = new StreamLog[1];
        boolean[] isFailing = {true};
        int leaderEpoch = fixture.metadata.moveStream(1, StorageFixture.BROKER_ID);
        TestOwner owner = new TestOwner(1, fixture.ledger, fixture.random);
        log[0] = fixture.sim.await(fixture.storage().open(1, leaderEpoch, () -> {
            if (isFailing[0]) {
                isFailing[0] = false;
                fixture.wal(0).fail();
            }
            return new SegmentCheckpoint(log[0].endOffset(), List.of(), new byte[] {66}, List.of());
        }));
        owner.opened(log[0]);
        append(owner, 2);
        fixture.wal(0).flush(1);
        fixture.uploadNow();
        assertThat(isFailing[0]).isFalse();
        assertThat(fixture.metadata.stream(1).orElseThrow().endOffset()).isZero();
    }

    @Test
    void failsAHeldAppendThatItsLaneRefusesInItsTurn() {
        TestOwner owner = startWithTwoLanes();
        append(owner, 2);
        long durable = owner.endOffset();
        owner.log().useLane(SECOND);
        append(owner, 2);
        fixture.wal(1).refuse();
        assertThat(owner.lastFailure()).isNull();
        flushAll();
        assertThat(owner.acknowledgedEnd()).isEqualTo(durable);
        assertThat(kindOf(owner.lastFailure())).isEqualTo(ErrorKind.INVALID);
        fixture.open(owner);
        append(owner, 2);
        flushAll();
        assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
        assertReadsEverything(owner);
    }

    @Test
    void aDeletedStreamGivesBackWhatIsHeld() {
        TestOwner owner = startWithTwoLanes();
        append(owner, 2);
        owner.log().useLane(SECOND);
        append(owner, 2);
        fixture.metadata.deleteStream(1);
        owner.log().close(true);
        assertThat(owner.lastFailure()).as("not before what is in flight").isNull();
        flushAll();
        assertThat(kindOf(owner.lastFailure())).isEqualTo(ErrorKind.FENCED);
        assertThat(fixture.devices.get(1).recordCount()).isZero();
        assertThat(fixture.ledger.live()).isZero();
    }

    @Test
    void closingAnswersWhatIsHeld() {
        TestOwner owner = startWithTwoLanes();
        append(owner, 2);
        owner.log().useLane(SECOND);
        append(owner, 2);
        fixture.storage().close();
        assertThat(fixture.ledger.live()).isZero();
        assertThat(owner.acknowledgedEnd() == owner.endOffset() || owner.lastFailure() != null)
                .isTrue();
        fixture.crash();
        fixture.restart();
        assertReadsEverything(owner);
    }

    @Test
    void refusesALaneThatIsNotThere() {
        TestOwner owner = startWithTwoLanes();
        assertThatThrownBy(() -> owner.log().useLane("tape"))
                .hasMessageContaining("tape")
                .hasMessageContaining("[lane0, lane1]");
        assertThat(owner.log().lane()).isEqualTo(FIRST);
    }

    @Test
    void refusesLanesThatTogetherDoNotFitIntoTheTail() {
        fixture.devices.add(new FakeWal.Device(1 << 20));
        assertThatThrownBy(fixture::start).hasMessageContaining("Enlarge the tail cache or shrink the WAL");
    }
}
