// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.wal.s3.SimBucket.Fate;
import io.freshet.wal.s3.SimCluster.Owner;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Owners that are taken over while they still have requests on their way, and crashes of those who take over. */
class S3WalFencingTest {
    private SimCluster cluster = new SimCluster(2);

    private static String key(long epoch, long slot) {
        return ObjectKeys.slotKey(SimCluster.BROKER, epoch, slot);
    }

    /** The first put of a slot, which is its owner's, takes effect late. */
    private void delayPutOf(long epoch, long slot, long effectMs) {
        boolean[] isFirst = {true};
        cluster.bucket.network = (op, key) -> {
            boolean isLate = isFirst[0] && op.equals("create") && key.equals(key(epoch, slot));
            isFirst[0] &= !isLate;
            return Fate.after(isLate ? effectMs : 10, 10);
        };
    }

    /**
     * The loss that a WAL without conditional writes suffers: a late put of a paused owner lands beside its successor's slots, the
     * next recovery takes it for the log's continuation and drops what the successor had acknowledged.
     */
    @Test
    void aLatePutOfAPausedOwnerNeitherLosesAnAcknowledgedRecordNorResurrectsAnother() {
        // 1. epoch 1 acknowledges offset 0, has a put for offset 1 on its way, and stalls
        Owner first = cluster.open();
        first.write(1, 0, "acked-by-epoch1");
        delayPutOf(1, 1, 60_000);
        SimEntry never = first.append(1, 1, "never-acked-by-epoch1");
        cluster.runtime.advance(5);
        first.host.pause();

        // 2. epoch 2 recovers offset 0 and acknowledges another offset 1
        Owner second = cluster.open();
        assertThat(second.recoveredTexts()).containsExactly("acked-by-epoch1");
        second.write(1, 1, "acked-by-epoch2");

        // 3. the late put of epoch 1 arrives; the owner wakes up
        cluster.runtime.advance(120_000);
        first.host.resume();
        cluster.runtime.advance(1_000);
        assertThat(never.failure().kind()).isEqualTo(ErrorKind.FENCED);
        assertThat(first.wal().failure().orElseThrow().kind()).isEqualTo(ErrorKind.FENCED);

        // 4. epoch 2 crashes before it trims; epoch 3 recovers
        second.kill();
        Owner third = cluster.open();
        assertThat(third.recoveredTexts()).containsExactly("acked-by-epoch1", "acked-by-epoch2");
    }

    @Test
    void aFencedOwnerAcknowledgesNothingMore() {
        Owner first = cluster.open();
        first.write(1, 0, "a");
        first.host.pause();
        cluster.open();
        first.host.resume();
        SimEntry b = first.append(1, 1, "b");
        cluster.runtime.advance(1_000);
        SimEntry c = first.append(1, 2, "c");
        cluster.runtime.advance(1_000);
        assertThat(List.of(b.failure().kind(), c.failure().kind())).containsOnly(ErrorKind.FENCED);
        CompletableFuture<Void> trim = first.wal().trim(1);
        cluster.runtime.advance(10);
        assertThatThrownBy(trim::join).hasMessageContaining("taken over");
    }

    @Test
    void aSlotWhoseAnswerWasLostCountsAndMayBeAcknowledgedLater() {
        Owner first = cluster.open();
        cluster.bucket.network = (op, key) -> op.equals("create") ? new Fate(10, 100, false, -1) : Fate.after(10, 10);
        SimEntry a = first.append(1, 0, "a");
        cluster.runtime.advance(20);
        first.host.pause();
        cluster.bucket.network = (op, key) -> Fate.after(10, 10);
        Owner second = cluster.open();
        assertThat(second.recoveredTexts()).containsExactly("a");
        first.host.resume();
        cluster.runtime.await(a.lsn);
        assertThat(a.isDurable()).isTrue();
    }

    @Test
    void slotsBehindAHoleDoNotExist() {
        cluster.settings = S3WalFencingTest::eager;
        Owner first = cluster.open();
        delayPutOf(1, 1, 60_000);
        first.write(1, 0, "r0");
        SimEntry r1 = first.append(1, 1, "r1");
        cluster.runtime.advance(5);
        SimEntry r2 = first.append(1, 2, "r2");
        cluster.runtime.advance(100);
        assertThat(cluster.bucket.keys()).containsExactly(key(1, 0), key(1, 2));
        assertThat(r2.lsn).isNotDone();
        first.host.pause();
        Owner second = cluster.open();
        assertThat(second.recoveredTexts()).containsExactly("r0");
        assertThat(cluster.quorum.sealOf(1).endSlot()).isEqualTo(1);
        first.host.resume();
        cluster.runtime.advance(100_000);
        assertThat(List.of(r1.failure().kind(), r2.failure().kind())).containsOnly(ErrorKind.FENCED);
    }

    static S3WalConfig eager(S3WalConfig c) {
        return new S3WalConfig(
                c.brokerId(),
                c.brokerEpoch(),
                new S3WalConfig.Batching(4096, 1, 1, 1, 1000, 1000),
                c.flight(),
                c.capacityBytes(),
                c.fenceRetentionMs());
    }

    @Test
    void aSlotThatLandsJustBeforeTheFenceCounts() {
        Owner first = cluster.open();
        first.write(1, 0, "a");
        // lands after the recoverer's listing and before its fence
        delayPutOf(1, 1, 30);
        SimEntry b = first.append(1, 1, "b");
        cluster.runtime.advance(1);
        first.host.pause();
        Owner second = cluster.open();
        assertThat(second.recoveredTexts()).containsExactly("a", "b");
        assertThat(cluster.quorum.sealOf(1).endSlot()).isEqualTo(2);
        first.host.resume();
        cluster.runtime.await(b.lsn);
        assertThat(b.isDurable()).isTrue();
    }

    /** Kills the successor at its n-th request, for all n, and lets the next one finish. */
    @Test
    void aCrashAtAnyStepOfARecoveryIsFollowedByACorrectOne() {
        int completedAt = 0;
        for (int crashAt = 1; completedAt == 0; crashAt++) {
            assertThat(crashAt).isLessThan(100);
            for (boolean takesEffect : new boolean[] {false, true}) {
                if (recoverWithCrash(crashAt, takesEffect)) {
                    completedAt = crashAt;
                }
            }
        }
        // listing, ids, fence, 3 reads, seal, open and more
        assertThat(completedAt).isGreaterThan(8);
    }

    /** True if the successor had no {@code crashAt}-th request before it had recovered, written, trimmed and deleted. */
    private static boolean recoverWithCrash(int crashAt, boolean takesEffect) {
        SimCluster cluster = new SimCluster(3);
        cluster.settings = S3WalFencingTest::eager;
        Owner first = cluster.open();
        first.write(1, 0, "r0");
        first.write(1, 1, "r1");
        first.write(2, 0, "s0");
        first.kill();
        Owner[] second = new Owner[1];
        int[] requests = {0};
        SimBucket.Network crashing = (op, key) -> {
            if (second[0] != null && ++requests[0] == crashAt) {
                second[0].kill();
                return takesEffect ? Fate.after(10, 10) : new Fate(-1, 10, false, -1);
            }
            return Fate.after(10, 10);
        };
        second[0] = cluster.start();
        cluster.bucket.network = crashing;
        cluster.quorum.network = crashing;
        cluster.runtime.advance(1_000);
        List<String> expected = new ArrayList<>(List.of("r0", "r1", "s0"));
        boolean hasTrimmed = false;
        if (second[0].opening.isDone()) {
            SimEntry r2 = second[0].append(1, 2, "r2");
            cluster.runtime.advance(1_000);
            CompletableFuture<Void> trim = second[0].wal().trim(3);
            cluster.runtime.advance(1_000);
            // a command whose answer never came may have trimmed
            hasTrimmed = trim.isDone()
                    || cluster.quorum.states().stream().anyMatch(wal -> wal.brokerEpoch() == 1 && wal.isFreed());
            if (r2.isDurable() || cluster.bucket.keys().contains(key(2, 0))) {
                expected.add("r2");
            }
        }
        if (hasTrimmed) {
            expected.removeAll(List.of("r0", "r1", "s0"));
        }
        boolean isDone = !second[0].host.isDead();
        second[0].kill();
        second[0] = null;
        Owner third = cluster.open();
        assertThat(third.recoveredTexts())
                .as("crash at request %s, %s", crashAt, takesEffect)
                .containsExactlyElementsOf(expected);
        assertThat(third.write(1, 9, "next").isDurable()).isTrue();
        return isDone;
    }

    @Test
    void aFenceThatACrashedRecovererLeftIsTheEndEvenIfSlotsLieBehindIt() {
        cluster.settings = S3WalFencingTest::eager;
        Owner first = cluster.open();
        first.write(1, 0, "r0");
        delayPutOf(1, 1, 60_000);
        first.append(1, 1, "r1");
        cluster.runtime.advance(5);
        first.append(1, 2, "r2");
        cluster.runtime.advance(50);
        first.host.pause();
        // the second fences slot 1 and dies before it seals
        Owner second = cluster.start();
        while (!cluster.bucket.keys().contains(key(1, 1))) {
            cluster.runtime.advance(1);
        }
        second.kill();
        Owner third = cluster.open();
        assertThat(third.recoveredTexts()).containsExactly("r0");
        assertThat(cluster.quorum.sealOf(1).endSlot()).isEqualTo(1);
    }

    @Test
    void aStrangerTakesADeadOwnersWalOver() {
        Owner first = cluster.open();
        first.write(1, 0, "a");
        first.write(2, 0, "b");
        first.host.pause();
        SimRuntime.Host stranger = cluster.runtime.host();
        long epoch = cluster.quorum.register();
        List<String> seen = new ArrayList<>();
        S3WalRecovery recovery = new S3WalRecovery(
                77,
                4,
                cluster.bucket.client(stranger),
                cluster.quorum.client(stranger, epoch),
                new SimpleSlots(),
                stranger.services(new SimpleMeterRegistry()));
        RecoveredWal recovered = cluster.runtime.await(
                recovery.recover(cluster.quorum.states().get(0), 100, (lsn, s, e, b, n, p) -> seen.add(lsn + ":" + s)));
        assertThat(seen).containsExactly("100:1", "101:2");
        assertThat(recovered.endSlot()).isEqualTo(2);
        assertThat(recovered.endLsn()).isEqualTo(102);
        assertThat(recovered.recordCount()).isEqualTo(2);
        first.host.resume();
        SimEntry late = first.append(1, 1, "c");
        cluster.runtime.advance(1_000);
        assertThat(late.failure().kind()).isEqualTo(ErrorKind.FENCED);
    }

    @Test
    void aMissingSlotBelowTheSealIsCorruptAndNamed() {
        threeSlotsSealed();
        cluster.bucket.remove(key(1, 1));
        Owner third = cluster.start();
        cluster.runtime.advance(60_000);
        assertThatThrownBy(third.opening::join)
                .satisfies(e -> assertThat(FreshetException.of(e).kind()).isEqualTo(ErrorKind.CORRUPT))
                .hasMessageContaining(key(1, 1))
                .hasMessageContaining("is missing");
    }

    /** Another process that had recovered the same WAL has seen all of it uploaded, and frees it. */
    @Test
    void aWalThatIsFreedWhileItIsReadIsNotDamaged() {
        for (int missing = 0; missing < 3; missing++) {
            cluster = new SimCluster(missing);
            cluster.settings = S3WalFencingTest::eager;
            threeSlotsSealed();
            cluster.bucket.network = (op, key) -> Fate.after(50, 50);
            Owner third = cluster.start();
            cluster.runtime.advance(130);
            cluster.quorum.free(1);
            for (int slot = missing; slot < 3; slot++) {
                cluster.bucket.remove(key(1, slot));
            }
            cluster.runtime.advance(60_000);
            assertThat(third.opening).isCompleted();
            assertThat(third.write(1, 9, "next").isDurable()).isTrue();
        }
    }

    @Test
    void aPartOfASealedWalIsKeptUntilAllOfItIsUnneeded() {
        threeSlotsSealed();
        Owner third = cluster.open();
        cluster.runtime.await(third.wal().trim(2));
        assertThat(cluster.quorum.states().get(0).startSlot()).isZero();
        assertThat(cluster.bucket.keys()).contains(key(1, 0), key(1, 1), key(1, 2));
        cluster.runtime.await(third.wal().trim(3));
        assertThat(cluster.quorum.states().get(0).isFreed()).isTrue();
        cluster.runtime.advance(1_000);
        assertThat(cluster.bucket.keys()).doesNotContain(key(1, 0), key(1, 1), key(1, 2));
    }

    /** As when other streams of the WAL belong to other brokers, which have not uploaded them yet. */
    @Test
    void aWalThatOthersStillNeedHoldsUpNobodyAndIsFreedLater() {
        threeSlotsSealed();
        Owner third = cluster.open();
        cluster.quorum.areRecordsNeededElsewhere = true;
        assertThat(third.write(1, 3, "r3").isDurable()).isTrue();
        cluster.runtime.await(third.wal().trim(4));
        cluster.runtime.advance(1_000);
        assertThat(cluster.quorum.states().get(0).startSlot()).isZero();
        assertThat(cluster.bucket.keys()).contains(key(1, 0)).doesNotContain(key(3, 0));
        cluster.quorum.areRecordsNeededElsewhere = false;
        cluster.runtime.advance(120_000);
        assertThat(cluster.bucket.keys()).doesNotContain(key(1, 0), key(1, 1), key(1, 2));
    }

    private void threeSlotsSealed() {
        Owner first = cluster.open();
        for (int i = 0; i < 3; i++) {
            first.write(1, i, "r" + i);
        }
        first.kill();
        cluster.open().kill();
    }

    @Test
    void anyBitFlipIsDetected() {
        threeSlotsSealed();
        String key = key(1, 1);
        for (int bit = 0; bit < cluster.bucket.sizeBytes(key) * 8; bit++) {
            cluster.bucket.flipBit(key, bit);
            Owner owner = cluster.start();
            cluster.runtime.advance(1_000);
            assertThatThrownBy(owner.opening::join)
                    .as("bit %s", bit)
                    .satisfies(e -> assertThat(FreshetException.of(e).kind()).isEqualTo(ErrorKind.CORRUPT));
            assertThat(owner.recoveredTexts()).containsExactly("r0");
            owner.kill();
            cluster.bucket.flipBit(key, bit);
        }
        assertThat(cluster.open().recoveredTexts()).containsExactly("r0", "r1", "r2");
    }

    @Test
    void aSlotCopiedUnderAnotherKeyIsDetected() {
        threeSlotsSealed();
        cluster.bucket.copy(key(1, 0), key(1, 1));
        Owner owner = cluster.start();
        cluster.runtime.advance(1_000);
        assertThatThrownBy(owner.opening::join).hasMessageContaining("copy");
    }

    @Test
    void anOwnerThatSleptUntilTheFenceWasGoneAsksTheQuorumFirst() {
        Owner first = cluster.open();
        first.write(1, 0, "a");
        first.host.pause();
        Owner second = cluster.open();
        cluster.runtime.await(second.wal().trim(1));
        cluster.runtime.advance(2 * S3WalConfig.DEFAULT_FENCE_RETENTION_MS);
        assertThat(cluster.bucket.keys()).isEmpty();
        first.host.resume();
        SimEntry late = first.append(1, 1, "b");
        cluster.runtime.advance(10_000);
        assertThat(late.failure().kind()).isEqualTo(ErrorKind.FENCED);
    }

    /** A fence that lay there for no time at all looks days old to a clock that has jumped, or to a store whose clock is behind. */
    @Test
    void aWallClockThatJumpsDoesNotTakeTheFenceAwayFromUnderASleeper() {
        Owner first = cluster.open();
        first.write(1, 0, "a");
        first.host.pause();
        Owner second = cluster.open();
        second.host.wallSkewMs = 10 * S3WalConfig.DEFAULT_FENCE_RETENTION_MS;
        cluster.runtime.await(second.wal().trim(1));
        cluster.runtime.advance(60_000);
        assertThat(cluster.bucket.keys()).containsExactly(key(1, 1));
        first.host.resume();
        SimEntry late = first.append(1, 1, "b");
        cluster.runtime.advance(10_000);
        assertThat(late.failure().kind()).isEqualTo(ErrorKind.FENCED);

        cluster.runtime.advance(S3WalConfig.of(SimCluster.BROKER, 1).fenceWatchedMs());
        assertThat(cluster.bucket.keys()).isEmpty();
    }

    /** However long a wrong clock takes its fence to have lain there, a sleeper finds it, or asks the quorum. */
    @Test
    void anOwnerThatSleptForAnyTimeAcknowledgesNothingAfterItsSuccessor() {
        long watchedMs = S3WalConfig.of(SimCluster.BROKER, 1).fenceWatchedMs();
        for (int sixteenths = 0; sixteenths <= 40; sixteenths++) {
            cluster = new SimCluster(sixteenths);
            Owner first = cluster.open();
            first.write(1, 0, "a");
            first.host.pause();
            Owner second = cluster.open();
            second.host.wallSkewMs = 10 * S3WalConfig.DEFAULT_FENCE_RETENTION_MS;
            cluster.runtime.await(second.wal().trim(1));
            cluster.runtime.advance(watchedMs * sixteenths / 16);
            first.host.resume();
            SimEntry late = first.append(1, 1, "b");
            cluster.runtime.advance(10_000);
            assertThat(late.failure().kind())
                    .as("%s/16 of the time a fence is watched", sixteenths)
                    .isEqualTo(ErrorKind.FENCED);
        }
    }

    /** Its lane is made long after the quorum opened the WAL: meanwhile a fence has come and gone. */
    @Test
    void anOwnerThatSleptWhileItOpenedItsWalAsksTheQuorumFirst() {
        Owner first = cluster.start();
        while (cluster.quorum.states().isEmpty()) {
            cluster.runtime.advance(1);
        }
        assertThat(first.opening).isNotDone();
        first.host.pause();
        Owner second = cluster.open();
        cluster.runtime.advance(2 * S3WalConfig.DEFAULT_FENCE_RETENTION_MS);
        assertThat(cluster.bucket.keys()).isEmpty();
        assertThat(second.write(1, 0, "a").isDurable()).isTrue();
        first.host.resume();
        cluster.runtime.await(first.opening);
        SimEntry late = first.append(1, 0, "b");
        cluster.runtime.advance(10_000);
        assertThat(late.failure().kind()).isEqualTo(ErrorKind.FENCED);
    }

    @Test
    void anOwnerThatWasOnlyIdleForLongGoesOn() {
        Owner owner = cluster.open();
        owner.write(1, 0, "a");
        cluster.runtime.advance(2 * S3WalConfig.DEFAULT_FENCE_RETENTION_MS);
        int requests = cluster.bucket.requestCount();
        assertThat(owner.write(1, 1, "b").isDurable()).isTrue();
        assertThat(cluster.bucket.requestCount() - requests).isEqualTo(1);
    }
}
