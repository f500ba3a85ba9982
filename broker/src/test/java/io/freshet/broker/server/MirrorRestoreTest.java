// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.server.MirroredCluster.Node;
import io.freshet.common.ErrorKind;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.QuorumNode;
import io.freshet.metadata.mirror.MirrorMode;
import io.freshet.metadata.mirror.MirrorSession;
import io.freshet.metadata.mirror.MirrorStart;
import io.freshet.objectstore.fault.Fault;
import io.freshet.objectstore.fault.Fault.Op;
import io.freshet.objectstore.fault.Faults;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.image.MetadataImage;
import org.junit.jupiter.api.Test;

/** Directories that come from a bucket, and those that must not be used with it. */
class MirrorRestoreTest extends MirroredNodes {
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
}
