// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.storage.fake.MemoryStreamMetadata;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestOwner;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** A WAL lane that fails and comes back. Seed of the random run: {@code -Dfreshet.seed}. */
class LaneHealingTest {
    private static final long SEED = Long.getLong("freshet.seed", 7);

    private int writtenButFailed;
    private final StorageFixture fixture = StorageFixture.idle(SEED);

    private void start(int failingReopens) {
        fixture.immediateWal = false;
        fixture.failingReopens = failingReopens;
        fixture.start();
    }

    /** As the partition's owner does after a failed append: the same epoch, the state of the durable end. */
    private void reopen(TestOwner owner) {
        int epoch = owner.log().leaderEpoch();
        owner.opened(fixture.sim.await(fixture.storage().open(owner.streamId(), epoch, owner)));
    }

    @Test
    void comesBackWithoutWhatFailed() {
        start(2);
        TestOwner failed = fixture.create(1);
        TestOwner idle = fixture.create(2);
        failed.append(1, 500);
        idle.append(1, 500);
        fixture.wal().flush(10);
        failed.append(2, 500);
        failed.append(1, 500);
        long acknowledged = failed.acknowledgedEnd();
        fixture.wal().failOpenly(1);
        assertThat(fixture.storage().failedLanes()).containsOnlyKeys("lane0");
        assertRefused(idle);
        reopen(failed);
        assertThat(failed.log().endOffset()).isEqualTo(acknowledged);
        assertRefused(failed);
        assertThat(fixture.readAll(failed, 0, acknowledged, 1000)).isEqualTo(failed.expected(0, acknowledged));

        fixture.sim.advance(10_000);
        assertThat(fixture.storage().failedLanes()).isEmpty();
        assertThat(fixture.failingReopens).isZero();
        assertThat(fixture.device.recordCount()).isZero();
        assertThat(failed.log().committedEndOffset()).isEqualTo(acknowledged);
        for (TestOwner owner : fixture.owners.values()) {
            owner.append(2, 500);
        }
        fixture.wal().flush(10);
        fixture.crash();
        fixture.restart();
        for (TestOwner owner : fixture.owners.values()) {
            assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
            assertThat(fixture.readAll(owner, 0, owner.endOffset(), 1000))
                    .isEqualTo(owner.expected(0, owner.endOffset()));
        }
    }

    private static void assertRefused(TestOwner owner) {
        assertThatThrownBy(() -> owner.append(1, 100))
                .isInstanceOfSatisfying(
                        FreshetException.class,
                        error -> assertThat(error.kind()).isEqualTo(ErrorKind.UNAVAILABLE));
    }

    @Test
    void staysAsItIsUntilAllItAcknowledgedIsCommitted() {
        start(0);
        TestOwner owner = fixture.create(1);
        owner.append(1, 500);
        fixture.wal().flush(10);
        long acknowledged = owner.acknowledgedEnd();
        boolean[] isDown = {true};
        fixture.store.transport(new MemoryStreamMetadata.Transport() {
            @Override
            public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
                return isDown[0]
                        ? CompletableFuture.failedFuture(new FreshetException(ErrorKind.UNAVAILABLE, "down"))
                        : CompletableFuture.completedFuture(command.get());
            }
        });
        fixture.wal().failOpenly(0);
        fixture.sim.advance(60_000);
        assertThat(fixture.storage().failedLanes()).isNotEmpty();
        assertThat(fixture.device.recordCount()).isEqualTo(1);
        assertRefused(owner);
        isDown[0] = false;
        fixture.sim.advance(60_000);
        assertThat(fixture.storage().failedLanes()).isEmpty();
        assertThat(owner.log().committedEndOffset()).isEqualTo(acknowledged);
        owner.append(1, 500);
        fixture.wal().flush(10);
        assertThat(owner.acknowledgedEnd()).isGreaterThan(acknowledged);
    }

    @Test
    void aStreamWhoseOwnerStillCountsLostAppendsTakesNoneUntilItIsOpenedAgain() {
        start(0);
        TestOwner owner = fixture.create(1);
        owner.append(1, 500);
        fixture.wal().failOpenly(0);
        fixture.sim.advance(10_000);
        assertThat(fixture.storage().failedLanes()).isEmpty();
        assertRefused(owner);
        reopen(owner);
        owner.append(1, 500);
        fixture.wal().flush(10);
        assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
    }

    @Test
    void losesNothingHoweverFailuresAndCrashesFollow() {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        start(0);
        for (int i = 0; i < 4; i++) {
            fixture.create(i);
        }
        for (int step = 0; step < 3000; step++) {
            step(random);
        }
        fixture.crash();
        fixture.restart();
        for (TestOwner owner : fixture.owners.values()) {
            assertThat(fixture.readAll(owner, 0, owner.endOffset(), 10_000))
                    .isEqualTo(owner.expected(0, owner.endOffset()));
        }
    }

    private void step(Random random) {
        int action = random.nextInt(100);
        if (action < 60) {
            TestOwner owner = fixture.owner(random.nextInt(4));
            if (owner.lastFailure() != null) {
                reopen(owner);
            }
            try {
                owner.append(1 + random.nextInt(3), 800);
            } catch (FreshetException e) {
                assertThat(e.kind().isRetriable()).as("%s", e).isTrue();
            }
        } else if (action < 90) {
            fixture.wal().flush(random.nextInt(4));
        } else if (action < 94) {
            fixture.sim.advance(random.nextInt(5000));
        } else if (action < 96) {
            fixture.storage().uploadNow();
        } else if (action < 98 && fixture.storage().failedLanes().isEmpty()) {
            fixture.failingReopens = random.nextInt(3);
            writtenButFailed = random.nextInt(3);
            fixture.wal().failOpenly(writtenButFailed);
        } else if (action == 99
                && (writtenButFailed == 0 || fixture.storage().failedLanes().isEmpty())) {
            // else the crash would bring back what owners have taken out of their models, as it may: nobody was told of
            // it
            fixture.crashInFlight();
            fixture.restart();
        }
    }
}
