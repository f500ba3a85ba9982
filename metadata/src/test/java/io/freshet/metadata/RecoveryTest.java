// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
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
            List<LiveObject> objects,
            List<RetiredObject> retired,
            List<WalState> wals,
            List<WalSeal> seals) {
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
                    node.manifests().objects(0, 10_000),
                    node.manifests().retiredObjects(10_000),
                    node.manifests().wals(),
                    node.manifests().wals().stream()
                            .flatMap(wal -> node.manifests().walSeal(wal.brokerId(), wal.brokerEpoch()).stream())
                            .toList());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void reachesTheSameStateByEveryWay(long seed, @TempDir Path copies) {
        TestNode.format(directory);
        RandomChanges changes = new RandomChanges(seed);
        Contents expected;
        long nextObject;
        Path beforeSnapshot = copies.resolve("log");
        try (TestNode node = TestNode.start(directory).register()) {
            changes.run(node, 200);
            expected = Contents.of(node.node);
            assertThat(expected.segments()).isNotEmpty();
            assertThat(expected.wals()).isNotEmpty();
            assertThat(changes.replaced()).isPositive();
            requireSound(expected, node.node);
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
            changes.run(node, 60);
            expected = Contents.of(node.node);
            requireSound(expected, node.node);
            nextObject = node.reserveId();
        }
        TestNode.delete(directory.resolve("manifests"));
        requireSame(directory, expected); // snapshot and the log behind it
        try (TestNode node = TestNode.start(directory)) {
            assertThat(node.reserveId()).isGreaterThan(nextObject);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13})
    void keepsManifestsWholeAfterEveryCommand(long seed) {
        TestNode.format(directory);
        RandomChanges changes = new RandomChanges(seed);
        try (TestNode node = TestNode.start(directory).register()) {
            for (int i = 0; i < 250; i++) {
                changes.step(node);
                requireSound(Contents.of(node.node), node.node);
            }
        }
        assertThat(changes.replaced()).as("seed %d", seed).isGreaterThan(10);
        assertThat(changes.refused()).as("seed %d", seed).isPositive();
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

    /** Manifests without gaps, and objects that are live or retired exactly as manifests name them. */
    private static void requireSound(Contents contents, QuorumNode node) {
        Map<Long, Integer> live = new TreeMap<>();
        Map<Long, Long> ends = new HashMap<>();
        for (StreamSegment segment : contents.segments()) {
            live.merge(segment.objectId(), 1, Integer::sum);
            StreamState stream = Objects.requireNonNull(contents.streams().get(segment.streamId()));
            Long end = ends.put(segment.streamId(), segment.endOffset());
            if (end == null) {
                assertThat(segment.startOffset()).isLessThanOrEqualTo(stream.startOffset());
                assertThat(segment.endOffset()).isGreaterThan(stream.startOffset());
            } else {
                assertThat(segment.startOffset()).as("%s", segment).isEqualTo(end);
            }
        }
        contents.streams()
                .forEach((id, stream) -> assertThat(ends.getOrDefault(id, stream.startOffset()))
                        .as("end of stream %d", id)
                        .isEqualTo(stream.endOffset()));
        assertThat(contents.objects())
                .allSatisfy(object -> assertThat(live.remove(object.objectId()))
                        .as("segments of object %d", object.objectId())
                        .isEqualTo(object.liveSegments()));
        assertThat(live).as("objects that only manifests know").isEmpty();
        Set<Long> liveIds =
                contents.objects().stream().map(LiveObject::objectId).collect(Collectors.toSet());
        assertThat(contents.retired()).noneMatch(retired -> liveIds.contains(retired.objectId()));
        assertThat(contents.retired()).allMatch(retired -> node.manifests().isObjectKnown(retired.objectId()));
        assertThat(node.manifests().streamIds(0, 10_000))
                .containsExactlyElementsOf(contents.streams().keySet());
    }
}
