// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.image.ConfigurationsImage;
import org.apache.kafka.image.TopicsImage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The state is the same function of the log, whether it comes from the log, a snapshot, or both. */
class RecoveryTest {
    @TempDir
    Path directory;

    /** Everything that commands can change. */
    record Contents(
            TopicsImage topics,
            ConfigurationsImage configs,
            long nextProducerId,
            TreeMap<Long, StreamState> streams,
            List<StreamSegment> segments,
            List<RetiredObject> retired) {
        static Contents of(QuorumNode node) {
            TreeMap<Long, StreamState> streams = new TreeMap<>();
            List<StreamSegment> segments = new ArrayList<>();
            for (long stream = 1; stream < 400; stream++) {
                long id = stream;
                node.manifests().stream(id).ifPresent(state -> streams.put(id, state));
                segments.addAll(node.manifests().segments(id, 0, 10_000));
            }
            return new Contents(
                    node.image().topics(),
                    node.image().configs(),
                    node.image().producerIds().nextProducerId(),
                    streams,
                    segments,
                    node.manifests().retiredObjects(10_000));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void reachesTheSameStateByEveryWay(long seed, @TempDir Path copies) {
        TestNode.format(directory);
        Random random = new Random(seed);
        List<Uuid> topics = new ArrayList<>();
        Contents expected;
        long nextObject;
        Path beforeSnapshot = copies.resolve("log");
        try (TestNode node = TestNode.start(directory).register()) {
            change(node, random, topics, 120);
            expected = Contents.of(node.node);
            assertThat(expected.segments()).isNotEmpty();
            TestNode.copy(directory, beforeSnapshot);
            assertThat(TestNode.get(node.node.snapshotNow())).isTrue();
        }
        requireSame(directory, expected); // store as it is, snapshot read
        TestNode.delete(directory.resolve("manifests"));
        requireSame(directory, expected); // store rebuilt from the snapshot
        requireSame(beforeSnapshot, expected); // store ahead of an image that is replayed
        TestNode.delete(beforeSnapshot.resolve("manifests"));
        requireSame(beforeSnapshot, expected); // store rebuilt from the log

        try (TestNode node = TestNode.start(directory).register()) {
            change(node, random, topics, 60);
            expected = Contents.of(node.node);
            nextObject = node.reserveId();
        }
        TestNode.delete(directory.resolve("manifests"));
        requireSame(directory, expected); // snapshot and the log behind it
        try (TestNode node = TestNode.start(directory)) {
            assertThat(node.reserveId()).isGreaterThan(nextObject);
        }
    }

    @Test
    void doesNotGiveOutIdsAgainAfterASnapshot() {
        TestNode.format(directory);
        long object;
        long stream;
        try (TestNode node = TestNode.start(directory).register()) {
            object = node.reserveId();
            Uuid topic = node.createTopic("gone", 1).topicId();
            stream = node.stream(topic, 0);
            TestNode.get(node.controller.deleteTopics(List.of(topic)));
            TestNode.get(node.node.snapshotNow());
        }
        TestNode.delete(directory.resolve("manifests"));
        try (TestNode node = TestNode.start(directory)) {
            assertThat(node.reserveId()).isGreaterThan(object);
            assertThat(node.stream(node.createTopic("new", 1).topicId(), 0)).isGreaterThan(stream);
        }
    }

    @Test
    void takesCommandsWhileASnapshotIsWritten() {
        TestNode.format(directory);
        try (TestNode node = TestNode.start(directory).register()) {
            node.createTopic("wide", 2000);
            var snapshot = node.node.snapshotNow();
            for (int i = 0; i < 20; i++) {
                assertThat(node.createTopic("t" + i, 1).errorCode()).isZero();
            }
            assertThat(TestNode.get(snapshot)).isTrue();
        }
        TestNode.delete(directory.resolve("manifests"));
        try (TestNode node = TestNode.start(directory)) {
            assertThat(node.node.image().topics().topicsById()).hasSize(21);
            Uuid wide = node.node.image().topics().getTopic("wide").id();
            assertThat(node.node.manifests().streamId(wide, 1999)).isPresent();
        }
    }

    private static void requireSame(Path directory, Contents expected) {
        try (TestNode node = TestNode.start(directory)) {
            assertThat(Contents.of(node.node)).isEqualTo(expected);
        }
    }

    static void change(TestNode node, Random random, List<Uuid> topics, int count) {
        for (int i = 0; i < count; i++) {
            int choice = random.nextInt(10);
            if (topics.isEmpty() || choice == 0) {
                topics.add(node.createTopic("t" + topics.size() + "-" + random.nextInt(1 << 20), 1 + random.nextInt(4))
                        .topicId());
            } else if (choice == 1 && topics.size() > 2) {
                TestNode.get(node.controller.deleteTopics(List.of(topics.remove(random.nextInt(topics.size())))));
            } else if (choice == 2) {
                TestNode.get(node.controller.allocateProducerIds(TestNode.NODE_ID, node.brokerEpoch));
            } else if (choice == 3) {
                List<Long> retired = node.node.manifests().retiredObjects(2).stream()
                        .map(RetiredObject::objectId)
                        .toList();
                TestNode.get(node.controller.forgetObjects(retired));
            } else {
                StreamState stream = node.node.manifests().stream(
                                node.stream(topics.get(random.nextInt(topics.size())), 0))
                        .orElseThrow();
                if (choice == 4) {
                    TestNode.get(node.controller.trimStream(
                            stream.streamId(), stream.leaderEpoch(), stream.startOffset() + random.nextInt(30)));
                } else {
                    long object = node.reserveId();
                    node.commit(
                            object,
                            node.segment(
                                    stream.streamId(),
                                    stream.endOffset(),
                                    stream.endOffset() + 1 + random.nextInt(20),
                                    object));
                }
            }
        }
    }
}
