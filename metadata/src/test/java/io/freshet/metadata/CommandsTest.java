// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.ClusterController.ConfigChange;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableReplicaAssignment;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicConfig;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicResult;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandsTest {
    private static final ApiError ABSENT = new ApiError(Errors.UNKNOWN_SERVER_ERROR, "no answer");

    @TempDir
    Path directory;

    private TestNode node;

    @BeforeEach
    void start() {
        TestNode.format(directory);
        node = TestNode.start(directory).register();
    }

    @AfterEach
    void stop() {
        node.close();
    }

    @Test
    void commitsOnlyWhatContinuesItsStream() {
        long stream = newStream("t");
        long first = node.reserveId();
        assertThat(node.commit(first, node.segment(stream, 0, 10, first))).isEmpty();
        long gap = node.reserveId();
        assertThat(node.commit(gap, node.segment(stream, 11, 20, gap))).containsExactly(stream);
        long overlap = node.reserveId();
        assertThat(node.commit(overlap, node.segment(stream, 5, 20, overlap))).containsExactly(stream);
        long next = node.reserveId();
        assertThat(node.commit(next, node.segment(stream, 10, 15, next), node.segment(stream, 15, 20, next)))
                .isEmpty();
        assertThat(node.node.manifests().segments(stream, 12, 10))
                .extracting(StreamSegment::startOffset)
                .containsExactly(10L, 15L);
        assertThat(node.node.manifests().stream(stream).orElseThrow().endOffset())
                .isEqualTo(20);
        assertThat(node.node.manifests().retiredObjects(10))
                .extracting(RetiredObject::objectId)
                .as("an object of which nothing was accepted is to be deleted")
                .containsExactlyInAnyOrder(gap, overlap);
    }

    @Test
    void answersARepeatedCommitAsTheFirst() {
        long stream = newStream("t");
        long other = newStream("u");
        long object = node.reserveId();
        SegmentCommit good = node.segment(stream, 0, 10, object);
        SegmentCommit bad = node.segment(other, 3, 10, object);
        assertThat(node.commit(object, good, bad)).containsExactly(other);
        assertThat(node.commit(object, good, bad)).containsExactly(other);
        assertThat(node.node.manifests().segments(stream, 0, 10)).hasSize(1);
        assertThat(node.node.manifests().segments(other, 0, 10)).isEmpty();
    }

    @Test
    void refusesFencedEpochsAndDeletedStreams() {
        CreatableTopicResult topic = node.createTopic("t", 1);
        long stream = node.stream(topic.topicId(), 0);
        SegmentCommit old = node.segment(stream, 0, 10, 1);
        long oldBroker = node.brokerEpoch;
        node.register();
        long object = node.reserveId();
        assertThat(node.commit(object, old)).containsExactly(stream);
        assertThatThrownBy(() -> TestNode.get(node.controller.commitObject(
                        new ObjectCommit(object, 1, TestNode.NODE_ID, oldBroker, List.of(old)))))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FENCED));
        assertThatThrownBy(() -> TestNode.get(node.controller.trimStream(stream, 0, 5)))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FENCED));
        SegmentCommit present = node.segment(stream, 0, 10, object);
        TestNode.get(node.controller.deleteTopics(List.of(topic.topicId())));
        assertThat(node.commit(node.reserveId(), present)).containsExactly(stream);
    }

    @Test
    void retiresAnObjectWithItsLastLiveSegment() {
        long stream = newStream("t");
        long other = newStream("u");
        long object = node.reserveId();
        node.commit(object, node.segment(stream, 0, 10, object), node.segment(other, 0, 5, object));
        TestNode.get(node.controller.trimStream(stream, 0, 10));
        assertThat(node.node.manifests().retiredObjects(10)).isEmpty();
        TestNode.get(node.controller.trimStream(other, 0, 4));
        assertThat(node.node.manifests().retiredObjects(10)).isEmpty();
        TestNode.get(node.controller.trimStream(other, 0, 5));
        assertThat(node.node.manifests().retiredObjects(10))
                .extracting(RetiredObject::objectId)
                .containsExactly(object);
        assertThat(node.node.manifests().isObjectKnown(object)).isTrue();
        TestNode.get(node.controller.forgetObjects(List.of(object, 99L)));
        assertThat(node.node.manifests().isObjectKnown(object)).isFalse();
        assertThat(node.node.manifests().retiredObjects(10)).isEmpty();
    }

    @Test
    void continuesAfterATrimBeyondTheCommittedEnd() {
        long stream = newStream("t");
        TestNode.get(node.controller.trimStream(stream, 0, 8));
        assertThat(node.node.manifests().stream(stream).orElseThrow().endOffset())
                .isEqualTo(8);
        long object = node.reserveId();
        assertThat(node.commit(object, node.segment(stream, 0, 10, object))).isEmpty();
        assertThat(node.node.manifests().stream(stream).orElseThrow().endOffset())
                .isEqualTo(10);
        assertThat(node.node.manifests().segments(stream, 8, 5)).hasSize(1);
    }

    @Test
    void deletingATopicRetiresItsObjects() {
        CreatableTopicResult topic = node.createTopic("t", 2);
        long stream = node.stream(topic.topicId(), 1);
        long object = node.reserveId();
        node.commit(object, node.segment(stream, 0, 10, object));
        Uuid unknown = Uuid.randomUuid();
        Map<Uuid, ApiError> answers = TestNode.get(node.controller.deleteTopics(List.of(topic.topicId(), unknown)));
        assertThat(answers.getOrDefault(topic.topicId(), ABSENT).error()).isEqualTo(Errors.NONE);
        assertThat(answers.getOrDefault(unknown, ABSENT).error()).isEqualTo(Errors.UNKNOWN_TOPIC_ID);
        assertThat(node.node.manifests().stream(stream)).isEmpty();
        assertThat(node.node.manifests().streamId(topic.topicId(), 1)).isEmpty();
        assertThat(node.node.manifests().retiredObjects(10))
                .extracting(RetiredObject::objectId)
                .containsExactly(object);
    }

    @Test
    void answersBadTopicsWithKafkasErrors() {
        node.createTopic("a.b", 1);
        assertThat(node.createTopic("a.b", 1).errorCode()).isEqualTo(Errors.TOPIC_ALREADY_EXISTS.code());
        assertThat(node.createTopic("a_b", 1).errorCode()).isEqualTo(Errors.INVALID_TOPIC_EXCEPTION.code());
        assertThat(node.createTopic("a b", 1).errorCode()).isEqualTo(Errors.INVALID_TOPIC_EXCEPTION.code());
        assertThat(node.createTopic("zero", 0).errorCode()).isEqualTo(Errors.INVALID_PARTITIONS.code());
        assertThat(create(new CreatableTopic().setName("rf").setNumPartitions(1).setReplicationFactor((short) 0))
                        .errorCode())
                .isEqualTo(Errors.INVALID_REPLICATION_FACTOR.code());
        CreatableTopic manual =
                new CreatableTopic().setName("manual").setNumPartitions(-1).setReplicationFactor((short) -1);
        manual.assignments()
                .add(new CreatableReplicaAssignment().setPartitionIndex(0).setBrokerIds(List.of(TestNode.NODE_ID)));
        assertThat(create(manual).errorCode()).isZero();
        CreatableTopic stranger =
                new CreatableTopic().setName("stranger").setNumPartitions(-1).setReplicationFactor((short) -1);
        stranger.assignments()
                .add(new CreatableReplicaAssignment().setPartitionIndex(0).setBrokerIds(List.of(77)));
        assertThat(create(stranger).errorCode()).isEqualTo(Errors.INVALID_REPLICA_ASSIGNMENT.code());
        CreatableTopic configured =
                new CreatableTopic().setName("conf").setNumPartitions(1).setReplicationFactor((short) 1);
        configured.configs().add(new CreatableTopicConfig().setName("nonsense").setValue("1"));
        assertThat(create(configured).errorCode()).isEqualTo(Errors.INVALID_CONFIG.code());
        assertThat(node.node.image().topics().getTopic("conf")).isNull();
    }

    @Test
    void addsPartitions() {
        CreatableTopicResult topic = node.createTopic("t", 1);
        assertThat(addPartitions("t", 3, true)).isEqualTo(Errors.NONE);
        assertThat(node.node.image().topics().getTopic("t").partitions()).hasSize(1);
        assertThat(addPartitions("t", 3, false)).isEqualTo(Errors.NONE);
        assertThat(addPartitions("t", 2, false)).isEqualTo(Errors.INVALID_PARTITIONS);
        assertThat(addPartitions("none", 2, false)).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION);
        assertThat(node.node.manifests().streamId(topic.topicId(), 2)).isPresent();
    }

    @Test
    void altersConfigsByKafkasRules() {
        node.createTopic("t", 1);
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "t");
        assertThat(alter(topic, "retention.ms", OpType.SET, "5")).isEqualTo(Errors.NONE);
        assertThat(alter(topic, "cleanup.policy", OpType.APPEND, "compact")).isEqualTo(Errors.NONE);
        assertThat(alter(topic, "retention.ms", OpType.APPEND, "5")).isEqualTo(Errors.INVALID_CONFIG);
        assertThat(alter(topic, "nonsense", OpType.SET, "5")).isEqualTo(Errors.INVALID_CONFIG);
        assertThat(node.node.image().configs().configMapForResource(topic))
                .containsEntry("retention.ms", "5")
                .containsEntry("cleanup.policy", "delete,compact")
                .hasSize(2);
        assertThat(alter(topic, "cleanup.policy", OpType.DELETE, null)).isEqualTo(Errors.NONE);
        assertThat(alter(new ConfigResource(ConfigResource.Type.TOPIC, "none"), "retention.ms", OpType.SET, "5"))
                .isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION);
        assertThat(alter(new ConfigResource(ConfigResource.Type.BROKER, ""), "x", OpType.SET, "5"))
                .isEqualTo(Errors.NONE);
        assertThat(alter(new ConfigResource(ConfigResource.Type.GROUP, "g"), "x", OpType.SET, "5"))
                .isEqualTo(Errors.NONE);
        assertThat(TestNode.get(node.controller.legacyAlterConfigs(Map.of(topic, Map.of()), false))
                        .getOrDefault(topic, ABSENT)
                        .error())
                .isEqualTo(Errors.NONE);
        assertThat(node.node.image().configs().configMapForResource(topic)).isEmpty();
    }

    @Test
    void givesIdsOutOnce() {
        var first = TestNode.get(node.controller.allocateProducerIds(TestNode.NODE_ID, node.brokerEpoch));
        var second = TestNode.get(node.controller.allocateProducerIds(TestNode.NODE_ID, node.brokerEpoch));
        assertThat(first.first()).isZero();
        assertThat(second.first()).isEqualTo(first.end()).isEqualTo(1000);
        assertThatThrownBy(() -> TestNode.get(node.controller.allocateProducerIds(TestNode.NODE_ID, 12345)))
                .isInstanceOf(FreshetException.class);
        long stream = newStream("t");
        assertThatThrownBy(() -> node.commit(1_000_000, node.segment(stream, 0, 1, 1_000_000)))
                .hasMessageContaining("never reserved");
    }

    private Errors alter(ConfigResource resource, String name, OpType operation, @Nullable String value) {
        return TestNode.get(node.controller.incrementalAlterConfigs(
                        Map.of(resource, Map.of(name, new ConfigChange(operation, value))), false))
                .getOrDefault(resource, ABSENT)
                .error();
    }

    private Errors addPartitions(String topic, int count, boolean validateOnly) {
        return Errors.forCode(TestNode.get(node.controller.createPartitions(
                        List.of(new CreatePartitionsTopic()
                                .setName(topic)
                                .setCount(count)
                                .setAssignments(null)),
                        validateOnly))
                .get(0)
                .errorCode());
    }

    private CreatableTopicResult create(CreatableTopic topic) {
        CreateTopicsRequestData request = new CreateTopicsRequestData();
        request.topics().add(topic);
        return TestNode.get(node.controller.createTopics(request, Set.of()))
                .topics()
                .iterator()
                .next();
    }

    private long newStream(String topic) {
        return node.stream(node.createTopic(topic, 1).topicId(), 0);
    }
}
