// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.SegmentReplacement.NewObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.WalSeal;
import io.freshet.metadata.ClusterController.ConfigChange;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.RecoveryTest.Contents;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicResult;
import org.apache.kafka.common.protocol.Errors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands of a node that does not lead: run by the leader, seen here at once. */
class RemoteCommandsTest {
    private static final String VOTER = "localhost:9093";
    private static final int OBSERVER_ID = 2;

    @TempDir
    Path directory;

    private final LocalRaftNetwork raft = new LocalRaftNetwork();
    private final LocalCommandNetwork commands = new LocalCommandNetwork();
    private TestNode voter;
    private TestNode observer;

    @BeforeEach
    void start() {
        TestNode.format(directory.resolve("voter"));
        startVoter();
        voter.register();
        MetadataFormat.formatObserver(
                directory.resolve("observer"), voter.node.clusterId(), OBSERVER_ID, Uuid.randomUuid());
        observer = TestNode.observe(
                TestNode.config(
                        directory.resolve("observer"),
                        OBSERVER_ID,
                        MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES,
                        Map.of()),
                new QuorumLink(List.of(VOTER), raft.channel(), Optional.of(commands.routing())));
    }

    private void startVoter() {
        voter = TestNode.start(directory.resolve("voter"));
        raft.join(VOTER, voter.node);
        commands.join(TestNode.NODE_ID, voter.node);
    }

    private void stopVoter() {
        raft.leave(VOTER);
        commands.leave(TestNode.NODE_ID);
        voter.close();
    }

    @AfterEach
    void stop() {
        observer.close();
        stopVoter();
        commands.close();
    }

    @Test
    void whatTheLeaderDidIsSeenHereAtOnce() {
        observer.brokerEpoch = registerObserversBroker().brokerEpoch();
        CreatableTopicResult topic = observer.createTopic("there", 4);
        assertThat(topic.errorCode()).isEqualTo(Errors.NONE.code());
        long stream = observer.stream(topic.topicId(), 3);
        assertThat(TestNode.get(observer.controller.createPartitions(
                        List.of(new CreatePartitionsTopic()
                                .setName("there")
                                .setCount(5)
                                .setAssignments(null)),
                        false)))
                .allSatisfy(result -> assertThat(result.errorCode()).isEqualTo(Errors.NONE.code()));
        assertThat(observer.node.manifests().streamId(topic.topicId(), 4)).isPresent();
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, "there");
        TestNode.get(observer.controller.incrementalAlterConfigs(
                Map.of(resource, Map.of("retention.ms", new ConfigChange(OpType.SET, "5"))), false));
        assertThat(observer.node.image().configs().configProperties(resource)).containsEntry("retention.ms", "5");

        long object = observer.reserveId();
        assertThat(TestNode.get(observer.controller.commitObject(new io.freshet.common.stream.ObjectCommit(
                        object,
                        100,
                        OBSERVER_ID,
                        observer.brokerEpoch,
                        List.of(observer.segment(stream, 0, 10, object))))))
                .isEmpty();
        assertThat(observer.node.manifests().stream(stream).orElseThrow().endOffset())
                .isEqualTo(10);
        replace(stream);
        TestNode.get(observer.controller.trimStream(stream, observer.leaderEpoch(stream), 10));
        assertThat(observer.node.manifests().stream(stream).orElseThrow().startOffset())
                .isEqualTo(10);
        TestNode.get(observer.controller.forgetObjects(List.of(object)));
        assertThat(observer.node.manifests().isObjectKnown(object)).isFalse();
        assertThat(TestNode.get(observer.controller.deleteTopics(List.of(topic.topicId()))))
                .allSatisfy((id, error) -> assertThat(error.error()).isEqualTo(Errors.NONE));
        assertThat(observer.node.image().topics().getTopic("there")).isNull();
        assertThat(Contents.of(observer.node)).isEqualTo(Contents.of(voter.node));
    }

    private void replace(long stream) {
        StreamSegment old = observer.node.manifests().segments(stream, 0, 1).get(0);
        long object = observer.reserveId();
        StreamSegment next = new StreamSegment(stream, 0, 10, object, 9, 5, 6);
        assertThat(TestNode.get(observer.controller.replaceSegments(new SegmentReplacement(
                        OBSERVER_ID,
                        observer.brokerEpoch,
                        List.of(new NewObject(object, 50)),
                        List.of(old),
                        List.of(next)))))
                .isEmpty();
        assertThat(observer.node.manifests().segments(stream, 0, 1)).containsExactly(next);
    }

    @Test
    void walsIdsAndLeasesGoTheSameWay() {
        long epoch = registerObserversBroker().brokerEpoch();
        TestNode.get(observer.controller.openWal(OBSERVER_ID, epoch));
        TestNode.get(observer.controller.trimWal(OBSERVER_ID, epoch, 2));
        assertThat(observer.node.manifests().wals(OBSERVER_ID))
                .singleElement()
                .satisfies(wal -> assertThat(wal.startSlot()).isEqualTo(2));
        TestNode.get(observer.controller.sealWal(new WalSeal(OBSERVER_ID, epoch, 2, Map.of())));
        assertThat(observer.node.manifests().walSeal(OBSERVER_ID, epoch)).isPresent();
        TestNode.get(observer.controller.retireWal(OBSERVER_ID, epoch));
        assertThat(observer.node.manifests().wals(OBSERVER_ID)).isEmpty();
        IdRange ids = TestNode.get(observer.controller.allocateProducerIds(OBSERVER_ID, epoch));
        assertThat(ids.end() - ids.first()).isEqualTo(1000);
        assertThat(TestNode.get(observer.controller.leaseJob("job", OBSERVER_ID, epoch, 60_000)))
                .isTrue();
        assertThat(TestNode.get(voter.controller.leaseJob("job", TestNode.NODE_ID, voter.brokerEpoch, 1_000)))
                .isFalse();
    }

    @Test
    void errorsAreThoseOfTheLeader() {
        assertThatThrownBy(() -> TestNode.get(observer.controller.openWal(OBSERVER_ID, 12345)))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FENCED));
        assertThatThrownBy(() -> TestNode.get(observer.controller.trimStream(77, 0, 1)))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.MISSING));
        observer.createTopic("twice", 1);
        assertThat(observer.createTopic("twice", 1).errorCode()).isEqualTo(Errors.TOPIC_ALREADY_EXISTS.code());
    }

    @Test
    void aBarrierShowsWhatOthersCommittedBefore() {
        for (int i = 0; i < 20; i++) {
            voter.createTopic("made-" + i, 1);
            TestNode.get(observer.controller.barrier());
            assertThat(observer.node.image().topics().getTopic("made-" + i)).isNotNull();
        }
        long before = voter.node.image().offset();
        TestNode.get(voter.controller.barrier());
        assertThat(voter.node.image().offset()).isGreaterThan(before);
    }

    @Test
    void waitsForALeaderThatIsAway() {
        stopVoter();
        CompletableFuture<IdRange> ids = observer.controller.reserveObjectIds(5);
        assertThat(ids).isNotDone();
        startVoter();
        assertThat(TestNode.get(ids).end()).isEqualTo(TestNode.get(ids).first() + 5);
    }

    @Test
    void aNodeThatLeadsSendsNothing() {
        int before = commands.sent.get();
        voter.createTopic("here", 1);
        TestNode.get(voter.controller.barrier());
        assertThat(commands.sent).hasValue(before);
        observer.createTopic("there", 1);
        assertThat(commands.sent).hasValue(before + 1);
    }

    /** Registered, and unfenced by its first heartbeat. */
    private RegisteredBroker registerObserversBroker() {
        RegisteredBroker registered = TestNode.get(observer.controller.registerBroker(new ClusterController.BrokerSpec(
                OBSERVER_ID,
                Uuid.randomUuid(),
                List.of(new ClusterController.Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9192)),
                "zone-b")));
        TestNode.get(observer.controller.heartbeat(new ClusterController.BrokerHeartbeat(
                OBSERVER_ID, registered.brokerEpoch(), registered.offset(), true, false)));
        return registered;
    }
}
