// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static io.freshet.metadata.TestNode.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.HeartbeatAnswer;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.PartitionRegistration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Brokers' sessions and what follows from their end, on a real log and a clock that the test sets. */
class FailoverTest {
    private static final long SESSION_MS = 3000;

    @TempDir
    Path directory;

    private final SetClock clock = new SetClock();
    private final Map<Integer, RegisteredBroker> registered = new HashMap<>();
    private TestNode node;

    /** Runs with the real clock, and jumps when it is told to. */
    private static final class SetClock implements Clock {
        private final AtomicLong aheadNs = new AtomicLong();

        @Override
        public long wallMs() {
            return Clock.system().wallMs();
        }

        @Override
        public long nanoTime() {
            return Clock.system().nanoTime() + aheadNs.get();
        }

        void advanceMs(long ms) {
            aheadNs.addAndGet(TimeUnit.MILLISECONDS.toNanos(ms));
        }
    }

    private RegisteredBroker session(int id) {
        return Objects.requireNonNull(registered.get(id));
    }

    @BeforeEach
    void start() {
        TestNode.format(directory);
        MetadataNodeConfig usual =
                TestNode.config(directory, TestNode.NODE_ID, MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES, Map.of());
        node = TestNode.start(
                new MetadataNodeConfig(
                        usual.directory(),
                        usual.nodeId(),
                        usual.controllerHost(),
                        usual.controllerPort(),
                        usual.defaultPartitions(),
                        usual.defaultReplicationFactor(),
                        usual.snapshotAfterBytes(),
                        usual.validator(),
                        usual.schema(),
                        usual.staticConfig(),
                        usual.logOverrides(),
                        SESSION_MS),
                clock);
    }

    @AfterEach
    void stop() {
        node.close();
    }

    private RegisteredBroker register(int id, String... lanes) {
        RegisteredBroker broker = get(node.controller.registerBroker(spec(id, lanes)));
        registered.put(id, broker);
        return broker;
    }

    private static BrokerSpec spec(int id, String... lanes) {
        return new BrokerSpec(
                id,
                Uuid.randomUuid(),
                List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092 + id)),
                null,
                List.of(lanes));
    }

    private HeartbeatAnswer beat(int id, boolean isReady, boolean wantsShutdown) {
        RegisteredBroker broker = session(id);
        return get(node.controller.heartbeat(
                new BrokerHeartbeat(id, broker.brokerEpoch(), broker.offset(), isReady, wantsShutdown)));
    }

    private void join(int id, String... lanes) {
        register(id, lanes);
        assertThat(beat(id, true, false)).isEqualTo(new HeartbeatAnswer(false, false, false, SESSION_MS));
    }

    /** Lets time pass in small steps; the brokers named send heartbeats meanwhile, the others are silent. */
    private void pass(long ms, int... alive) {
        for (long passed = 0; passed < ms; passed += 500) {
            clock.advanceMs(500);
            for (int id : alive) {
                beat(id, true, false);
            }
            Awaitility.await().pollDelay(Duration.ofMillis(120)).until(() -> true);
        }
    }

    private BrokerRegistration broker(int id) {
        return node.node.image().cluster().broker(id);
    }

    private int leaderEpoch(String topic) {
        return Objects.requireNonNull(
                        node.node.image().topics().getTopic(topic).partitions().get(0))
                .leaderEpoch;
    }

    private Map<Integer, Integer> led(String topic) {
        Map<Integer, Integer> counts = new TreeMap<>();
        for (PartitionRegistration partition :
                node.node.image().topics().getTopic(topic).partitions().values()) {
            counts.merge(partition.leader, 1, Integer::sum);
        }
        return counts;
    }

    private static void requireKind(ErrorKind kind, CompletableFuture<Void> command) {
        assertThatThrownBy(() -> get(command))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    private void await(Runnable check) {
        Awaitility.await().atMost(Duration.ofSeconds(20)).untilAsserted(check::run);
    }

    @Test
    void isFencedUntilItsFirstHeartbeatSaysReady() {
        register(1);
        assertThat(broker(1).fenced()).isTrue();
        assertThat(beat(1, false, false).isFenced()).isTrue();
        assertThat(beat(1, true, false).isFenced()).isFalse();
        assertThat(broker(1).fenced()).isFalse();
        assertThat(beat(1, true, false).isFenced()).isFalse();
    }

    @Test
    void refusesAnOldEpochAndASessionThatIsOver() {
        join(1);
        RegisteredBroker old = session(1);
        join(1);
        assertFenced(old);
        join(2);
        pass(4500, 2);
        await(() -> assertThat(broker(1).fenced()).isTrue());
        assertThat(broker(2).fenced()).isFalse();
        await(() -> assertThat(node.node.manifests().member(1).orElseThrow().isLapsed())
                .isTrue());
        assertThat(beat(1, true, false)).isEqualTo(new HeartbeatAnswer(true, false, true, SESSION_MS));
        join(1);
        assertThat(node.node.manifests().member(1).orElseThrow().isLapsed()).isFalse();
    }

    @Test
    void aRegistrationThatComesLateReplacesNoLaterOne() {
        BrokerSpec first = spec(1);
        BrokerSpec second = spec(1);
        get(node.controller.registerBroker(first));
        RegisteredBroker present = get(node.controller.registerBroker(second));
        assertThatThrownBy(() -> get(node.controller.registerBroker(first)))
                .isInstanceOfSatisfying(
                        FreshetException.class,
                        error -> assertThat(error.kind()).isEqualTo(ErrorKind.FENCED));
        assertThat(broker(1).incarnationId()).isEqualTo(second.incarnationId());
        assertThat(get(node.controller.registerBroker(second)).brokerEpoch()).isEqualTo(present.brokerEpoch());
    }

    private void assertFenced(RegisteredBroker broker) {
        assertThatThrownBy(() -> get(node.controller.heartbeat(
                        new BrokerHeartbeat(1, broker.brokerEpoch(), broker.offset(), true, false))))
                .isInstanceOfSatisfying(
                        FreshetException.class,
                        error -> assertThat(error.kind()).isEqualTo(ErrorKind.FENCED));
    }

    @Test
    void aPauseOfTheControllerEndsNoSession() {
        join(1);
        clock.advanceMs(60_000);
        Awaitility.await().pollDelay(Duration.ofMillis(400)).until(() -> true);
        assertThat(beat(1, true, false).isFenced()).isFalse();
    }

    @Test
    void movesTheDeadBrokersPartitionsWhenItsWalIsSealed() {
        join(1, "s3");
        get(node.controller.openWal(1, session(1).brokerEpoch()));
        node.createTopic("t", 40);
        join(2, "s3");
        join(3, "s3");
        pass(4500, 2, 3);
        await(() -> assertThat(node.node.manifests().abandonedWals())
                .containsExactly(new WalState(1, session(1).brokerEpoch(), 0, WalState.NOT_SEALED)));
        assertThat(led("t")).isEqualTo(Map.of(1, 40));
        get(node.controller.sealWal(new WalSeal(1, session(1).brokerEpoch(), 0, Map.of())));
        await(() -> assertThat(led("t")).isEqualTo(Map.of(2, 20, 3, 20)));
        assertThat(node.node.manifests().abandonedWals()).isEmpty();
        join(1, "s3");
        pass(1000, 1, 2, 3);
        assertThat(led("t")).isEqualTo(Map.of(2, 20, 3, 20));
    }

    @Test
    void movesThePartitionsWhoseRecordsWereBroughtIn() {
        join(1, "block", "s3");
        node.createTopic("t", 4);
        join(2, "s3");
        long epoch = session(1).brokerEpoch();
        WalSeal seal = new WalSeal(1, epoch + 1, 3, Map.of(1L, 100L));
        requireKind(ErrorKind.FENCED, node.controller.importWal(1, epoch, seal));
        pass(4500, 2);
        await(() -> assertThat(broker(1).fenced()).isTrue());
        requireKind(ErrorKind.FENCED, node.controller.importWal(1, epoch - 1, seal));
        requireKind(
                ErrorKind.INVALID,
                node.controller.importWal(1, epoch, new WalSeal(1, epoch + 1_000_000, 3, Map.of(1L, 100L))));
        requireKind(ErrorKind.INVALID, node.controller.importWal(1, epoch, new WalSeal(1, epoch, 3, Map.of(1L, 100L))));
        requireKind(
                ErrorKind.INVALID, node.controller.importWal(1, epoch, new WalSeal(2, epoch + 1, 3, Map.of(1L, 100L))));
        assertThat(led("t")).isEqualTo(Map.of(1, 4));
        get(node.controller.importWal(1, epoch, seal));
        await(() -> assertThat(led("t")).isEqualTo(Map.of(2, 4)));
        assertThat(node.node.manifests().walSeal(1, epoch + 1)).contains(seal);
        get(node.controller.importWal(1, epoch, seal));
        requireKind(
                ErrorKind.INVALID, node.controller.importWal(1, epoch, new WalSeal(1, epoch + 2, 3, Map.of(1L, 100L))));
        join(1, "block", "s3");
        assertThat(session(1).brokerEpoch()).isGreaterThan(epoch + 1);
        assertThat(node.node.manifests().member(1).orElseThrow().walLanes()).containsExactly("block", "s3");
    }

    @Test
    void movesThePartitionsOfABlockWalThatHeldNothing() {
        join(1, "block");
        node.createTopic("t", 4);
        join(2, "s3");
        pass(4500, 2);
        await(() -> assertThat(broker(1).fenced()).isTrue());
        long epoch = session(1).brokerEpoch();
        get(node.controller.importWal(1, epoch, new WalSeal(1, epoch + 1, 0, Map.of())));
        await(() -> assertThat(led("t")).isEqualTo(Map.of(2, 4)));
        assertThat(node.node.manifests().wals()).isEmpty();
    }

    @Test
    void waitsForABrokerThatAloneHasTheRecords() {
        join(1, "block", "s3");
        node.createTopic("t", 4);
        join(2, "s3");
        pass(4500, 2);
        await(() -> assertThat(broker(1).fenced()).isTrue());
        pass(500, 2);
        assertThat(led("t")).isEqualTo(Map.of(1, 4));
        int epochBefore = leaderEpoch("t");
        join(1, "block", "s3");
        assertThat(leaderEpoch("t")).isEqualTo(epochBefore + 1);
    }

    @Test
    void nobodyLivesAndThenSomebodyComes() {
        join(1, "s3");
        node.createTopic("t", 6);
        pass(4500);
        await(() -> assertThat(broker(1).fenced()).isTrue());
        assertThat(led("t")).isEqualTo(Map.of(1, 6));
        join(2, "s3");
        await(() -> assertThat(led("t")).isEqualTo(Map.of(2, 6)));
    }

    @Test
    void wishesForTheMovesOfABrokerThatWantsToStop() {
        join(1, "s3");
        node.createTopic("t", 6);
        join(2, "s3");
        join(3, "s3");
        long version = node.node.manifests().wishesVersion();
        assertThat(beat(1, true, true).mayShutDown()).isFalse();
        assertThat(broker(1).inControlledShutdown()).isTrue();
        await(() -> assertThat(node.node.manifests().wishes())
                .hasSize(6)
                .extracting(MoveWish::targetBrokerId)
                .containsOnly(2, 3));
        assertThat(node.node.manifests().wishesVersion()).isNotEqualTo(version);
    }

    @Test
    void theLastOneMayStopAtOnce() {
        join(1, "block");
        node.createTopic("t", 6);
        assertThat(beat(1, true, true).mayShutDown()).isTrue();
    }
}
