// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.objectstore.ObjectStore;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog.RecoveryVisitor;
import io.freshet.wal.s3.SimBucket.Fate;
import io.freshet.wal.s3.SimCluster.Owner;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Slow, lost, refused and repeated requests of a single owner. */
class S3WalFaultTest {
    private final SimCluster cluster = new SimCluster(4);

    private static String key(long epoch, long slot) {
        return ObjectKeys.slotKey(SimCluster.BROKER, epoch, slot);
    }

    /** An owner that has put enough slots of 20 ms to know what is slow. */
    private Owner warmOwner() {
        cluster.settings = S3WalFencingTest::eager;
        Owner owner = cluster.open();
        for (int i = 0; i < 30; i++) {
            owner.write(1, i, "r" + i);
        }
        cluster.bucket.requests.clear();
        return owner;
    }

    @Test
    void aSlowPutIsHedgedAndTheSecondAnswersFirst() {
        Owner owner = warmOwner();
        boolean[] isFirst = {true};
        cluster.bucket.network = (op, key) -> {
            boolean isSlow = isFirst[0] && op.equals("create");
            isFirst[0] = false;
            return Fate.after(isSlow ? 5_000 : 10, 10);
        };
        long startMs = cluster.runtime.wallMs();
        SimEntry entry = owner.write(1, 30, "slow");
        assertThat(cluster.runtime.wallMs() - startMs).isEqualTo(50 + 20);
        assertThat(cluster.bucket.requests("create")).isEqualTo(2);
        assertThat(owner.count("freshet.wal.s3.hedges")).isEqualTo(1);
        // the first put still reads the payload
        assertThat(entry.isReleased()).isFalse();
        cluster.runtime.advance(10_000);
        assertThat(entry.isReleased()).isTrue();
        assertThat(cluster.bucket.changedBuffers).isZero();
        assertThat(cluster.bucket.requests("read")).isZero();
        owner.kill();
        assertThat(cluster.open().recoveredTexts()).hasSize(31).endsWith("slow");
    }

    @Test
    void aHedgeThatFindsTheSlotReadsItBackAndKnowsItself() {
        Owner owner = warmOwner();
        boolean[] isFirst = {true};
        cluster.bucket.network = (op, key) -> {
            boolean isSlow = isFirst[0] && op.equals("create");
            isFirst[0] = false;
            return Fate.after(10, isSlow ? 5_000 : 10);
        };
        long startMs = cluster.runtime.wallMs();
        SimEntry entry = owner.write(1, 30, "slow");
        // hedge after 50 ms, refusal, whose it is for the store, its size, its bytes
        assertThat(cluster.runtime.wallMs() - startMs).isEqualTo(50 + 4 * 20);
        assertThat(entry.isDurable()).isTrue();
        cluster.runtime.advance(10_000);
        assertThat(entry.isReleased()).isTrue();
        assertThat(owner.wal().failure()).isEmpty();
    }

    /** The read-back still compares with the payload, whose memory may be another's as soon as it is given back. */
    @Test
    void aPayloadIsKeptForAReadBackThatTheFirstPutsAnswerOvertakes() {
        Owner owner = warmOwner();
        boolean[] isFirst = {true};
        cluster.bucket.network = (op, key) -> {
            boolean isSlow = isFirst[0] && op.equals("create");
            isFirst[0] = false;
            return Fate.after(10, isSlow ? 105 : 10);
        };
        long startMs = cluster.runtime.wallMs();
        SimEntry entry = owner.write(1, 30, "slow");
        assertThat(cluster.runtime.wallMs() - startMs).isEqualTo(10 + 105);
        assertThat(cluster.bucket.requests("read"))
                .as("the hedge, refused after 70 ms, reads the slot back")
                .isEqualTo(1);
        assertThat(entry.isReleased()).isFalse();
        cluster.runtime.advance(100);
        assertThat(entry.isReleased()).isTrue();
        assertThat(owner.wal().failure()).isEmpty();
    }

    @Test
    void aPayloadIsKeptForAReadBackThatGoesOnWhenTheLaneIsGivenUp() {
        Owner owner = warmOwner();
        boolean[] isFirst = {true};
        cluster.bucket.network = (op, key) -> {
            boolean isSlow = isFirst[0] && op.equals("create");
            isFirst[0] = false;
            return Fate.after(10, isSlow ? 40_000 : op.equals("read") ? 60_000 : 10);
        };
        SimEntry entry = owner.append(1, 30, "a");
        cluster.runtime.advance(1_000);
        assertThat(cluster.bucket.requests("read")).isEqualTo(1);
        cluster.runtime.await(owner.wal().shutdown());
        assertThat(entry.failure().kind()).isEqualTo(ErrorKind.UNAVAILABLE);
        cluster.runtime.advance(15_000);
        assertThat(entry.isReleased()).as("the put has ended, the read has not").isFalse();
        cluster.runtime.advance(60_000);
        assertThat(entry.isReleased()).isTrue();
    }

    @Test
    void damageOnTheWayOfAReadBackIsNotTakenForAStranger() {
        Owner owner = warmOwner();
        int[] reads = {0};
        boolean[] isFirst = {true};
        cluster.bucket.network = (op, key) -> {
            if (op.equals("read") && reads[0]++ == 0) {
                cluster.bucket.flipBit(key, 300);
                cluster.runtime.schedule(15, () -> cluster.bucket.flipBit(key, 300));
            }
            boolean isSlow = isFirst[0] && op.equals("create");
            isFirst[0] = false;
            return Fate.after(10, isSlow ? 5_000 : 10);
        };
        SimEntry entry = owner.write(1, 30, "slow");
        assertThat(entry.isDurable()).isTrue();
        assertThat(reads[0]).isEqualTo(1);
        assertThat(owner.wal().failure()).isEmpty();
    }

    @Test
    void aTrimmedSlotIsNotBroughtBackByALateHedge() {
        Owner owner = warmOwner();
        int[] puts = {0};
        cluster.bucket.network = (op, key) -> Fate.after(op.equals("create") && puts[0]++ == 0 ? 5_000 : 10, 10);
        owner.write(1, 30, "slow");
        cluster.runtime.await(owner.wal().trim(31));
        cluster.runtime.advance(60_000);
        assertThat(cluster.bucket.keys()).isEmpty();
    }

    @Test
    void aStoreThatHasBecomeSlowIsNotAskedTwiceForEverything() {
        Owner owner = warmOwner();
        cluster.bucket.network = (op, key) -> Fate.after(500, 10);
        for (int i = 0; i < 100; i++) {
            owner.write(1, 30 + i, "slow");
        }
        assertThat(cluster.bucket.requests("create")).isLessThan(100 + 4 + 11);
    }

    @Test
    void lostRequestsAndLostAnswersAreRepeatedUntilTheSlotIsThere() {
        Owner owner = cluster.open();
        int[] tries = {0};
        cluster.bucket.network = (op, key) -> {
            if (!op.equals("create")) {
                return Fate.after(10, 10);
            }
            tries[0]++;
            return tries[0] <= 3
                    ? new Fate(-1, 20, false, -1)
                    : tries[0] <= 5 ? new Fate(10, 20, false, -1) : Fate.after(10, 10);
        };
        SimEntry a = owner.write(1, 0, "a");
        SimEntry b = owner.write(1, 1, "b");
        assertThat(List.of(a.lsn.join(), b.lsn.join())).containsExactly(0L, 1L);
        assertThat(owner.wal().failure()).isEmpty();
        owner.kill();
        assertThat(cluster.open().recoveredTexts()).containsExactly("a", "b");
    }

    @Test
    void anOutageOfHoursOnlyDelays() {
        Owner owner = cluster.open();
        cluster.bucket.network = (op, key) -> new Fate(-1, 100, false, -1);
        List<SimEntry> entries = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            entries.add(owner.append(1, i, "r" + i));
            cluster.runtime.advance(250_000);
        }
        assertThat(entries).noneMatch(e -> e.lsn.isDone());
        assertThat(owner.wal().stalledBy().orElseThrow().kind()).isEqualTo(ErrorKind.INDETERMINATE);
        assertThat(owner.meters.get("freshet.wal.s3.stalled").gauge().value()).isEqualTo(1);
        cluster.bucket.network = (op, key) -> Fate.after(10, 10);
        cluster.runtime.await(entries.get(49).lsn);
        assertThat(entries).allMatch(SimEntry::isDurable);
        assertThat(owner.wal().stalledBy()).isEmpty();
    }

    @Test
    void withdrawnRightsAndAMissingBucketOnlyDelay() {
        for (ErrorKind kind : List.of(ErrorKind.DENIED, ErrorKind.MISSING, ErrorKind.THROTTLED, ErrorKind.INTERNAL)) {
            SimCluster own = new SimCluster(5);
            SimRuntime.Host host = own.runtime.host();
            boolean[] isRefusing = {false};
            ObjectStore store = new RefusingStore(
                    own.bucket.client(host), () -> isRefusing[0] ? new FreshetException(kind, "refused") : null);
            long epoch = own.quorum.register();
            S3Wal wal = own.runtime.await(S3Wal.open(
                    S3WalConfig.of(SimCluster.BROKER, epoch),
                    store,
                    own.quorum.client(host, epoch),
                    new SimpleSlots(),
                    (l, s, e, b, n, p) -> {},
                    host.services(new SimpleMeterRegistry())));
            isRefusing[0] = true;
            SimEntry entry = new SimEntry(1, 1, 0, "a");
            wal.append(entry);
            own.runtime.advance(3_600_000);
            assertThat(entry.lsn).isNotDone();
            assertThat(wal.stalledBy().orElseThrow().kind()).isEqualTo(kind);
            isRefusing[0] = false;
            own.runtime.await(entry.lsn);
            assertThat(entry.isDurable()).isTrue();
        }
    }

    @Test
    void aFullLaneNeitherRefusesNorSendsMoreThanItsBound() {
        cluster.settings = c -> new S3WalConfig(
                c.brokerId(),
                c.brokerEpoch(),
                new S3WalConfig.Batching(4096, 1, 1, 1, 1000, 1000),
                new S3WalConfig.Flight(3, 3 * 4096, 50, 1 << 20, 4, 30_000),
                c.capacityBytes(),
                c.fenceRetentionMs());
        Owner owner = cluster.open();
        int[] inFlight = {0};
        int[] most = {0};
        cluster.bucket.network = (op, key) -> {
            if (op.equals("create")) {
                most[0] = Math.max(most[0], ++inFlight[0]);
                cluster.runtime.schedule(1_000, () -> inFlight[0]--);
            }
            return Fate.after(500, 500);
        };
        List<SimEntry> entries = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            SimEntry entry = new SimEntry(1, 1, i, "r" + i, new byte[2048]);
            entries.add(entry);
            owner.wal().append(entry);
        }
        cluster.runtime.advance(10);
        assertThat(owner.wal().pendingBytes()).isEqualTo(40 * 2048);
        assertThat(cluster.bucket.requests("create")).isEqualTo(3);
        cluster.runtime.await(entries.get(39).lsn);
        assertThat(entries).allMatch(SimEntry::isDurable);
        assertThat(most[0]).isEqualTo(3);
        assertThat(cluster.bucket.requests("create")).isEqualTo(20);
        assertThat(owner.wal().pendingBytes()).isZero();
    }

    @Test
    void aPausedQuorumOnlyDelaysTrimsAndIds() {
        Owner owner = cluster.open();
        owner.write(1, 0, "a");
        cluster.quorum.network = (op, key) -> new Fate(-1, 50, false, -1);
        CompletableFuture<Void> trim = owner.wal().trim(1);
        cluster.runtime.advance(600_000);
        assertThat(trim).isNotDone();
        assertThat(cluster.bucket.keys()).containsExactly(key(1, 0));
        cluster.quorum.network = (op, key) -> Fate.after(2, 2);
        cluster.runtime.await(trim);
        cluster.runtime.advance(1_000);
        assertThat(cluster.bucket.keys()).isEmpty();
    }

    @Test
    void readsThatFailOrArriveDamagedDoNotEndARecovery() {
        Owner first = cluster.open();
        for (int i = 0; i < 20; i++) {
            first.write(1, i, "r" + i);
        }
        first.kill();
        int[] count = {0};
        cluster.bucket.network = (op, key) -> count[0]++ % 3 == 0 ? new Fate(-1, 30, false, -1) : Fate.after(10, 10);
        cluster.quorum.network = (op, key) -> count[0]++ % 2 == 0 ? new Fate(5, 30, false, -1) : Fate.after(10, 10);
        assertThat(cluster.open().recoveredTexts())
                .hasSize(20)
                .startsWith("r0", "r1")
                .endsWith("r18", "r19");
    }

    @Test
    void duplicatesOfPutsThatArriveLaterDoNoHarm() {
        cluster.settings = S3WalFencingTest::eager;
        cluster.bucket.network = (op, key) -> new Fate(10, 10, true, op.equals("create") ? 3_000 : -1);
        Owner owner = cluster.open();
        for (int i = 0; i < 10; i++) {
            owner.write(1, i, "r" + i);
        }
        cluster.runtime.await(owner.wal().trim(5));
        cluster.runtime.advance(10_000);
        owner.kill();
        assertThat(cluster.open().recoveredTexts()).containsExactly("r5", "r6", "r7", "r8", "r9");
    }

    @Test
    void entriesThatCannotBeLaidOutFailAndStopTheLane() {
        SimRuntime.Host host = cluster.runtime.host();
        long epoch = cluster.quorum.register();
        SlotFormat broken = new SlotFormat() {
            @Override
            public EncodedSlot encode(SlotName name, List<WalEntry> entries) {
                throw new FreshetException(ErrorKind.INVALID, "no whole batches");
            }

            @Override
            public EncodedSlot fence(SlotName name) {
                return new SimpleSlots().fence(name);
            }

            @Override
            public SlotContent read(SlotKey key, ByteBuffer bytes, long lsn, RecoveryVisitor visitor) {
                return new SimpleSlots().read(key, bytes, lsn, visitor);
            }
        };
        S3Wal wal = cluster.runtime.await(S3Wal.open(
                S3WalConfig.of(SimCluster.BROKER, epoch),
                cluster.bucket.client(host),
                cluster.quorum.client(host, epoch),
                broken,
                (l, s, e, b, n, p) -> {},
                host.services(new SimpleMeterRegistry())));
        SimEntry a = new SimEntry(1, 1, 0, "a");
        SimEntry b = new SimEntry(1, 1, 1, "b");
        wal.append(a);
        wal.append(b);
        cluster.runtime.advance(1_000);
        assertThat(List.of(a.failure().kind(), b.failure().kind())).containsOnly(ErrorKind.INTERNAL);
        assertThat(wal.pendingBytes()).isZero();
        assertThat(cluster.bucket.requests("create")).isZero();
    }
}
