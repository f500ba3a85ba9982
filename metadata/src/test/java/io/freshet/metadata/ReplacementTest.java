// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.SegmentReplacement.NewObject;
import io.freshet.common.stream.StreamSegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two streams in two bundles: offsets 0 to 10 of both in the first, 10 to 20 in the second. */
class ReplacementTest {
    @TempDir
    Path directory;

    private TestNode node;
    private Uuid topic;
    private long stream;
    private long other;
    private long first;
    private long second;

    @BeforeEach
    void start() {
        TestNode.format(directory);
        node = TestNode.start(directory).register();
        topic = node.createTopic("t", 1).topicId();
        stream = node.stream(topic, 0);
        other = node.stream(node.createTopic("u", 1).topicId(), 0);
        first = node.reserveId();
        second = node.reserveId();
        node.commit(first, node.segment(stream, 0, 10, first), node.segment(other, 0, 10, first));
        node.commit(second, node.segment(stream, 10, 20, second), node.segment(other, 10, 20, second));
    }

    @AfterEach
    void stop() {
        node.close();
    }

    @Test
    void movesSegmentsToNewObjects() {
        long ofStream = node.reserveId();
        long ofOther = node.reserveId();
        SegmentReplacement both = replacement(
                List.of(ofStream, ofOther),
                List.of(old(stream, 0, 10, first), old(stream, 10, 20, second), old(other, 0, 10, first)),
                List.of(made(stream, 0, 20, ofStream), made(other, 0, 4, ofOther), made(other, 4, 10, ofOther)));
        assertThat(replace(both)).isEmpty();
        assertThat(segments(stream)).containsExactly(made(stream, 0, 20, ofStream));
        assertThat(segments(other)).extracting(StreamSegment::objectId).containsExactly(ofOther, ofOther, second);
        assertThat(objects())
                .containsExactly(
                        new LiveObject(second, 100, 1),
                        new LiveObject(ofStream, 1000, 1),
                        new LiveObject(ofOther, 1000, 2));
        assertThat(retired()).containsExactly(first);
        assertThat(node.node.manifests().stream(stream).orElseThrow().endOffset())
                .isEqualTo(20);
    }

    @Test
    void refusesTheStreamsThatHaveChangedAndTakesTheOthers() {
        long object = node.reserveId();
        SegmentReplacement half = replacement(
                List.of(object),
                List.of(old(stream, 0, 10, second), old(other, 0, 10, first)),
                List.of(made(stream, 0, 10, object), made(other, 0, 10, object)));
        assertThat(replace(half)).containsExactly(stream);
        assertThat(segments(stream)).extracting(StreamSegment::objectId).containsExactly(first, second);
        assertThat(segments(other)).extracting(StreamSegment::objectId).containsExactly(object, second);
        assertThat(objects()).contains(new LiveObject(object, 1000, 1), new LiveObject(first, 100, 1));
        assertThat(replace(half)).as("a repeat").containsExactly(stream);
        assertThat(objects()).contains(new LiveObject(object, 1000, 1), new LiveObject(first, 100, 1));
    }

    @Test
    void retiresNewObjectsOfWhichNothingWasAccepted() {
        TestNode.get(node.controller.trimStream(stream, 0, 10));
        long trimmed = node.reserveId();
        SegmentReplacement late = replacement(
                List.of(trimmed), List.of(old(stream, 0, 10, first)), List.of(made(stream, 0, 10, trimmed)));
        assertThat(replace(late)).containsExactly(stream);
        assertThat(retired()).containsExactly(trimmed);
        assertThat(replace(late)).containsExactly(stream);

        long shorter = node.reserveId();
        assertThat(replace(replacement(
                        List.of(shorter), List.of(old(other, 0, 9, first)), List.of(made(other, 0, 9, shorter)))))
                .containsExactly(other);
        TestNode.get(node.controller.deleteTopics(List.of(topic)));
        long gone = node.reserveId();
        assertThat(replace(replacement(
                        List.of(gone), List.of(old(stream, 10, 20, second)), List.of(made(stream, 10, 20, gone)))))
                .containsExactly(stream);
        assertThat(retired()).containsExactlyInAnyOrder(trimmed, shorter, gone);
    }

    @Test
    void takesTheSecondOfTwoRivalsForNothing() {
        long winner = node.reserveId();
        long loser = node.reserveId();
        assertThat(replace(replacement(
                        List.of(winner), List.of(old(other, 0, 10, first)), List.of(made(other, 0, 10, winner)))))
                .isEmpty();
        assertThat(replace(replacement(
                        List.of(loser),
                        List.of(old(other, 0, 10, first), old(other, 10, 20, second)),
                        List.of(made(other, 0, 20, loser)))))
                .containsExactly(other);
        assertThat(segments(other)).extracting(StreamSegment::objectId).containsExactly(winner, second);
        assertThat(retired()).containsExactly(loser);
    }

    @Test
    void keepsATrimThatCutsIntoAReplacedSegment() {
        TestNode.get(node.controller.trimStream(stream, 0, 5));
        long object = node.reserveId();
        long dead = node.reserveId();
        assertThat(replace(replacement(
                        List.of(object, dead),
                        List.of(old(stream, 0, 10, first), old(stream, 10, 20, second)),
                        List.of(made(stream, 0, 5, dead), made(stream, 5, 20, object)))))
                .isEmpty();
        assertThat(segments(stream)).containsExactly(made(stream, 5, 20, object));
        assertThat(retired()).as("its only segment is below the start").containsExactly(dead);
        assertThat(node.node.manifests().stream(stream).orElseThrow().startOffset())
                .isEqualTo(5);
    }

    @Test
    void takesSegmentsWithoutBytes() {
        long object = node.reserveId();
        StreamSegment empty = new StreamSegment(stream, 0, 10, object, 0, -1, -1);
        assertThat(replace(replacement(List.of(object), List.of(old(stream, 0, 10, first)), List.of(empty))))
                .isEmpty();
        assertThat(segments(stream)).startsWith(empty);
    }

    @Test
    void refusesAltogetherWhatIsWrongInItself() {
        long object = node.reserveId();
        List<StreamSegment> old = List.of(old(stream, 0, 10, first), old(stream, 10, 20, second));
        List<StreamSegment> good = List.of(made(stream, 0, 20, object));
        requireInvalid(replacement(List.of(object), old, List.of()), "both kinds");
        requireInvalid(replacement(List.of(object), List.of(), good), "both kinds");
        requireInvalid(replacement(List.of(object), old, List.of(made(stream, 0, 19, object))), "cover");
        requireInvalid(replacement(List.of(object), old, List.of(made(stream, 1, 20, object))), "cover");
        requireInvalid(
                replacement(List.of(object), old, List.of(made(stream, 0, 9, object), made(stream, 10, 20, object))),
                "gap");
        requireInvalid(replacement(List.of(object), List.of(old.get(1), old.get(0)), good), "gap");
        requireInvalid(replacement(List.of(object), List.of(old.get(0), old.get(0)), good), "gap");
        requireInvalid(replacement(List.of(), old, good), "none of the new ones");
        requireInvalid(replacement(List.of(), List.of(), List.of()), "no new object");
        requireInvalid(replacement(List.of(object, object), old, good), "twice");
        requireInvalid(
                replacement(List.of(object + 1), old, List.of(made(stream, 0, 20, object + 1))), "never reserved");
        assertThat(segments(stream)).extracting(StreamSegment::objectId).containsExactly(first, second);
        assertThat(node.node.manifests().isObjectKnown(object)).isFalse();
    }

    @Test
    void isFencedByANewerRegistration() {
        long object = node.reserveId();
        SegmentReplacement late =
                replacement(List.of(object), List.of(old(stream, 0, 10, first)), List.of(made(stream, 0, 10, object)));
        node.register();
        requireKind(ErrorKind.FENCED, late);
        assertThat(segments(stream)).extracting(StreamSegment::objectId).containsExactly(first, second);
    }

    @Test
    void listsObjectsAndStreamsInPages() {
        assertThat(node.node.manifests().objects(-1, 1)).containsExactly(new LiveObject(first, 100, 2));
        assertThat(node.node.manifests().objects(first, 10)).containsExactly(new LiveObject(second, 100, 2));
        assertThat(node.node.manifests().objects(Long.MAX_VALUE, 10)).isEmpty();
        assertThat(node.node.manifests().streamIds(0, 1)).containsExactly(stream);
        assertThat(node.node.manifests().streamIds(stream, 10)).containsExactly(other);
        assertThat(node.node.manifests().streamIds(other, 10)).isEmpty();
    }

    @Test
    void leasesAJobToOneBroker() {
        assertThat(TestNode.get(node.controller.leaseJob("bundles", TestNode.NODE_ID, node.brokerEpoch, 60_000)))
                .isTrue();
        assertThat(TestNode.get(node.controller.leaseJob("bundles", TestNode.NODE_ID, node.brokerEpoch, 60_000)))
                .isTrue();
        assertThatThrownBy(() -> TestNode.get(node.controller.leaseJob("bundles", 9, node.brokerEpoch, 60_000)))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FENCED));
    }

    private SegmentReplacement replacement(
            List<Long> objects, List<StreamSegment> removed, List<StreamSegment> inserted) {
        return new SegmentReplacement(
                TestNode.NODE_ID,
                node.brokerEpoch,
                objects.stream().map(id -> new NewObject(id, 1000)).toList(),
                removed,
                inserted);
    }

    private static StreamSegment old(long streamId, long start, long end, long objectId) {
        return new StreamSegment(streamId, start, end, objectId, 10, 5, 6);
    }

    private static StreamSegment made(long streamId, long start, long end, long objectId) {
        return new StreamSegment(streamId, start, end, objectId, 7, 1, 2);
    }

    private Set<Long> replace(SegmentReplacement replacement) {
        return TestNode.get(node.controller.replaceSegments(replacement));
    }

    private void requireInvalid(SegmentReplacement replacement, String words) {
        requireKind(ErrorKind.INVALID, replacement).hasMessageContaining(words);
    }

    private org.assertj.core.api.AbstractThrowableAssert<?, ?> requireKind(
            ErrorKind kind, SegmentReplacement replacement) {
        return assertThatThrownBy(() -> replace(replacement))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    private List<StreamSegment> segments(long streamId) {
        return node.node.manifests().segments(streamId, 0, 100);
    }

    private List<LiveObject> objects() {
        return node.node.manifests().objects(0, 100);
    }

    private List<Long> retired() {
        return node.node.manifests().retiredObjects(100).stream()
                .map(RetiredObject::objectId)
                .toList();
    }
}
