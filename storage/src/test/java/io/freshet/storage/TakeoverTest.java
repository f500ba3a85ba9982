// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.WalState;
import io.freshet.storage.fake.KillSwitch;
import io.freshet.storage.fake.TakeoverCluster;
import io.freshet.storage.fake.TakeoverCluster.Broker;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.fake.TestOwner;
import io.micrometer.core.instrument.Gauge;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Brokers die with records that are in no object, and others serve them. */
class TakeoverTest {
    private final TakeoverCluster cluster = new TakeoverCluster(11);

    private static void appendTo(TakeoverCluster cluster, int rounds, int maxFillerBytes) {
        for (int i = 0; i < rounds; i++) {
            for (TestOwner owner : cluster.owners.values()) {
                owner.append(1 + i % 3, maxFillerBytes);
            }
            cluster.sim.advance(20);
        }
        cluster.sim.advance(1_000);
        for (TestOwner owner : cluster.owners.values()) {
            assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
        }
    }

    private void append(int rounds) {
        appendTo(cluster, rounds, 600);
    }

    private void verifyAll() {
        cluster.owners.values().forEach(cluster::verify);
    }

    private List<String> walKeys(Broker broker) {
        String prefix = ObjectKeys.walPrefix(broker.id, broker.epoch);
        return cluster.store.keys().stream()
                .filter(key -> key.startsWith(prefix))
                .toList();
    }

    private Broker withStreams(int brokerId, int streams) {
        Broker broker = cluster.start(brokerId);
        for (long stream = 1; stream <= streams; stream++) {
            cluster.create(stream, broker);
        }
        return broker;
    }

    @Test
    void othersServeWhatADeadBrokerAcknowledgedAndGoOn() {
        Broker a = withStreams(1, 6);
        Broker b = cluster.start(2);
        Broker c = cluster.start(3);
        append(5);
        a.upload();
        append(5);
        a.die();
        cluster.sim.advance(1_500);
        assertThat(a.isAllSealed()).isTrue();
        cluster.owners.values().forEach(owner -> (owner.streamId() % 2 == 0 ? b : c).take(owner));
        verifyAll();
        append(5);
        verifyAll();
        assertThat(walKeys(a)).isNotEmpty();
        b.upload();
        cluster.sim.advance(3_000);
        assertThat(walKeys(a)).as("half of it is in no object").hasSizeGreaterThan(1);
        c.upload();
        cluster.sim.advance(3_000);
        assertThat(walKeys(a)).as("only the fence is left").hasSize(1);
        cluster.sim.advance(2 * TakeoverCluster.FENCE_RETENTION_MS);
        assertThat(walKeys(a)).isEmpty();
        assertThat(cluster.quorum.wals()).extracting(WalState::brokerId).containsExactly(2, 3);
        verifyAll();
    }

    @Test
    void recordsOfOneStreamInTheWalsOfSeveralDeadBrokers() {
        Broker a = withStreams(1, 3);
        Broker b = cluster.start(2);
        append(4);
        a.die();
        cluster.sim.advance(3_000);
        cluster.owners.values().forEach(b::take);
        append(4);
        Broker c = cluster.start(3);
        cluster.sim.advance(300);
        b.die();
        cluster.sim.advance(3_000);
        cluster.owners.values().forEach(c::take);
        append(4);
        Broker d = cluster.start(4);
        cluster.sim.advance(300);
        c.die();
        cluster.sim.advance(3_000);
        cluster.owners.values().forEach(d::take);
        verifyAll();
        append(1);
        d.upload();
        verifyAll();
        cluster.sim.advance(3 * TakeoverCluster.FENCE_RETENTION_MS);
        assertThat(cluster.quorum.wals()).extracting(WalState::brokerId).containsExactly(4);
        verifyAll();
    }

    @Test
    void theOldOwnerComesBackAndLeavesTheOthersAlone() {
        Broker a = withStreams(1, 4);
        Broker b = cluster.start(2);
        append(4);
        a.die();
        cluster.sim.advance(3_000);
        b.take(cluster.owners.get(1L));
        b.take(cluster.owners.get(2L));
        Broker again = cluster.start(1);
        again.take(cluster.owners.get(3L));
        again.take(cluster.owners.get(4L));
        append(3);
        again.upload();
        cluster.sim.advance(5_000);
        assertThat(walKeys(a)).as("what b needs").hasSizeGreaterThan(1);
        verifyAll();
        again.die();
        b.die();
        Broker c = cluster.start(3);
        cluster.sim.advance(40_000);
        cluster.owners.values().forEach(c::take);
        verifyAll();
    }

    @Test
    void aRestartedBrokerFindsItsOwnRecords() {
        Broker a = withStreams(1, 5);
        append(3);
        for (int i = 0; i < 3; i++) {
            a.host.kill();
            a = cluster.start(1);
            cluster.owners.values().forEach(a::take);
            verifyAll();
            append(2);
        }
        a.upload();
        cluster.sim.advance(3 * TakeoverCluster.FENCE_RETENTION_MS);
        assertThat(cluster.quorum.wals()).hasSize(1);
        verifyAll();
    }

    @Test
    void aZombiesLateAppendsAreNeverAcknowledged() {
        Broker a = withStreams(1, 2);
        Broker b = cluster.start(2);
        append(3);
        List<StreamLog> handles =
                cluster.owners.values().stream().map(TestOwner::log).toList();
        List<@Nullable FreshetException> answers = new ArrayList<>();
        List<Boolean> answered = new ArrayList<>();
        a.host.pause();
        handles.forEach(log -> appendLate(log, answered, answers));
        cluster.quorum.fence(1);
        cluster.sim.advance(3_000);
        cluster.owners.values().forEach(b::take);
        append(2);
        a.host.resume();
        cluster.sim.advance(100);
        handles.forEach(log -> {
            try {
                appendLate(log, answered, answers);
            } catch (FreshetException e) {
                answered.add(true);
                answers.add(e);
            }
        });
        cluster.sim.advance(10_000);
        assertThat(answered).hasSize(4);
        assertThat(answers).doesNotContainNull();
        a.storage().uploadNow();
        cluster.sim.advance(10_000);
        verifyAll();
        b.upload();
        verifyAll();
    }

    private void appendLate(StreamLog log, List<Boolean> answered, List<@Nullable FreshetException> answers) {
        long base = log.endOffset();
        ByteBuffer batch = TestBatches.batch(base, 2, 5, 100, cluster.random);
        log.append(new StreamAppend(base, base + 2, 6, SharedBytes.unpooled(batch)) {
            @Override
            public void completed(@Nullable FreshetException failure) {
                answered.add(true);
                answers.add(failure);
            }
        });
    }

    @Test
    void streamsWaitForUploadsWhileMemoryHasNoRoom() {
        cluster.laneBytes = 64 << 20;
        cluster.config = cluster.config.withTailCacheBytes(64 << 20);
        withStreams(1, 12);
        appendTo(cluster, 15, 60_000);
        cluster.laneBytes = 3 << 20;
        cluster.config = cluster.config.withTailCacheBytes(3 << 20);
        Broker b = cluster.start(2);
        cluster.sim.advance(300);
        cluster.quorum.fence(1);
        cluster.sim.advance(3_000);
        Gauge uncommitted =
                b.meters.get("freshet.storage.tail.uncommitted.bytes").gauge();
        List<Long> seen = new ArrayList<>();
        cluster.metadata.transport(new KillSwitch() {
            @Override
            public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
                seen.add((long) uncommitted.value());
                return super.send(name, command);
            }
        });
        List<CompletableFuture<Void>> openings = new ArrayList<>();
        for (TestOwner owner : cluster.owners.values()) {
            openings.add(b.opening(owner).thenAccept(owner::opened));
        }
        openings.forEach(cluster.sim::await);
        assertThat(Collections.max(seen)).isBetween(1L << 20, 3L << 20);
        assertThat(b.meters.counter("freshet.storage.takeover.waits").count()).isPositive();
        append(1);
        verifyAll();
    }

    @Test
    void recordsOfTheBlockLaneBetweenThoseOfSealedWals() {
        cluster.hasBlockLanes = true;
        Broker a = withStreams(1, 3);
        append(3);
        a.die();
        Broker b = cluster.start(2);
        cluster.sim.advance(40_000);
        cluster.owners.values().forEach(b::take);
        cluster.owners.values().forEach(owner -> owner.log().useLane("block"));
        append(3);
        cluster.owners.values().forEach(owner -> owner.log().useLane("s3"));
        append(3);
        for (int restarts = 0; restarts < 3; restarts++) {
            b.host.kill();
            b = cluster.start(2);
            if (restarts == 1) {
                b.upload(); // no stream is open: what the block lane holds must stay
            }
            cluster.owners.values().forEach(b::take);
            verifyAll();
            append(1);
        }
        b.upload();
        cluster.sim.advance(3 * TakeoverCluster.FENCE_RETENTION_MS);
        assertThat(cluster.quorum.wals()).hasSize(1);
        verifyAll();
    }

    @Test
    void aGapIsNamed() {
        Broker a = withStreams(1, 1);
        Broker b = cluster.start(2);
        append(3);
        a.die();
        cluster.sim.advance(3_000);
        cluster.owners.values().forEach(b::take);
        append(3);
        Broker c = cluster.start(3);
        cluster.sim.advance(300);
        b.die();
        cluster.sim.advance(3_000);
        cluster.quorum.lose(1, a.epoch);
        CompletableFuture<StreamLog> opening = c.opening(cluster.owners.get(1L));
        cluster.sim.advance(10_000);
        assertThatThrownBy(opening::join)
                .satisfies(e -> assertThat(FreshetException.of(e).kind()).isEqualTo(ErrorKind.CORRUPT))
                .hasMessageContaining("Stream 1 is committed up to offset 0")
                .hasMessageContaining("broker 2 epoch " + b.epoch);
    }

    @Test
    void manyStreamsShareOneReadingOfTheWal() {
        Broker a = withStreams(1, 200);
        append(6);
        Broker b = cluster.start(2);
        cluster.sim.advance(300);
        a.die();
        cluster.sim.advance(3_000);
        int slots = walKeys(a).size() - 1;
        List<TestOwner> owners = List.copyOf(cluster.owners.values());
        List<CompletableFuture<StreamLog>> openings =
                owners.stream().map(b::opening).toList();
        for (int i = 0; i < owners.size(); i++) {
            owners.get(i).opened(cluster.sim.await(openings.get(i)));
        }
        assertThat(b.meters.counter("freshet.wal.s3.sealed.slots.read").count()).isEqualTo(slots);
        verifyAll();
    }

    /** The one who takes over dies at its n-th request, for all n; a third finishes. */
    @Test
    void aCrashAtAnyStepOfATakeoverIsFollowedByACorrectOne() {
        int requests = 0;
        for (int fatal = 1; requests == 0; fatal++) {
            for (boolean takesEffect : new boolean[] {false, true}) {
                try {
                    if (!crashAt(fatal, takesEffect)) {
                        requests = fatal;
                    }
                } catch (RuntimeException | AssertionError e) {
                    throw new AssertionError(
                            "Dead at request " + fatal + ", " + takesEffect + ": " + e.getMessage(), e);
                }
            }
        }
        assertThat(requests).isGreaterThan(20);
    }

    /** False if the whole takeover passed before the fatal request. */
    private static boolean crashAt(int fatal, boolean takesEffect) {
        TakeoverCluster cluster = new TakeoverCluster(fatal);
        Broker a = cluster.start(1);
        for (long stream = 1; stream <= 3; stream++) {
            cluster.create(stream, a);
        }
        appendTo(cluster, 2, 300);
        a.upload();
        appendTo(cluster, 3, 300);
        KillSwitch kill = new KillSwitch();
        Broker b = cluster.start(2, kill);
        cluster.sim.advance(300);
        kill.arm(fatal, takesEffect);
        cluster.metadata.transport(kill);
        a.die();
        cluster.sim.advance(3_000);
        List<TestOwner> owners = List.copyOf(cluster.owners.values());
        if (a.isAllSealed()) {
            List<CompletableFuture<StreamLog>> openings =
                    owners.stream().map(b::opening).toList();
            cluster.sim.advance(1_000);
            for (int i = 0; i < owners.size(); i++) {
                if (openings.get(i).isDone()) {
                    owners.get(i).opened(openings.get(i).join());
                    owners.get(i).append(1, 300);
                }
            }
            cluster.sim.advance(1_000);
            b.storage().uploadNow();
            cluster.sim.advance(5_000);
            cluster.sim.advance(2 * TakeoverCluster.FENCE_RETENTION_MS);
        }
        boolean died = kill.isDead();
        kill.disarm();
        b.die();
        cluster.metadata.transport(new KillSwitch());
        Broker c = cluster.start(3);
        cluster.sim.advance(40_000);
        assertThat(a.isAllSealed() && b.isAllSealed()).isTrue();
        owners.forEach(c::take);
        owners.forEach(cluster::verify);
        appendTo(cluster, 1, 300);
        c.upload();
        cluster.sim.advance(3 * TakeoverCluster.FENCE_RETENTION_MS);
        assertThat(cluster.quorum.wals()).extracting(WalState::brokerId).containsExactly(3);
        owners.forEach(cluster::verify);
        return died;
    }
}
