// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicResult;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.server.common.MetadataVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuorumNodeTest {
    @TempDir
    Path directory;

    @Test
    void refusesAnUnformattedDirectoryAndNamesTheCommand() {
        assertThatThrownBy(() -> TestNode.start(directory))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessageContaining("kafka-storage.sh format");
        assertThat(MetadataFormat.isFormatted(directory)).isFalse();
    }

    @Test
    void refusesASecondFormatAndAnotherNodeId() {
        TestNode.format(directory);
        assertThat(MetadataFormat.isFormatted(directory)).isTrue();
        assertThatThrownBy(() -> TestNode.format(directory)).hasMessageContaining("formatted already");
        assertThatThrownBy(() -> TestNode.start(directory, 7)).hasMessageContaining("node.id");
    }

    @Test
    void startsAsLeaderWithTheFeaturesOfTheFormat() {
        TestNode.format(directory);
        try (TestNode node = TestNode.start(directory)) {
            MetadataImage image = node.node.image();
            assertThat(image.features().metadataVersionOrThrow()).isEqualTo(MetadataVersion.latestProduction());
            assertThat(image.features().finalizedVersions())
                    .containsEntry("group.version", (short) 1)
                    .containsEntry("transaction.version", (short) 2)
                    .doesNotContainKeys("share.version", "streams.version");
            assertThat(node.node.clusterId()).isEqualTo(MetadataFormat.clusterId(directory));
            assertThat(TestNode.get(node.node.describeQuorum())
                            .topics()
                            .get(0)
                            .partitions()
                            .get(0)
                            .leaderId())
                    .isEqualTo(TestNode.NODE_ID);
        }
    }

    @Test
    void writesASnapshotByItselfWhenTheLogHasGrown() throws IOException {
        TestNode.format(directory);
        Path log = directory.resolve("__cluster_metadata-0");
        MetadataImage before;
        try (TestNode node = TestNode.start(directory, TestNode.NODE_ID, 2_000).register()) {
            for (int i = 0; i < 20; i++) {
                node.createTopic("topic-" + i, 3);
            }
            before = node.node.image();
            await().until(() -> snapshotsIn(log) > 0);
        }
        try (TestNode node = TestNode.start(directory)) {
            assertThat(node.node.image().topics()).isEqualTo(before.topics());
        }
    }

    /** Snapshots beside the one that formatting wrote. */
    private static long snapshotsIn(Path log) throws IOException {
        try (Stream<Path> files = Files.list(log)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".checkpoint") && !name.startsWith("00000000000000000000-"))
                    .count();
        }
    }

    @Test
    void keepsEverythingOverARestart() {
        TestNode.format(directory);
        Uuid topicId;
        long stream;
        MetadataImage before;
        try (TestNode node = TestNode.start(directory).register()) {
            CreatableTopicResult made = node.createTopic("orders", 3);
            assertThat(made.errorCode()).isEqualTo(Errors.NONE.code());
            assertThat(made.replicationFactor()).isEqualTo((short) 3);
            topicId = made.topicId();
            stream = node.stream(topicId, 1);
            long object = node.reserveId();
            assertThat(node.commit(object, node.segment(stream, 0, 10, object))).isEmpty();
            before = node.node.image();
        }
        try (TestNode node = TestNode.start(directory)) {
            assertThat(node.node.image().topics()).isEqualTo(before.topics());
            assertThat(node.node.image().cluster()).isEqualTo(before.cluster());
            assertThat(node.node.manifests().segments(stream, 0, 10)).hasSize(1);
            assertThat(node.leaderEpoch(stream)).isZero();
            long oldEpoch = before.cluster().brokerEpoch(TestNode.NODE_ID);
            node.register();
            assertThat(node.brokerEpoch).isGreaterThan(oldEpoch);
            assertThat(node.leaderEpoch(stream)).isEqualTo(1);
        }
    }

    @Test
    void reopensACopyTakenWhileItRan(@TempDir Path copies) {
        TestNode.format(directory);
        List<Uuid> topics = new ArrayList<>();
        Path copy = copies.resolve("copy");
        try (TestNode node = TestNode.start(directory).register()) {
            for (int i = 0; i < 20; i++) {
                topics.add(node.createTopic("t" + i, 2).topicId());
            }
            TestNode.copy(directory, copy);
        }
        try (TestNode node = TestNode.start(copy)) {
            for (Uuid topic : topics) {
                assertThat(node.node.image().topics().getTopic(topic)).isNotNull();
                assertThat(node.node.manifests().streamId(topic, 1)).isPresent();
            }
        }
    }

    @Test
    void tellsAListenerThePresentAndThenEveryChange() {
        TestNode.format(directory);
        try (TestNode node = TestNode.start(directory).register()) {
            Uuid first = node.createTopic("first", 1).topicId();
            List<Integer> changedTopics = new ArrayList<>();
            List<MetadataImage> images = new ArrayList<>();
            node.node.addListener((delta, image) -> {
                changedTopics.add(
                        delta.topicsDelta() == null
                                ? 0
                                : delta.topicsDelta().changedTopics().size());
                images.add(image);
            });
            node.createTopic("second", 1);
            TestNode.get(node.node.awaitOffset(node.node.image().offset()));
            assertThat(changedTopics).containsExactly(1, 1);
            assertThat(images.get(0).topics().getTopic(first)).isNotNull();
            assertThat(images.get(1).topics().topicsById()).hasSize(2);
        }
    }

    @Test
    void makesAThousandPartitionsWithinTwoSeconds() {
        TestNode.format(directory);
        try (TestNode node = TestNode.start(directory).register()) {
            long beganNs = System.nanoTime();
            assertThat(node.createTopic("wide", 1000).errorCode()).isZero();
            long tookMs = (System.nanoTime() - beganNs) / 1_000_000;
            assertThat(tookMs).isLessThan(10_000);
            assertThat(node.node.image().topics().getTopic("wide").partitions()).hasSize(1000);
        }
        long restartedNs = System.nanoTime();
        try (TestNode node = TestNode.start(directory)) {
            assertThat((System.nanoTime() - restartedNs) / 1_000_000).isLessThan(10_000);
            assertThat(node.node.image().topics().getTopic("wide").partitions()).hasSize(1000);
        }
    }

    @Test
    void sharesFlushesAmongConcurrentCommands() {
        TestNode.format(directory);
        try (TestNode node = TestNode.start(directory).register()) {
            Uuid topic = node.createTopic("busy", 1).topicId();
            long stream = node.stream(topic, 0);
            int count = 5_000;
            long first = TestNode.get(node.controller.reserveObjectIds(count)).first();
            long beganNs = System.nanoTime();
            List<CompletableFuture<?>> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                all.add(node.commitAsync(first + i, node.segment(stream, i, i + 1, first + i)));
            }
            TestNode.get(CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)));
            long tookMs = (System.nanoTime() - beganNs) / 1_000_000;
            assertThat(node.node.manifests().stream(stream).orElseThrow().endOffset())
                    .isEqualTo(count);
            assertThat(tookMs).isLessThan(20_000);
        }
    }

    @Test
    void failsCommandsAfterClose() {
        TestNode.format(directory);
        TestNode node = TestNode.start(directory);
        node.close();
        assertThatThrownBy(() -> node.reserveId())
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNAVAILABLE));
        assertThatThrownBy(() -> node.node.manifests().retiredObjects(1))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNAVAILABLE));
    }

    @Test
    void leavesNoThreadBehind() {
        TestNode.format(directory);
        TestNode.start(directory).close();
        await().untilAsserted(() -> assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.contains("freshet-")));
    }
}
