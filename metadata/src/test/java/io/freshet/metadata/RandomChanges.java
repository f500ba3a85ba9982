// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.SegmentReplacement.NewObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.common.Uuid;

/** Valid and outdated commands from one seed. */
final class RandomChanges {
    private final Random random;
    private final List<Uuid> topics = new ArrayList<>();
    private int replaced;
    private int refused;

    RandomChanges(long seed) {
        this.random = new Random(seed);
    }

    /** A topic that exists; these changes leave it alone from now on. */
    Uuid takeTopic() {
        return topics.remove(0);
    }

    /** Streams of which a replacement was accepted. */
    int replaced() {
        return replaced;
    }

    /** Streams of which a replacement was refused. */
    int refused() {
        return refused;
    }

    void run(TestNode node, int count) {
        for (int i = 0; i < count; i++) {
            step(node);
        }
    }

    void step(TestNode node) {
        int choice = random.nextInt(16);
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
        } else if (choice == 4) {
            StreamState stream = anyStream(node);
            TestNode.get(node.controller.trimStream(
                    stream.streamId(), stream.leaderEpoch(), stream.startOffset() + random.nextInt(30)));
        } else if (choice == 5) {
            changeWals(node);
        } else if (choice <= 8) {
            replace(node);
        } else {
            commit(node);
        }
    }

    private StreamState anyStream(TestNode node) {
        Uuid topic = topics.get(random.nextInt(topics.size()));
        return node.node.manifests().stream(node.stream(topic, 0)).orElseThrow();
    }

    /** A bundle of one to three streams. */
    private void commit(TestNode node) {
        long object = node.reserveId();
        Set<Long> streams = new TreeSet<>();
        for (int i = random.nextInt(3); i >= 0; i--) {
            streams.add(anyStream(node).streamId());
        }
        node.commit(
                object,
                streams.stream()
                        .map(id -> node.node.manifests().stream(id).orElseThrow())
                        .map(stream -> node.segment(
                                stream.streamId(),
                                stream.endOffset(),
                                stream.endOffset() + 1 + random.nextInt(20),
                                object))
                        .toArray(io.freshet.common.stream.SegmentCommit[]::new));
    }

    /** Puts a run of each of some streams into one or two new objects; now and then from a view that is wrong. */
    private void replace(TestNode node) {
        List<Long> objects = new ArrayList<>(List.of(node.reserveId(), node.reserveId()));
        if (random.nextBoolean()) {
            objects.remove(1);
        }
        List<StreamSegment> removed = new ArrayList<>();
        List<StreamSegment> inserted = new ArrayList<>();
        Set<Long> wrong = new TreeSet<>();
        Set<Long> streams = new TreeSet<>();
        for (int i = random.nextInt(3); i >= 0; i--) {
            streams.add(anyStream(node).streamId());
        }
        for (long stream : streams) {
            List<StreamSegment> run = anyRun(node.node.manifests().segments(stream, 0, 1000));
            if (run.isEmpty()) {
                continue;
            }
            if (random.nextInt(5) == 0) {
                wrong.add(stream);
                StreamSegment first = run.get(0);
                run.set(0, segment(stream, first.startOffset(), first.endOffset(), first.objectId() + 1));
            }
            removed.addAll(run);
            insert(run, objects, inserted);
        }
        SegmentReplacement replacement = new SegmentReplacement(
                TestNode.NODE_ID,
                node.brokerEpoch,
                objects.stream().map(id -> new NewObject(id, 77)).toList(),
                removed,
                inserted);
        assertThat(TestNode.get(node.controller.replaceSegments(replacement))).isEqualTo(wrong);
        assertThat(TestNode.get(node.controller.replaceSegments(replacement)))
                .as("a repeat")
                .isEqualTo(wrong);
        refused += wrong.size();
        replaced += (int) removed.stream()
                        .mapToLong(StreamSegment::streamId)
                        .distinct()
                        .count()
                - wrong.size();
    }

    private List<StreamSegment> anyRun(List<StreamSegment> segments) {
        if (segments.isEmpty()) {
            return List.of();
        }
        int from = random.nextInt(segments.size());
        return new ArrayList<>(segments.subList(from, from + 1 + random.nextInt(segments.size() - from)));
    }

    /** Cuts what {@code run} covers anew. */
    private void insert(List<StreamSegment> run, List<Long> objects, List<StreamSegment> inserted) {
        long end = run.get(run.size() - 1).endOffset();
        for (long start = run.get(0).startOffset(); start < end; ) {
            long next = Math.min(end, start + 1 + random.nextInt(60));
            inserted.add(segment(run.get(0).streamId(), start, next, objects.get(random.nextInt(objects.size()))));
            start = next;
        }
    }

    private static StreamSegment segment(long stream, long start, long end, long object) {
        return new StreamSegment(stream, start, end, object, 3, 1, 2);
    }

    private void changeWals(TestNode node) {
        List<WalState> wals = node.node.manifests().wals();
        int choice = random.nextInt(5);
        if (wals.isEmpty() || choice == 0) {
            node.register();
            TestNode.get(node.controller.openWal(TestNode.NODE_ID, node.brokerEpoch));
            return;
        }
        WalState wal = wals.get(random.nextInt(wals.size()));
        if (!wal.isSealed() && (choice == 1 || wal.brokerEpoch() != node.brokerEpoch)) {
            Map<Long, Long> ends = new HashMap<>();
            for (int i = random.nextInt(5); i > 0; i--) {
                ends.put(random.nextLong(1, 100), random.nextLong(1, 10));
            }
            TestNode.get(node.controller.sealWal(
                    new WalSeal(wal.brokerId(), wal.brokerEpoch(), wal.startSlot() + random.nextInt(20), ends)));
        } else if (wal.isFreed()) {
            TestNode.get(node.controller.retireWal(wal.brokerId(), wal.brokerEpoch()));
        } else if (wal.isSealed()) {
            free(node, wal);
        } else {
            long startSlot = wal.startSlot() + random.nextInt(10);
            TestNode.get(node.controller.trimWal(wal.brokerId(), wal.brokerEpoch(), startSlot));
        }
    }

    /** Refused, with nothing changed, if the seal names an end of a living stream that objects do not reach. */
    private static void free(TestNode node, WalState wal) {
        try {
            TestNode.get(node.controller.trimWal(wal.brokerId(), wal.brokerEpoch(), wal.sealedEndSlot()));
        } catch (FreshetException e) {
            assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
            assertThat(node.node.manifests().wals()).contains(wal);
        }
    }
}
