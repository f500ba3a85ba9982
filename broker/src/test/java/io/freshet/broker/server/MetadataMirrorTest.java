// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.server.MirroredCluster.Node;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.QuorumNode;
import io.freshet.metadata.mirror.MirrorMode;
import io.freshet.metadata.mirror.MirrorReading;
import io.freshet.metadata.mirror.MirrorSession;
import io.freshet.metadata.mirror.MirrorStart;
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
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.image.MetadataImage;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The copy of the metadata log in the bucket: what was answered is there, and only one process writes it. */
class MetadataMirrorTest {
    @TempDir
    Path temp;

    private final MirroredCluster cluster = new MirroredCluster();

    @AfterEach
    void close() {
        cluster.close();
    }

    private Path directory(String name) {
        return temp.resolve(name);
    }

    @Test
    void restoresEverythingIntoAnEmptyDirectory() {
        MetadataImage before;
        long object;
        long stream;
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            Uuid orders = node.topic("orders");
            Uuid gone = node.topic("gone");
            MirroredCluster.get(node.quorum().controller().deleteTopics(List.of(gone)));
            stream = node.quorum().manifests().streamId(orders, 1).orElseThrow();
            node.append(stream);
            object = node.append(stream);
            before = node.quorum().image();
        }
        MirrorSession session = cluster.restore(cluster.store(Faults.none()), directory("b"));
        try (QuorumNode node =
                cluster.launch(directory("b"), Optional.of(cluster.settings(MirrorMode.SYNC, session, 512)))) {
            MirroredCluster.get(node.ready());
            assertThat(node.image().topics()).isEqualTo(before.topics());
            assertThat(node.image().cluster()).isEqualTo(before.cluster());
            assertThat(node.image().features()).isEqualTo(before.features());
        }
        try (Node node = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none())) {
            assertThat(node.quorum().manifests().segments(stream, 0, 10)).hasSize(2);
            assertThat(node.reserveId()).isGreaterThan(object);
            assertThat(node.brokerEpoch()).isGreaterThan(before.cluster().brokerEpoch(MirroredCluster.NODE_ID));
            node.topic("after");
        }
        try (Node node = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none())) {
            assertThat(node.topics()).containsExactlyInAnyOrder("orders", "after");
        }
        try (Node node = cluster.start(directory("c"), MirrorMode.SYNC, Faults.none())) {
            assertThat(node.topics()).containsExactlyInAnyOrder("orders", "after");
        }
    }

    @Test
    void restoresAClusterThatNeverWroteARecord() {
        Path first = directory("a");
        MirroredCluster.format(first, "born-and-gone");
        MirrorStart.join(cluster.store(Faults.none()), first, Randomness.secure());
        try (Node node = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none())) {
            assertThat(node.quorum().clusterId()).isEqualTo("born-and-gone");
            node.topic("first");
        }
        try (Node node = cluster.start(directory("c"), MirrorMode.SYNC, Faults.none())) {
            assertThat(node.topics()).containsExactly("first");
        }
    }

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

    /** Two processes start on copies of one directory at once: one piece wins, the other process ends. */
    @Test
    void letsOneOfTwoCopiesOfADirectoryLive() {
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            node.topic("shared");
        }
        MirroredCluster.copy(directory("a"), directory("b"));
        try (Node first = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            first.topic("first");
            refused(
                    () -> cluster.start(directory("b"), MirrorMode.SYNC, Faults.none()),
                    ErrorKind.FENCED,
                    "another directory");
            first.topic("second");
        }
    }

    @Test
    void refusesAnOldCopyOfTheDirectory() {
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            node.topic("old");
            MirroredCluster.copy(directory("a"), directory("backup"));
            node.topic("new");
        }
        refused(
                () -> cluster.start(directory("backup"), MirrorMode.SYNC, Faults.none()),
                ErrorKind.FENCED,
                "the directory is an old copy");
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            node.topic("newer");
        }
        refused(
                () -> cluster.start(directory("backup"), MirrorMode.SYNC, Faults.none()),
                ErrorKind.FENCED,
                "Move it away|move ");
    }

    @Test
    void adoptsALateWriteOfTheDirectorysLastProcess() {
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            node.topic("one");
            node.topic("two");
        }
        List<String> pieces = cluster.keys("/log/");
        String last = pieces.get(pieces.size() - 1);
        byte[] late = cluster.bytes(last);
        cluster.delete(last);
        Faults landing = (op, key) -> {
            if (op == Op.CREATE && key.equals(last) && cluster.keys(last).isEmpty()) {
                cluster.overwrite(last, late);
            }
            return Fault.NONE;
        };
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, landing)) {
            assertThat(node.topics()).containsExactlyInAnyOrder("one", "two");
            node.topic("three");
        }
        try (Node node = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none())) {
            assertThat(node.topics()).containsExactlyInAnyOrder("one", "two", "three");
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
    void namesADamagedOrMissingPiece() {
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            for (int i = 0; i < 5; i++) {
                node.topic("t" + i);
            }
        }
        List<String> pieces = cluster.keys("/log/");
        String damaged = pieces.get(2);
        byte[] good = cluster.bytes(damaged);
        for (int at = 0; at < good.length; at += 7) {
            byte[] bad = good.clone();
            bad[at] ^= 1;
            cluster.overwrite(damaged, bad);
            refused(() -> cluster.restore(cluster.store(Faults.none()), directory("b")), ErrorKind.CORRUPT, damaged);
        }
        cluster.overwrite(damaged, java.util.Arrays.copyOf(good, good.length - 1));
        refused(() -> cluster.restore(cluster.store(Faults.none()), directory("b")), ErrorKind.CORRUPT, damaged);
        cluster.delete(damaged);
        refused(
                () -> cluster.restore(cluster.store(Faults.none()), directory("b")),
                ErrorKind.CORRUPT,
                "lacks the records from offset");
        cluster.overwrite(damaged, good);
        try (Node node = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none())) {
            assertThat(node.topics()).hasSize(5);
        }
    }

    @Test
    void refusesAnotherClustersBucketAndALogWithoutIdentity() throws Exception {
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            node.topic("mine");
        }
        MirroredCluster.format(directory("other"), "other-cluster");
        refused(
                () -> cluster.start(directory("other"), MirrorMode.ASYNC, Faults.none()),
                ErrorKind.INVALID,
                "Two clusters must not share a bucket");
        Files.delete(directory("a").resolve("meta.properties"));
        refused(
                () -> cluster.restore(cluster.store(Faults.none()), directory("a")),
                ErrorKind.INVALID,
                "no meta.properties");
    }

    @Test
    void restoresAgainAfterAnInterruptedRestore() throws Exception {
        try (Node node = cluster.start(directory("a"), MirrorMode.SYNC, Faults.none())) {
            node.topic("kept");
        }
        cluster.restore(cluster.store(Faults.none()), directory("b"));
        Files.delete(directory("b").resolve("meta.properties"));
        Files.createDirectories(directory("b").resolve("metadata-restore"));
        try (Node node = cluster.start(directory("b"), MirrorMode.SYNC, Faults.none())) {
            assertThat(node.topics()).containsExactly("kept");
            assertThat(directory("b").resolve("metadata-restore")).doesNotExist();
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

    /** In async mode the state runs ahead of the pieces, so snapshots end in the midst of them. */
    @Test
    void restoresFromSnapshotsThatEndInsidePieces() {
        long stream;
        MetadataImage before;
        try (Node node = cluster.start(directory("a"), MirrorMode.ASYNC, Faults.none(), 2)) {
            stream = node.quorum().manifests().streamId(node.topic("busy"), 0).orElseThrow();
            for (int i = 0; i < 150; i++) {
                node.append(stream);
                if (i % 10 == 0) {
                    MirroredCluster.get(node.quorum().controller().deleteTopics(List.of(node.topic("t" + i))));
                    node.topic("t" + i);
                }
            }
            MirroredCluster.get(node.quorum().flushMirror());
            before = node.quorum().image();
            assertThat(cluster.keys("/snapshot/")).isNotEmpty();
        }
        MirrorSession session = cluster.restore(cluster.store(Faults.none()), directory("b"));
        try (QuorumNode node =
                cluster.launch(directory("b"), Optional.of(cluster.settings(MirrorMode.SYNC, session, 512)))) {
            MirroredCluster.get(node.ready());
            assertThat(node.image().topics()).isEqualTo(before.topics());
            assertThat(node.manifests().segments(stream, 0, 1000)).hasSize(150);
            assertThat(node.manifests().stream(stream).orElseThrow().endOffset())
                    .isEqualTo(1500);
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

    private static void refused(ThrowingCallable call, ErrorKind kind, String message) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(kind))
                .hasMessageMatching("(?s).*(" + message + ").*");
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
