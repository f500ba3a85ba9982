// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.server.MirroredCluster.Node;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.mirror.MirrorMode;
import io.freshet.metadata.mirror.MirrorReading;
import io.freshet.objectstore.fault.Fault;
import io.freshet.objectstore.fault.Fault.Effect;
import io.freshet.objectstore.fault.Fault.Op;
import io.freshet.objectstore.fault.Faults;
import io.freshet.objectstore.fault.ScriptedFaults;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.metadata.TopicRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the mirror promises while its node lives, and when it lives no more. */
class MetadataMirrorTest extends MirroredNodes {
    /** The bucket is cut off in the midst of commands; whatever was answered before must be there after a restore. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void losesNothingThatWasAnsweredWhenTheDirectoryIsLost(long seed) {
        Random random = new Random(seed);
        Set<String> answered = new HashSet<>();
        Set<String> sent = new HashSet<>();
        for (int life = 0; life < 5; life++) {
            CuttableFaults faults = new CuttableFaults(random.nextLong());
            Map<String, CompletableFuture<CreateTopicsResponseData>> running = new HashMap<>();
            Node node = cluster.start(directory("life" + life), MirrorMode.SYNC, faults, 4);
            try (node) {
                faults.begin();
                assertThat(node.topics()).as("seed %d, life %d", seed, life).containsAll(answered);
                assertThat(sent).as("seed %d, life %d", seed, life).containsAll(node.topics());
                answered.addAll(node.topics());
                int count = 1 + random.nextInt(30);
                for (int i = 0; i < count; i++) {
                    String name = "t" + life + "-" + i;
                    sent.add(name);
                    running.put(name, node.createTopic(name));
                    if (random.nextInt(3) == 0) {
                        running.get(name).join();
                    }
                }
                faults.cut();
                running.forEach((name, future) -> {
                    if (future.isDone() && !future.isCompletedExceptionally()) {
                        answered.add(name);
                    }
                });
            }
        }
        assertThat(answered).isNotEmpty();
    }

    @Test
    void goesOnThroughLostRequestsAndAnswers() {
        CuttableFaults faults = new CuttableFaults(7);
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            node.topic("before");
        }
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, faults)) {
            faults.begin();
            for (int i = 0; i < 40; i++) {
                node.topic("t" + i);
            }
            assertThat(node.quorum().fault()).isNotDone();
        }
        try (Node node = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none())) {
            assertThat(node.topics()).hasSize(41);
        }
    }

    @Test
    void putsNothingWhileIdleAndOnePieceForManyCommands() {
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            node.topic("first");
            int before = cluster.keys("/log/").size();
            List<CompletableFuture<?>> all = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                all.add(node.createTopic("t" + i));
            }
            MirroredCluster.get(CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)));
            assertThat(cluster.keys("/log/").size() - before).isBetween(1, 100);
        }
    }

    @Test
    void showsNothingThatIsNotInTheBucket() {
        ScriptedFaults faults = new ScriptedFaults();
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, faults)) {
            List<Set<String>> told = new ArrayList<>();
            node.quorum()
                    .addListener((delta, image) ->
                            told.add(Set.copyOf(image.topics().topicsByName().keySet())));
            node.topic("there");
            faults.always(Op.CREATE, Fault.of(Effect.LOST_REQUEST));
            CompletableFuture<CreateTopicsResponseData> waiting = node.createTopic("waiting");
            await().until(() -> node.quorum().controller().reserveObjectIds(1).isCompletedExceptionally());
            refused(node::reserveId, ErrorKind.UNAVAILABLE, "has not taken meta/");
            assertThat(waiting).isNotDone();
            assertThat(node.topics()).containsExactly("there");
            assertThat(told.get(told.size() - 1)).containsExactly("there");

            faults.heal();
            MirroredCluster.get(waiting);
            assertThat(node.topics()).containsExactlyInAnyOrder("there", "waiting");
            node.reserveId();
        }
    }

    @Test
    void endsTheProcessWhoseMirrorWasTakenOver() {
        try (Node old = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            old.topic("shared");
            try (Node owner = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none())) {
                assertThat(owner.topics()).containsExactly("shared");
                refused(() -> old.topic("lost"), ErrorKind.INDETERMINATE, "");
                FreshetException reason =
                        (FreshetException) old.quorum().fault().join();
                assertThat(reason.kind()).isEqualTo(ErrorKind.FENCED);
                assertThat(reason).hasMessageContaining("Another process has taken over");
                refused(() -> old.topic("later"), ErrorKind.UNAVAILABLE, "");
                owner.topic("kept");
            }
        }
        refused(
                () -> cluster.start(directory("a"), MirrorMode.SYNC, Faults.none()),
                ErrorKind.FENCED,
                "written last by a process of another directory");
        try (Node next = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none())) {
            assertThat(next.topics()).containsExactlyInAnyOrder("shared", "kept");
        }
    }

    @Test
    void replacesPiecesBySnapshots() {
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none(), 5)) {
            long stream =
                    node.quorum().manifests().streamId(node.topic("busy"), 0).orElseThrow();
            for (int i = 0; i < 60; i++) {
                node.append(stream);
            }
            await().untilAsserted(() -> {
                node.reserveId();
                assertThat(cluster.keys("/log/")).hasSizeLessThan(30);
                assertThat(cluster.keys("/snapshot/")).hasSizeBetween(1, 2);
            });
            Set<String> names = new HashSet<>();
            MirrorReading.forEachRecord(
                    cluster.store(Faults.none()), node.quorum().clusterId(), entry -> {
                        if (entry.message() instanceof TopicRecord topic) {
                            names.add(topic.name());
                        }
                    });
            assertThat(names).containsExactly("busy");
        }
        try (Node node = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none(), 5)) {
            long stream = node.quorum()
                    .manifests()
                    .streamId(node.quorum().image().topics().getTopic("busy").id(), 0)
                    .orElseThrow();
            assertThat(node.quorum().manifests().segments(stream, 0, 100)).hasSize(60);
            assertThat(node.quorum().manifests().stream(stream).orElseThrow().endOffset())
                    .isEqualTo(600);
        }
    }

    @Test
    void writesBehindInAsyncModeAndOffersARestore() {
        ScriptedFaults faults = new ScriptedFaults();
        try (Node node = cluster.start(directory("a"), MirrorMode.ASYNC, faults)) {
            faults.always(Op.CREATE, Fault.of(Effect.LOST_REQUEST));
            for (int i = 0; i < 20; i++) {
                node.topic("t" + i); // nobody waits for the bucket
            }
            faults.heal();
            MirroredCluster.get(node.quorum().flushMirror());
            assertThat(cluster.keys("/log/").size()).isLessThan(10);
        }
        try (Node node = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none())) {
            assertThat(node.topics()).hasSize(20);
        }
    }

    /** The mirror missed records that are only in a local snapshot: a snapshot in the bucket takes their place. */
    @ParameterizedTest
    @ValueSource(strings = {"SYNC", "ASYNC"})
    void bridgesRecordsThatItMissed(MirrorMode mode) {
        try (Node node = cluster.start(directory("a"), mode, Faults.none())) {
            node.topic("one");
            MirroredCluster.get(node.quorum().flushMirror());
        }
        try (Node node = cluster.start(directory("a"), MirrorMode.OFF, Faults.none())) {
            node.topic("two");
            long end = node.quorum().image().offset() - 1; // a snapshot behind the topic
            await().until(() -> {
                node.reserveId();
                return newestSnapshot(directory("a")) > end;
            });
        }
        assertThat(cluster.keys("/snapshot/")).isEmpty();
        try (Node node = cluster.start(directory("a"), mode, Faults.none())) {
            node.topic("three");
            MirroredCluster.get(node.quorum().flushMirror());
            assertThat(cluster.keys("/snapshot/")).hasSize(1);
        }
        try (Node node = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none())) {
            assertThat(node.topics()).containsExactlyInAnyOrder("one", "two", "three");
        }
    }

    private static long newestSnapshot(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("__cluster_metadata-0"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".checkpoint"))
                    .mapToLong(name -> Long.parseLong(name.substring(0, name.indexOf('-'))))
                    .max()
                    .orElse(0);
        }
    }

    /** Loses requests and answers of writes at random until it is cut; then nothing reaches the bucket any more. */
    private static final class CuttableFaults implements Faults {
        private final Random random;
        private boolean isBegun;
        private boolean isCut;

        CuttableFaults(long seed) {
            random = new Random(seed);
        }

        synchronized void begin() {
            isBegun = true;
        }

        synchronized void cut() {
            isCut = true;
        }

        @Override
        public synchronized Fault next(Op op, String key) {
            if (isCut) {
                return Fault.of(Effect.LOST_REQUEST);
            }
            if (!isBegun || op == Op.READ || op == Op.LIST || op == Op.STAT) {
                return Fault.NONE;
            }
            return switch (random.nextInt(6)) {
                case 0 -> Fault.of(Effect.LOST_ANSWER);
                case 1 -> Fault.of(Effect.LOST_REQUEST);
                case 2 -> Fault.of(Effect.SLOW_DOWN);
                default -> Fault.NONE;
            };
        }
    }
}
