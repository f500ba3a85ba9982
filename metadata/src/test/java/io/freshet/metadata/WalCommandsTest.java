// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WalCommandsTest {
    private static final int BROKER = TestNode.NODE_ID;

    @TempDir
    Path directory;

    private TestNode node;
    private ClusterController quorum;
    private long epoch;

    @BeforeEach
    void start() {
        TestNode.format(directory);
        node = TestNode.start(directory).register();
        quorum = node.controller;
        epoch = node.brokerEpoch;
    }

    @AfterEach
    void stop() {
        node.close();
    }

    @Test
    void livesFromOpenToRetired() {
        assertThat(node.node.manifests().wals(BROKER)).isEmpty();
        run(quorum.openWal(BROKER, epoch));
        run(quorum.openWal(BROKER, epoch));
        run(quorum.trimWal(BROKER, epoch, 5));
        run(quorum.trimWal(BROKER, epoch, 3));
        assertThat(node.node.manifests().wals(BROKER))
                .containsExactly(new WalState(BROKER, epoch, 5, WalState.NOT_SEALED));
        assertThat(node.node.manifests().walSeal(BROKER, epoch)).isEmpty();
        WalSeal seal = new WalSeal(BROKER, epoch, 9, Map.of(1L, 100L, 7L, 3L));
        run(quorum.sealWal(seal));
        run(quorum.sealWal(seal));
        assertThat(node.node.manifests().walSeal(BROKER, epoch)).contains(seal);
        run(quorum.trimWal(BROKER, epoch, 9));
        assertThat(node.node.manifests().wals()).containsExactly(new WalState(BROKER, epoch, 9, 9));
        run(quorum.retireWal(BROKER, epoch));
        run(quorum.retireWal(BROKER, epoch));
        assertThat(node.node.manifests().wals(BROKER)).isEmpty();
        assertThat(node.node.manifests().walSeal(BROKER, epoch)).isEmpty();
    }

    @Test
    void opensOnlyForThePresentRegistration() {
        requireKind(ErrorKind.FENCED, quorum.openWal(BROKER, epoch + 1000));
        requireKind(ErrorKind.FENCED, quorum.openWal(77, epoch));
        run(quorum.openWal(BROKER, epoch));
        node.register();
        requireKind(ErrorKind.FENCED, quorum.openWal(BROKER, epoch));
        run(quorum.openWal(BROKER, node.brokerEpoch));
        assertThat(node.node.manifests().wals(BROKER))
                .extracting(WalState::brokerEpoch)
                .containsExactly(epoch, node.brokerEpoch);
    }

    @Test
    void opensNothingThatIsSealedOrRetiredThoughItsOwnerIsRegistered() {
        run(quorum.openWal(BROKER, epoch));
        run(quorum.sealWal(new WalSeal(BROKER, epoch, 0, Map.of())));
        requireKind(ErrorKind.FENCED, quorum.openWal(BROKER, epoch));
        run(quorum.retireWal(BROKER, epoch));
        requireKind(ErrorKind.FENCED, quorum.openWal(BROKER, epoch));
        assertThat(node.node.manifests().wals()).isEmpty();
        node.register();
        run(quorum.openWal(BROKER, node.brokerEpoch));
    }

    @Test
    void sealsOnce() {
        requireKind(ErrorKind.INVALID, quorum.sealWal(new WalSeal(BROKER, epoch, 0, Map.of())));
        run(quorum.openWal(BROKER, epoch));
        run(quorum.trimWal(BROKER, epoch, 4));
        requireKind(ErrorKind.INVALID, quorum.sealWal(new WalSeal(BROKER, epoch, 3, Map.of())));
        requireKind(ErrorKind.INVALID, quorum.sealWal(new WalSeal(BROKER, epoch, 5, Map.of(1L, 0L))));
        WalSeal stands = new WalSeal(BROKER, epoch, 5, Map.of(1L, 10L));
        run(quorum.sealWal(stands));
        requireKind(ErrorKind.INVALID, quorum.sealWal(new WalSeal(BROKER, epoch, 6, Map.of(1L, 10L))));
        requireKind(ErrorKind.INVALID, quorum.sealWal(new WalSeal(BROKER, epoch, 5, Map.of(1L, 11L))));
        requireKind(ErrorKind.INVALID, quorum.sealWal(new WalSeal(BROKER, epoch, 5, Map.of())));
        assertThat(node.node.manifests().walSeal(BROKER, epoch)).contains(stands);
    }

    @Test
    void letsOnlyTheRegisteredOwnerTrimAnOpenWal() {
        requireKind(ErrorKind.INVALID, quorum.trimWal(BROKER, epoch, 1));
        run(quorum.openWal(BROKER, epoch));
        run(quorum.trimWal(BROKER, epoch, 1));
        node.register();
        requireKind(ErrorKind.FENCED, quorum.trimWal(BROKER, epoch, 2));
        assertThat(node.node.manifests().wals(BROKER))
                .containsExactly(new WalState(BROKER, epoch, 1, WalState.NOT_SEALED));
    }

    @Test
    void freesASealedWalAsAWholeAndOnlyWhenObjectsHoldAllOfIt() {
        long kept = node.stream(node.createTopic("kept", 1).topicId(), 0);
        Uuid deletedTopic = node.createTopic("deleted", 1).topicId();
        long deleted = node.stream(deletedTopic, 0);
        run(quorum.openWal(BROKER, epoch));
        long object = node.reserveId();
        node.commit(object, node.segment(kept, 0, 9, object));
        run(quorum.sealWal(new WalSeal(BROKER, epoch, 5, Map.of(kept, 10L, deleted, 3L))));

        requireKind(ErrorKind.INVALID, quorum.trimWal(BROKER, epoch, 2));
        requireKind(ErrorKind.INVALID, quorum.trimWal(BROKER, epoch, 6));
        requireKind(ErrorKind.INVALID, quorum.trimWal(BROKER, epoch, 5));
        TestNode.get(quorum.deleteTopics(List.of(deletedTopic)));
        requireKind(ErrorKind.INVALID, quorum.trimWal(BROKER, epoch, 5));
        requireKind(ErrorKind.INVALID, quorum.retireWal(BROKER, epoch));
        assertThat(node.node.manifests().wals(BROKER)).containsExactly(new WalState(BROKER, epoch, 0, 5));

        long next = node.reserveId();
        node.commit(next, node.segment(kept, 9, 10, next));
        run(quorum.trimWal(BROKER, epoch, 5));
        run(quorum.trimWal(BROKER, epoch, 2));
        assertThat(node.node.manifests().wals(BROKER)).containsExactly(new WalState(BROKER, epoch, 5, 5));
        run(quorum.retireWal(BROKER, epoch));
        run(quorum.trimWal(BROKER, epoch, 5));
        assertThat(node.node.manifests().wals(BROKER)).isEmpty();
    }

    @Test
    void retiresOnlyWhatIsSealedAndFree() {
        run(quorum.openWal(BROKER, epoch));
        requireKind(ErrorKind.INVALID, quorum.retireWal(BROKER, epoch));
        long older = epoch;
        node.register();
        run(quorum.openWal(BROKER, node.brokerEpoch));
        run(quorum.sealWal(new WalSeal(BROKER, node.brokerEpoch, 1, Map.of())));
        run(quorum.sealWal(new WalSeal(BROKER, older, 1, Map.of(1L, 10L))));
        requireKind(ErrorKind.INVALID, quorum.retireWal(BROKER, node.brokerEpoch));
        run(quorum.trimWal(BROKER, node.brokerEpoch, 1));
        run(quorum.retireWal(BROKER, node.brokerEpoch));
        assertThat(node.node.manifests().wals()).containsExactly(new WalState(BROKER, older, 0, 1));
        assertThat(node.node.manifests().walSeal(BROKER, older))
                .contains(new WalSeal(BROKER, older, 1, Map.of(1L, 10L)));
        run(quorum.trimWal(BROKER, older, 1));
        run(quorum.retireWal(BROKER, older));
        requireKind(ErrorKind.FENCED, quorum.openWal(BROKER, node.brokerEpoch));
    }

    private static void run(CompletableFuture<Void> command) {
        TestNode.get(command);
    }

    private static void requireKind(ErrorKind kind, CompletableFuture<Void> command) {
        assertThatThrownBy(() -> TestNode.get(command))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }
}
