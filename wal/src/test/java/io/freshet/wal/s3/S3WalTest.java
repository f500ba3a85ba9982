// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.wal.s3.SimBucket.Fate;
import io.freshet.wal.s3.SimCluster.Owner;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** One owner at a time: append, acknowledge, trim, restart. */
class S3WalTest {
    private final SimCluster cluster = new SimCluster(1);

    private static String key(long epoch, long slot) {
        return ObjectKeys.slotKey(SimCluster.BROKER, epoch, slot);
    }

    @Test
    void whatWasAcknowledgedIsRecoveredInOrder() {
        Owner first = cluster.open();
        SimEntry a = first.write(1, 0, "a");
        SimEntry b = first.write(2, 0, "b");
        SimEntry c = first.write(1, 1, "c");
        assertThat(List.of(a.lsn.join(), b.lsn.join(), c.lsn.join())).containsExactly(0L, 1L, 2L);
        assertThat(first.wal().endLsn()).isEqualTo(3);
        first.kill();

        Owner second = cluster.open();
        assertThat(second.recovered)
                .containsExactly(
                        new SimCluster.Seen(0, 1, 1, 0, "a"),
                        new SimCluster.Seen(1, 2, 1, 0, "b"),
                        new SimCluster.Seen(2, 1, 1, 1, "c"));
        assertThat(cluster.quorum.sealOf(1).endSlot()).isEqualTo(3);
        assertThat(cluster.quorum.sealOf(1).streamEnds()).containsOnly(entry(1L, 2L), entry(2L, 1L));
        assertThat(second.wal().endLsn()).isEqualTo(3);
        assertThat(second.write(1, 2, "d").lsn.join()).isEqualTo(3);
    }

    private static java.util.Map.Entry<Long, Long> entry(long stream, long end) {
        return java.util.Map.entry(stream, end);
    }

    @Test
    void epochsThatNeverWroteAreFencedTooAndRecoveryGoesThroughAllOfThem() {
        cluster.open().kill();
        Owner second = cluster.open();
        second.write(1, 0, "a");
        second.kill();
        cluster.open().kill();
        Owner fourth = cluster.open();
        assertThat(fourth.recoveredTexts()).containsExactly("a");
        assertThat(cluster.bucket.keys()).containsExactly(key(1, 0), key(2, 0), key(2, 1), key(3, 0));
        assertThat(cluster.quorum.sealOf(1).endSlot()).isZero();
        assertThat(cluster.quorum.sealOf(3).endSlot()).isZero();
    }

    @Test
    void anIdleLaneSendsNothing() {
        Owner owner = cluster.open();
        owner.write(1, 0, "a");
        int requests = cluster.bucket.requestCount();
        int commands = cluster.quorum.commands;
        cluster.runtime.advance(3 * 3_600_000L);
        assertThat(cluster.bucket.requestCount()).isEqualTo(requests);
        assertThat(cluster.quorum.commands).isEqualTo(commands);
    }

    @Test
    void aBatchThatSomebodyWaitsForDoesNotWaitForCompany() {
        Owner owner = cluster.open();
        List<SimEntry> entries = new java.util.ArrayList<>();
        int offset = 0;
        while (entries.stream().allMatch(entry -> entry.lsn.isDone())) { // until the budget of puts is used up
            entries.add(owner.append(1, offset++, "a"));
            cluster.runtime.advance(60);
        }
        owner.wal().hurry();
        cluster.runtime.advance(60);
        assertThat(entries).allMatch(entry -> entry.lsn.isDone());
        entries.add(owner.append(1, offset, "b"));
        cluster.runtime.advance(60);
        assertThat(entries.get(entries.size() - 1).lsn)
                .as("nobody waits any more")
                .isNotDone();
        cluster.runtime.advance(1_000);
        assertThat(entries).allMatch(entry -> entry.lsn.isDone());
    }

    @Test
    void aLoneAppendIsPutAtOnceAndCostsOneRequest() {
        Owner owner = cluster.open();
        cluster.runtime.advance(1_000);
        int requests = cluster.bucket.requestCount();
        long startMs = cluster.runtime.wallMs();
        owner.write(1, 0, "a");
        assertThat(cluster.runtime.wallMs() - startMs).isEqualTo(20);
        assertThat(cluster.bucket.requestCount() - requests).isEqualTo(1);
    }

    @Test
    void acknowledgementsKeepSlotOrderHoweverAnswersArrive() {
        cluster.settings = c -> new S3WalConfig(
                c.brokerId(),
                c.brokerEpoch(),
                new S3WalConfig.Batching(4096, 1, 1, 1, 1000, 1000),
                S3WalConfig.Flight.DEFAULT,
                c.capacityBytes(),
                c.fenceRetentionMs());
        Owner owner = cluster.open();
        List<Long> answerMs = new ArrayList<>(List.of(500L, 400L, 300L, 200L, 100L));
        cluster.bucket.network = (op, key) -> Fate.after(10, answerMs.isEmpty() ? 10 : answerMs.remove(0));
        List<String> acknowledged = new ArrayList<>();
        List<SimEntry> entries = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            SimEntry entry = new SimEntry(1, 1, i, "r" + i);
            entry.onDurable = durable -> acknowledged.add(durable.text);
            entries.add(entry);
            owner.wal().append(entry);
            cluster.runtime.advance(5);
        }
        cluster.runtime.advance(300);
        assertThat(cluster.bucket.requests("create")).isEqualTo(5);
        assertThat(acknowledged).isEmpty();
        cluster.runtime.await(entries.get(4).lsn);
        assertThat(acknowledged).containsExactly("r0", "r1", "r2", "r3", "r4");
        assertThat(entries.stream().map(e -> e.lsn.join())).containsExactly(0L, 1L, 2L, 3L, 4L);
    }

    @Test
    void entriesOfOneBatchShareASlot() {
        Owner owner = cluster.open();
        List<SimEntry> entries = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            entries.add(owner.append(i % 3, i / 3, "r" + i));
        }
        cluster.runtime.await(entries.get(99).lsn);
        assertThat(entries).allSatisfy(e -> assertThat(e.lsn.join()).isZero());
        assertThat(cluster.bucket.requests("create")).isEqualTo(1);
        assertThat(owner.count("freshet.wal.s3.records")).isEqualTo(100);
    }

    @Test
    void batchesCloseOnBytes() {
        Owner owner = cluster.open();
        List<SimEntry> entries = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            SimEntry entry = new SimEntry(1, 1, i, "r" + i, new byte[1 << 20]);
            entries.add(entry);
            owner.wal().append(entry);
        }
        cluster.runtime.await(entries.get(39).lsn);
        assertThat(cluster.bucket.requests("create")).isEqualTo(5);
        assertThat(entries.stream().map(e -> e.lsn.join()).distinct()).containsExactly(0L, 1L, 2L, 3L, 4L);
    }

    @Test
    void trimTellsTheQuorumFirstThenDeletes() {
        Owner owner = cluster.open();
        for (int i = 0; i < 5; i++) {
            owner.write(1, i, "r" + i);
        }
        long used = owner.wal().usedBytes();
        cluster.bucket.network = (op, key) -> {
            if (op.equals("delete")) {
                assertThat(cluster.quorum.states().get(0).startSlot()).isEqualTo(3);
            }
            return Fate.after(10, 10);
        };
        cluster.runtime.await(owner.wal().trim(3));
        assertThat(owner.wal().startLsn()).isEqualTo(3);
        assertThat(owner.wal().usedBytes()).isEqualTo(used * 2 / 5);
        cluster.runtime.advance(1_000);
        assertThat(cluster.bucket.keys()).containsExactly(key(1, 3), key(1, 4));
        assertThat(cluster.bucket.requests("delete")).isEqualTo(1);
        owner.kill();
        assertThat(cluster.open().recoveredTexts()).containsExactly("r3", "r4");
    }

    @Test
    void trimBeyondTheEndIsRefused() {
        Owner owner = cluster.open();
        owner.write(1, 0, "a");
        CompletableFuture<Void> trim = owner.wal().trim(2);
        cluster.runtime.advance(100);
        assertThatThrownBy(trim::join)
                .satisfies(e -> assertThat(FreshetException.of(e).kind()).isEqualTo(ErrorKind.INVALID));
    }

    @Test
    void deletionsThatFailAreTriedAgain() {
        Owner owner = cluster.open();
        owner.write(1, 0, "a");
        int[] failures = {3};
        cluster.bucket.network =
                (op, key) -> op.equals("delete") && failures[0]-- > 0 ? new Fate(-1, 5, false, -1) : Fate.after(10, 10);
        cluster.runtime.await(owner.wal().trim(1));
        assertThat(cluster.bucket.keys()).hasSize(1);
        cluster.runtime.advance(10_000);
        assertThat(cluster.bucket.keys()).isEmpty();
    }

    @Test
    void aDeadWalIsRetiredWhenTrimmedAndItsFenceIsOld() {
        Owner first = cluster.open();
        first.write(1, 0, "a");
        first.kill();
        Owner second = cluster.open();
        second.write(1, 1, "b");
        cluster.runtime.await(second.wal().trim(1));
        cluster.runtime.advance(60_000);
        assertThat(cluster.bucket.keys()).containsExactly(key(1, 1), key(2, 0));
        assertThat(cluster.quorum.states()).hasSize(2);
        cluster.runtime.advance(S3WalConfig.DEFAULT_FENCE_RETENTION_MS);
        assertThat(cluster.bucket.keys()).containsExactly(key(2, 0));
        assertThat(cluster.quorum.states()).hasSize(1);
        second.kill();
        assertThat(cluster.open().recoveredTexts()).containsExactly("b");
    }

    @Test
    void closeWaitsForWhatWasHandedOver() {
        Owner owner = cluster.open();
        SimEntry entry = owner.append(1, 0, "a");
        CompletableFuture<Void> closed = owner.wal().shutdown();
        assertThat(entry.lsn).isNotDone();
        cluster.runtime.await(closed);
        assertThat(entry.isDurable()).isTrue();
        SimEntry late = owner.append(1, 1, "b");
        cluster.runtime.advance(1);
        assertThat(late.failure().kind()).isEqualTo(ErrorKind.UNAVAILABLE);
    }

    @Test
    void closeGivesUpOnAStoreThatDoesNotAnswer() {
        Owner owner = cluster.open();
        cluster.bucket.network = (op, key) -> new Fate(-1, 10, false, -1);
        SimEntry entry = owner.append(1, 0, "a");
        cluster.runtime.await(owner.wal().shutdown());
        assertThat(entry.failure().kind()).isEqualTo(ErrorKind.UNAVAILABLE);
    }

    @Test
    void anOversizedRecordIsRefusedAndNotHandedOver() {
        Owner owner = cluster.open();
        SimEntry entry = new SimEntry(1, 1, 0, "x", new byte[0]);
        assertThatThrownBy(() -> owner.wal().append(entry)).hasMessageContaining("not in 1..");
        assertThat(entry.lsn).isNotDone();
    }

    @Test
    void oneRegistrationOpensItsWalOnce() {
        Owner first = cluster.open();
        CompletableFuture<S3Wal> again = S3Wal.open(
                S3WalConfig.of(SimCluster.BROKER, first.epoch),
                cluster.bucket.client(first.host),
                cluster.quorum.client(first.host, first.epoch),
                new SimpleSlots(),
                (l, s, e, b, n, p) -> {},
                first.host.services(first.meters));
        cluster.runtime.advance(100);
        assertThatThrownBy(again::join).hasMessageContaining("has opened its S3 WAL before");
    }
}
