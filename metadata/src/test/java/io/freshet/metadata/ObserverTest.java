// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.RecoveryTest.Contents;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.image.MetadataImage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node without a vote: the same records, state machine and snapshots, fetched from the voter over Raft's own requests. */
class ObserverTest {
    private static final String VOTER = "localhost:9093";
    private static final int OBSERVER_ID = 2;
    private static final long SEED = 11;

    @TempDir
    Path directory;

    private final LocalRaftNetwork network = new LocalRaftNetwork();
    private final JumpingClock clock = new JumpingClock();
    private final RandomChanges changes = new RandomChanges(SEED);
    private TestNode voter;

    @BeforeEach
    void startVoter() {
        TestNode.format(directory.resolve("voter"));
        openVoter();
        voter.register();
    }

    private void openVoter() {
        voter = TestNode.start(
                TestNode.config(
                        directory.resolve("voter"),
                        TestNode.NODE_ID,
                        MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES,
                        Map.of("metadata.max.retention.bytes", "1024")),
                clock);
        network.join(VOTER, voter.node);
    }

    @AfterEach
    void stopVoter() {
        network.leave(VOTER);
        voter.close();
    }

    @Test
    void followsLiveCommits() {
        change(30);
        try (TestNode observer = observer()) {
            requireSame(observer);
            List<MetadataImage> images = new CopyOnWriteArrayList<>();
            observer.node.addListener((delta, image) -> images.add(image));
            change(60);
            requireSame(observer);
            assertThat(images).hasSizeGreaterThan(2);
            assertThat(images.get(images.size() - 1).topics())
                    .isEqualTo(voter.node.image().topics());
            assertThat(observer.node.image().features())
                    .isEqualTo(voter.node.image().features());
            assertThat(observer.node.image().cluster())
                    .isEqualTo(voter.node.image().cluster());
        }
    }

    @Test
    void waitsForAnOffsetThatIsYetToCome() {
        change(5);
        try (TestNode observer = observer()) {
            network.leave(VOTER);
            change(10);
            CompletableFuture<Void> reached =
                    observer.node.awaitOffset(voter.node.image().offset());
            assertThat(reached).isNotDone();
            network.join(VOTER, voter.node);
            TestNode.get(reached);
            assertThat(Contents.of(observer.node)).isEqualTo(Contents.of(voter.node));
        }
    }

    @Test
    void loadsASnapshotWhenTheLogBeginsAfterIt() throws Exception {
        change(40);
        truncateVotersLog();
        change(10);
        try (TestNode observer = observer()) {
            assertThat(network.sent(ApiKeys.FETCH_SNAPSHOT)).isPositive();
            requireSame(observer);
            change(10);
            requireSame(observer);
        }
    }

    @Test
    void goesOnAfterARestartFromItsOwnLog() {
        change(30);
        observer().close();
        change(30);
        int snapshotsFetched = network.sent(ApiKeys.FETCH_SNAPSHOT);
        try (TestNode observer = observer()) {
            requireSame(observer);
            assertThat(network.sent(ApiKeys.FETCH_SNAPSHOT)).isEqualTo(snapshotsFetched);
        }
    }

    @Test
    void findsTheLeaderAnewWhenAPowerFailureTookItsLog() throws Exception {
        change(30);
        TestNode before = observer();
        requireSame(before);
        before.close();
        int deleted = 0;
        try (DirectoryStream<Path> log = Files.newDirectoryStream(
                directory.resolve("observer/__cluster_metadata-0"), "*.{log,index,timeindex,snapshot}")) {
            for (Path file : log) {
                Files.delete(file);
                deleted++;
            }
        }
        assertThat(deleted).isPositive();
        try (TestNode observer = observer()) {
            requireSame(observer);
            change(10);
            requireSame(observer);
        }
    }

    @Test
    void replacesAStateThatFellBehindTheVotersLog() throws Exception {
        change(30);
        observer().close();
        TestNode.get(voter.controller.deleteTopics(List.of(changes.takeTopic())));
        change(40);
        truncateVotersLog();
        change(5);
        try (TestNode observer = observer()) {
            assertThat(network.sent(ApiKeys.FETCH_SNAPSHOT)).isPositive();
            requireSame(observer);
            assertThat(TestNode.get(observer.node.snapshotNow())).isTrue();
        }
        TestNode.delete(directory.resolve("observer").resolve("manifests"));
        try (TestNode observer = observer()) {
            requireSame(observer); // from its own snapshot
        }
    }

    @Test
    void followsTheVoterOverItsRestart() {
        change(10);
        try (TestNode observer = observer()) {
            stopVoter();
            openVoter();
            voter.register();
            change(10);
            requireSame(observer);
        }
    }

    @Test
    void refusesCommandsAndNamesTheLeader() {
        try (TestNode observer = observer()) {
            assertThatThrownBy(() -> observer.createTopic("here", 1))
                    .isInstanceOfSatisfying(
                            FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNAVAILABLE))
                    .hasMessageContaining("node " + TestNode.NODE_ID + " is");
            assertThat(voter.node.image().topics().topicsById()).isEmpty();
        }
    }

    @Test
    void refusesADirectoryThatIsFormattedAndAnObserverWithoutVoters() {
        Path formatted = directory.resolve("voter");
        assertThatThrownBy(() -> MetadataFormat.formatObserver(
                        formatted, voter.node.clusterId(), OBSERVER_ID, Uuid.randomUuid()))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
        assertThatThrownBy(() -> TestNode.observe(observerConfig(), List.of(), network.channel()))
                .hasMessageContaining("controller.quorum.bootstrap.servers");
    }

    private MetadataNodeConfig observerConfig() {
        return TestNode.config(
                directory.resolve("observer"), OBSERVER_ID, MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES, Map.of());
    }

    private TestNode observer() {
        if (!MetadataFormat.isFormatted(directory.resolve("observer"))) {
            MetadataFormat.formatObserver(
                    directory.resolve("observer"), voter.node.clusterId(), OBSERVER_ID, Uuid.randomUuid());
        }
        return TestNode.observe(observerConfig(), List.of(VOTER), network.channel());
    }

    private void change(int count) {
        changes.run(voter, count);
    }

    private void requireSame(TestNode observer) {
        TestNode.get(observer.node.awaitOffset(voter.node.image().offset()));
        assertThat(Contents.of(observer.node)).isEqualTo(Contents.of(voter.node));
    }

    /** Has the voter keep one snapshot and the log behind it; its cleaner runs once a minute. */
    private void truncateVotersLog() throws Exception {
        assertThat(TestNode.get(voter.node.snapshotNow())).isTrue();
        Path first = directory.resolve("voter/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint");
        assertThat(first).exists();
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
