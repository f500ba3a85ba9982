// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.PartitionHandOver;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.follow.ManifestFollower;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiKeys;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A broker without a vote that keeps only the manifests of the streams that it leads, beside a voter that keeps everything. */
class FollowerTest {
    private static final String VOTER = "localhost:9093";
    private static final int FOLLOWER_ID = 2;
    private static final long SEED = Long.getLong("freshet.seed", 4711);
    private static final int ALL = 100_000;
    private static final long LONG_GRACE_MS = 3_600_000;

    @TempDir
    Path directory;

    private final LocalRaftNetwork raft = new LocalRaftNetwork();
    private final LocalCommandNetwork commands = new LocalCommandNetwork();
    private final JumpingClock clock = new JumpingClock();
    private final Random random = new Random(SEED);
    private final RandomChanges changes = new RandomChanges(SEED);
    private TestNode voter;
    private long followerEpoch;

    @BeforeEach
    void startVoter() {
        TestNode.format(directory.resolve("voter"));
        voter = TestNode.start(
                TestNode.config(
                        directory.resolve("voter"),
                        TestNode.NODE_ID,
                        MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES,
                        Map.of("metadata.max.retention.bytes", "1024")),
                clock);
        raft.join(VOTER, voter.node);
        commands.join(TestNode.NODE_ID, voter.node);
        voter.register();
        RegisteredBroker registered = TestNode.get(voter.controller.registerBroker(new BrokerSpec(
                FOLLOWER_ID,
                Uuid.randomUuid(),
                List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9192)),
                null)));
        followerEpoch = registered.brokerEpoch();
        TestNode.get(voter.controller.heartbeat(
                new BrokerHeartbeat(FOLLOWER_ID, followerEpoch, registered.offset(), true, false)));
    }

    @AfterEach
    void stopVoter() {
        raft.leave(VOTER);
        commands.leave(TestNode.NODE_ID);
        voter.close();
        commands.close();
    }

    @Test
    void keepsTheManifestsOfTheStreamsItLeadsWhateverHappensMeanwhile() {
        changes.run(voter, 80);
        try (TestNode follower = follower(LONG_GRACE_MS, 3)) {
            int moved = 0;
            for (int round = 0; round < 25; round++) {
                changes.run(voter, 4);
                moved += moveSome(); // pages are asked for while the next changes are applied
                changes.run(voter, 8);
            }
            requireSame(follower);
            assertThat(moved).as("moves, seed %d", SEED).isGreaterThan(20);
            assertThat(changes.replaced()).isPositive();
        }
    }

    @Test
    void anAnswerIsPutTogetherWithWhatIsAppliedWhileItIsOnItsWay() {
        changes.run(voter, 60);
        try (TestNode follower = follower(LONG_GRACE_MS, 2)) {
            for (int round = 0; round < 10; round++) {
                commands.hold();
                moveSome();
                changes.run(voter, 10);
                TestNode.get(follower.node.awaitOffset(voter.node.image().offset()));
                List<StreamState> waiting = led(voter).stream()
                        .filter(stream -> !isReadable(follower, stream.streamId()))
                        .toList();
                commands.letGo(); // the leader answers as of now: the follower has seen all of it as changes
                changes.run(voter, 10);
                for (StreamState stream : waiting) {
                    if (isLed(voter, stream.streamId())) {
                        TestNode.get(follower.node.manifestKept(stream.streamId()));
                    }
                }
                requireSame(follower);
            }
        }
    }

    @Test
    void givesUpWhatIsLedElsewhereAndTakesItBack() {
        long stream = streamOn(FOLLOWER_ID, "moving");
        commit(stream, 5);
        try (TestNode follower = follower(0, 100)) {
            requireSame(follower);
            int asked = commands.sent.get();
            move(stream, TestNode.NODE_ID);
            commit(stream, 3);
            TestNode.get(follower.node.awaitOffset(voter.node.image().offset()));
            await().until(() -> !isReadable(follower, stream));
            assertThatThrownBy(() -> TestNode.get(follower.node.manifestKept(stream)))
                    .isInstanceOfSatisfying(
                            FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNAVAILABLE));
            assertThat(rows(follower).get("MANIFESTS")).isZero();
            move(stream, FOLLOWER_ID);
            requireSame(follower);
            assertThat(commands.sent.get()).isGreaterThan(asked);
            commit(stream, 3);
            requireSame(follower);
            assertThat(follower.node.manifests().segments(stream, 0, ALL)).hasSize(11);
        }
    }

    @Test
    void aStreamThatComesBackSoonWasNeverGivenUp() {
        long stream = streamOn(FOLLOWER_ID, "moving");
        commit(stream, 5);
        try (TestNode follower = follower(LONG_GRACE_MS, 100)) {
            requireSame(follower);
            int asked = commands.sent.get();
            move(stream, TestNode.NODE_ID);
            commit(stream, 3);
            TestNode.get(follower.node.awaitOffset(voter.node.image().offset()));
            assertThat(follower.node.manifests().segments(stream, 0, ALL)).hasSize(8);
            move(stream, FOLLOWER_ID);
            requireSame(follower);
            assertThat(commands.sent.get()).isEqualTo(asked);
        }
    }

    @Test
    void asksForNothingThatIsMadeWhileItFollows() {
        try (TestNode follower = follower(LONG_GRACE_MS, 100)) {
            int asked = commands.sent.get();
            voter.createTopic("new", 6);
            List<StreamState> led = led(voter);
            assertThat(led).hasSize(3);
            led.forEach(stream -> commit(stream.streamId(), 4));
            requireSame(follower);
            assertThat(commands.sent.get()).isEqualTo(asked);
        }
    }

    @Test
    void refusesEveryQuestionThatItCannotAnswer() {
        long mine = streamOn(FOLLOWER_ID, "mine");
        long other = streamOn(TestNode.NODE_ID, "other");
        commit(mine, 3);
        long object = commit(other, 3);
        try (TestNode follower = follower(0, 100)) {
            requireSame(follower);
            Manifests partial = follower.node.manifests();
            assertThat(follower.node.keepsEverything()).isFalse();
            assertThat(voter.node.keepsEverything()).isTrue();
            assertRefused(ErrorKind.UNAVAILABLE, () -> partial.segments(other, 0, 1));
            assertRefused(ErrorKind.UNAVAILABLE, () -> partial.segments(123_456, 0, 1));
            assertRefused(ErrorKind.INTERNAL, () -> partial.isObjectKnown(object));
            assertRefused(ErrorKind.INTERNAL, () -> partial.isObjectKnown(object + 1_000_000));
            assertRefused(ErrorKind.INTERNAL, () -> partial.objectStates(List.of(object)));
            assertRefused(ErrorKind.INTERNAL, () -> partial.objectStates(List.of()));
            assertRefused(ErrorKind.INTERNAL, () -> partial.objects(0, 1));
            assertRefused(ErrorKind.INTERNAL, () -> partial.retiredObjects(1));
            assertThat(partial.stream(other)).isEqualTo(voter.node.manifests().stream(other));
            assertThat(partial.streamIds(0, ALL))
                    .isEqualTo(voter.node.manifests().streamIds(0, ALL));
        }
    }

    @Test
    void asksTheLeaderForWhatItDoesNotKeep() {
        changes.run(voter, 150);
        try (TestNode follower = follower(0, 100)) {
            Manifests whole = voter.node.manifests();
            ClusterController leader = follower.controller;
            assertThat(TestNode.get(leader.readObjects(-1, 10_000))).isEqualTo(whole.objects(-1, 10_000));
            assertThat(TestNode.get(leader.readObjects(7, 3))).isEqualTo(whole.objects(7, 3));
            assertThat(TestNode.get(leader.readRetiredObjects(10_000)))
                    .isNotEmpty()
                    .isEqualTo(whole.retiredObjects(10_000));
            List<Long> ids = new ArrayList<>();
            for (long id = 1; id < 200; id++) {
                ids.add(id);
            }
            assertThat(TestNode.get(leader.readObjectStates(ids)))
                    .contains(ObjectState.LIVE, ObjectState.RETIRED, ObjectState.UNKNOWN)
                    .isEqualTo(whole.objectStates(ids))
                    .satisfies(states -> {
                        for (int i = 0; i < states.size(); i++) {
                            assertThat(states.get(i) != ObjectState.UNKNOWN).isEqualTo(whole.isObjectKnown(ids.get(i)));
                        }
                    });
            for (long streamId : whole.streamIds(-1, ALL)) {
                ManifestQuery query =
                        new ManifestQuery(0, false, List.of(new ManifestQuery.From(streamId, 3)), 1_000, 1_000);
                assertThat(TestNode.get(leader.readManifests(query)).pages().get(0))
                        .isEqualTo(new ManifestPages.Page(streamId, whole.segments(streamId, 3, 1_000), true));
            }
            assertRefused(ErrorKind.INVALID, () -> TestNode.get(leader.readObjects(0, StateQueries.MAX_OBJECTS + 1)));
        }
    }

    @Test
    void asksAnewAfterARestart() {
        changes.run(voter, 60);
        try (TestNode follower = follower(LONG_GRACE_MS, 3)) {
            requireSame(follower);
        }
        changes.run(voter, 30);
        moveSome();
        try (TestNode follower = follower(LONG_GRACE_MS, 3)) {
            requireSame(follower);
        }
    }

    @Test
    void takesItsPartOfASnapshotAndWritesSnapshotsOfItsPart() throws Exception {
        changes.run(voter, 60);
        truncateVotersLog();
        changes.run(voter, 20);
        try (TestNode follower = follower(LONG_GRACE_MS, 3)) {
            assertThat(raft.sent(ApiKeys.FETCH_SNAPSHOT)).isPositive();
            requireSame(follower);
            assertThat(rows(follower)).containsEntry("OBJECTS", 0L).containsEntry("RETIRED", 0L);
            assertThat(TestNode.get(follower.node.snapshotNow())).isTrue();
        }
        TestNode.delete(directory.resolve("follower").resolve("led-manifests"));
        int fetched = raft.sent(ApiKeys.FETCH_SNAPSHOT);
        try (TestNode follower = follower(LONG_GRACE_MS, 3)) {
            requireSame(follower); // from its own snapshot, and the leader
            assertThat(raft.sent(ApiKeys.FETCH_SNAPSHOT)).isEqualTo(fetched);
        }
    }

    @Test
    void goesOnWithASnapshotWhenItWasCutOffForLong() throws Exception {
        changes.run(voter, 60);
        try (TestNode follower = follower(LONG_GRACE_MS, 3)) {
            requireSame(follower);
            raft.leave(VOTER);
            changes.run(voter, 40);
            truncateVotersLog();
            changes.run(voter, 10);
            raft.join(VOTER, voter.node);
            TestNode.get(follower.node.awaitOffset(voter.node.image().offset()));
            assertThat(raft.sent(ApiKeys.FETCH_SNAPSHOT)).isPositive();
            requireSame(follower);
            changes.run(voter, 20);
            requireSame(follower);
        }
    }

    @Test
    void aNodeThatNeedsEverythingRefusesASnapshotOfAPart() {
        changes.run(voter, 60);
        try (TestNode follower = follower(LONG_GRACE_MS, 3)) {
            requireSame(follower);
            assertThat(TestNode.get(follower.node.snapshotNow())).isTrue();
        }
        assertThatThrownBy(() -> TestNode.observe(followerConfig(), List.of(VOTER), raft.channel()))
                .hasMessageContaining("delete its metadata directory");
    }

    @Test
    void takesOverADirectoryThatHeldEverything() {
        changes.run(voter, 60);
        formatFollower();
        try (TestNode whole = TestNode.observe(followerConfig(), List.of(VOTER), raft.channel())) {
            TestNode.get(whole.node.awaitOffset(voter.node.image().offset()));
            assertThat(TestNode.get(whole.node.snapshotNow())).isTrue();
        }
        assertThat(directory.resolve("follower/manifests/CURRENT")).exists();
        try (TestNode follower = follower(LONG_GRACE_MS, 3)) {
            requireSame(follower);
            assertThat(directory.resolve("follower/manifests/CURRENT")).doesNotExist();
        }
    }

    @Test
    void waitsForALeaderThatAnswers() {
        long stream = streamOn(FOLLOWER_ID, "mine");
        commit(stream, 3);
        follower(LONG_GRACE_MS, 3).close(); // what it has applied it knows, but for manifests
        commands.leave(TestNode.NODE_ID);
        try (TestNode follower = follower(LONG_GRACE_MS, 3)) {
            CompletableFuture<Void> kept = follower.node.manifestKept(stream);
            assertRefused(ErrorKind.UNAVAILABLE, () -> follower.node.manifests().segments(stream, 0, 1));
            assertThat(kept).isNotDone();
            commands.join(TestNode.NODE_ID, voter.node);
            TestNode.get(kept);
            requireSame(follower);
        }
    }

    @Test
    void asksALeaderOfAnOlderVersionUntilItIsUpgraded() {
        long stream = streamOn(FOLLOWER_ID, "mine");
        commit(stream, 3);
        follower(LONG_GRACE_MS, 3).close();
        commands.knowNoQueries(true);
        try (TestNode follower = follower(LONG_GRACE_MS, 3)) {
            int asked = commands.sent.get();
            await().until(() -> commands.sent.get() > asked + 1);
            assertRefused(ErrorKind.INVALID, () -> TestNode.get(follower.controller.readObjectStates(List.of(1L))));
            assertRefused(ErrorKind.UNAVAILABLE, () -> follower.node.manifests().segments(stream, 0, 1));
            commands.knowNoQueries(false);
            requireSame(follower);
        }
    }

    private static void assertRefused(ErrorKind kind, ThrowingCallable question) {
        assertThatThrownBy(question)
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    /** The follower has what it should, exactly as the voter, and of manifests and objects nothing else. */
    private void requireSame(TestNode follower) {
        TestNode.get(follower.node.awaitOffset(voter.node.image().offset()));
        long rows = 0;
        for (StreamState stream : led(voter)) {
            TestNode.get(follower.node.manifestKept(stream.streamId()));
            List<StreamSegment> expected = voter.node.manifests().segments(stream.streamId(), 0, ALL);
            assertThat(follower.node.manifests().segments(stream.streamId(), 0, ALL))
                    .as("manifest of stream %d, seed %d", stream.streamId(), SEED)
                    .isEqualTo(expected);
            assertThat(follower.node.manifests().stream(stream.streamId())).contains(stream);
            rows += expected.size();
        }
        Map<String, Long> whole = rows(voter);
        Map<String, Long> part = rows(follower);
        assertThat(part).containsEntry("OBJECTS", 0L).containsEntry("RETIRED", 0L);
        assertThat(part.get("MANIFESTS")).isBetween(rows, whole.get("MANIFESTS"));
        for (String table : List.of("STREAMS", "PARTITIONS", "WALS", "WAL_ENDS", "WAL_FLOORS", "MEMBERS")) {
            assertThat(part.get(table)).as(table).isEqualTo(whole.get(table));
        }
    }

    private static Map<String, Long> rows(TestNode node) {
        Map<String, Long> rows = new HashMap<>();
        node.node.tableSizes().forEach((table, size) -> rows.put(table, size.rows()));
        return rows;
    }

    private static List<StreamState> led(TestNode node) {
        Manifests manifests = node.node.manifests();
        return manifests.streamIds(-1, ALL).stream()
                .map(id -> manifests.stream(id).orElseThrow())
                .filter(stream -> stream.ownerId() == FOLLOWER_ID)
                .toList();
    }

    private static boolean isLed(TestNode node, long streamId) {
        return node.node.manifests().stream(streamId)
                .map(stream -> stream.ownerId() == FOLLOWER_ID)
                .orElse(false);
    }

    private static boolean isReadable(TestNode node, long streamId) {
        try {
            node.node.manifests().segments(streamId, 0, 1);
            return true;
        } catch (FreshetException e) {
            return false;
        }
    }

    /** Moves some partitions between the two brokers; returns how many. */
    private int moveSome() {
        List<Integer> counts = new ArrayList<>();
        voter.node
                .image()
                .topics()
                .topicsById()
                .values()
                .forEach(topic -> topic.partitions().forEach((partition, registration) -> {
                    if (random.nextInt(3) == 0) {
                        move(topic.id(), partition, registration.leader, registration.leaderEpoch);
                        counts.add(partition);
                    }
                }));
        return counts.size();
    }

    private void move(Uuid topicId, int partition, int leader, int leaderEpoch) {
        int target = leader == FOLLOWER_ID ? TestNode.NODE_ID : FOLLOWER_ID;
        long epoch = leader == FOLLOWER_ID ? followerEpoch : voter.brokerEpoch;
        assertThat(TestNode.get(voter.controller.handOver(
                        leader, epoch, List.of(new PartitionHandOver(topicId, partition, leaderEpoch, target)))))
                .containsExactly(true);
    }

    private void move(long streamId, int target) {
        voter.node
                .image()
                .topics()
                .topicsById()
                .values()
                .forEach(topic -> topic.partitions().forEach((partition, registration) -> {
                    if (voter.stream(topic.id(), partition) == streamId && registration.leader != target) {
                        move(topic.id(), partition, registration.leader, registration.leaderEpoch);
                    }
                }));
        assertThat(isLed(voter, streamId)).isEqualTo(target == FOLLOWER_ID);
    }

    private long streamOn(int brokerId, String topic) {
        Uuid id = voter.createTopic(topic, 1).topicId();
        long stream = voter.stream(id, 0);
        move(stream, brokerId);
        return stream;
    }

    /** Commits {@code count} objects with a segment each; the last one's id. */
    private long commit(long streamId, int count) {
        long object = -1;
        for (int i = 0; i < count; i++) {
            object = voter.reserveId();
            long end = voter.node.manifests().stream(streamId).orElseThrow().endOffset();
            assertThat(voter.commit(object, voter.segment(streamId, end, end + 10, object)))
                    .isEmpty();
        }
        return object;
    }

    private MetadataNodeConfig followerConfig() {
        return TestNode.config(
                directory.resolve("follower"), FOLLOWER_ID, MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES, Map.of());
    }

    private void formatFollower() {
        if (!MetadataFormat.isFormatted(directory.resolve("follower"))) {
            MetadataFormat.formatObserver(
                    directory.resolve("follower"), voter.node.clusterId(), FOLLOWER_ID, Uuid.randomUuid());
        }
    }

    private TestNode follower(long graceMs, int segmentsPerPage) {
        formatFollower();
        return TestNode.follow(
                followerConfig(),
                new QuorumLink(List.of(VOTER), raft.channel(), Optional.of(commands.routing())),
                new ManifestFollower.Settings(graceMs, segmentsPerPage));
    }

    /** Has the voter keep one snapshot and the log behind it; its cleaner runs once a minute. */
    private void truncateVotersLog() throws Exception {
        assertThat(TestNode.get(voter.node.snapshotNow())).isTrue();
        Path first = directory.resolve("voter/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint");
        clock.jump(61_000);
        voter.reserveId();
        await().until(() -> !Files.exists(first));
    }

    /** The system's clock, some time later. */
    private static final class JumpingClock implements Clock {
        private final AtomicLong aheadMs = new AtomicLong();

        void jump(long ms) {
            aheadMs.addAndGet(ms);
        }

        @Override
        public long wallMs() {
            return Clock.system().wallMs() + aheadMs.get();
        }

        @Override
        public long nanoTime() {
            return Clock.system().nanoTime() + aheadMs.get() * 1_000_000;
        }
    }
}
