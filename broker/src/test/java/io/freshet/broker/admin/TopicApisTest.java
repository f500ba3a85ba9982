// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.fake.ControlFixture;
import io.freshet.broker.fake.MemoryCluster;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.CreatePartitionsRequestData;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.DeleteTopicsRequestData;
import org.apache.kafka.common.message.DeleteTopicsRequestData.DeleteTopicState;
import org.apache.kafka.common.message.DescribeClusterRequestData;
import org.apache.kafka.common.message.DescribeLogDirsRequestData;
import org.apache.kafka.common.message.DescribeTopicPartitionsRequestData;
import org.apache.kafka.common.message.DescribeTopicPartitionsRequestData.Cursor;
import org.apache.kafka.common.message.DescribeTopicPartitionsRequestData.TopicRequest;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.message.MetadataRequestData.MetadataRequestTopic;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponseTopic;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.CreatePartitionsRequest;
import org.apache.kafka.common.requests.CreatePartitionsResponse;
import org.apache.kafka.common.requests.CreateTopicsRequest;
import org.apache.kafka.common.requests.CreateTopicsResponse;
import org.apache.kafka.common.requests.DeleteTopicsRequest;
import org.apache.kafka.common.requests.DeleteTopicsResponse;
import org.apache.kafka.common.requests.DescribeClusterRequest;
import org.apache.kafka.common.requests.DescribeClusterResponse;
import org.apache.kafka.common.requests.DescribeLogDirsRequest;
import org.apache.kafka.common.requests.DescribeLogDirsResponse;
import org.apache.kafka.common.requests.DescribeTopicPartitionsRequest;
import org.apache.kafka.common.requests.DescribeTopicPartitionsResponse;
import org.apache.kafka.common.requests.MetadataRequest;
import org.apache.kafka.common.requests.MetadataResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TopicApisTest {
    private ControlFixture broker = new ControlFixture();

    @AfterEach
    void close() {
        broker.close();
    }

    private void restartWith(Map<String, String> overrides) {
        broker.close();
        broker = new ControlFixture(overrides);
    }

    @Test
    void metadataDescribesBrokersAndTopicsByNameAndById() {
        Uuid id = broker.cluster.createTopic("events", 2);

        MetadataResponse byName = broker.call(
                MetadataRequest.Builder.forTopicNames(List.of("events"), false).build((short) 13));
        assertThat(byName.clusterId()).isEqualTo(MemoryCluster.CLUSTER_ID);
        assertThat(byName.controller().id()).isEqualTo(1);
        assertThat(byName.brokers()).singleElement().satisfies(node -> {
            assertThat(node.host()).isEqualTo("broker.test");
            assertThat(node.rack()).isEqualTo("zone-a");
        });
        MetadataResponseTopic topic = byName.data().topics().find("events");
        assertThat(topic.topicId()).isEqualTo(id);
        assertThat(topic.partitions())
                .hasSize(2)
                .allSatisfy(partition -> assertThat(partition.leaderId()).isEqualTo(1));

        MetadataResponse byId = broker.call(
                MetadataRequest.Builder.forTopicIds(Set.of(id, new Uuid(1, 2))).build((short) 13));
        assertThat(byId.data().topics().stream().map(found -> Errors.forCode(found.errorCode())))
                .containsExactlyInAnyOrder(Errors.NONE, Errors.UNKNOWN_TOPIC_ID);
        MetadataResponse all = broker.call(MetadataRequest.Builder.allTopics().build((short) 13));
        assertThat(all.data().topics()).hasSize(1);
    }

    @Test
    void askingForATopicCreatesItWithTheBrokersDefaults() {
        restartWith(Map.of("num.partitions", "5"));

        assertThat(metadataError("fresh", true, 13)).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION);
        assertThat(metadataError("fresh", true, 13)).isEqualTo(Errors.NONE);
        assertThat(broker.cluster.image().topics().getTopic("fresh").partitions())
                .hasSize(5);
        assertThat(metadataError("__consumer_offsets", true, 13)).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION);
        assertThat(broker.topicConfigs.apply("__consumer_offsets").compact).isTrue();
    }

    @Test
    void aTopicIsNotCreatedWhereThatIsNotWantedOrItsNameIsInvalid() {
        assertThat(metadataError("fresh", false, 13)).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION);
        assertThat(metadataError("bad name!", true, 13)).isEqualTo(Errors.INVALID_TOPIC_EXCEPTION);
        restartWith(Map.of("auto.create.topics.enable", "false"));
        assertThat(metadataError("fresh", true, 13)).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION);

        assertThat(broker.cluster.image().topics().isEmpty()).isTrue();
    }

    @Test
    void everyMetadataVersionIsAnswered() {
        broker.cluster.createTopic("events", 1);
        for (short version = 0; version <= 13; version++) {
            assertThat(metadataError("events", true, version)).isEqualTo(Errors.NONE);
        }
    }

    private Errors metadataError(String topic, boolean mayCreate, int version) {
        MetadataRequestData data = new MetadataRequestData()
                .setTopics(List.of(new MetadataRequestTopic().setName(topic)))
                .setAllowAutoTopicCreation(version < 4 || mayCreate);
        MetadataResponse response = broker.call(new MetadataRequest(data, (short) version));
        return Errors.forCode(response.data().topics().find(topic).errorCode());
    }

    @Test
    void topicPartitionsAreDescribedPageByPage() {
        broker.cluster.createTopic("a", 3);
        broker.cluster.createTopic("b", 2);

        DescribeTopicPartitionsResponse first =
                describe(new DescribeTopicPartitionsRequestData().setResponsePartitionLimit(2));
        assertThat(first.data().topics())
                .singleElement()
                .satisfies(topic -> assertThat(topic.partitions()).hasSize(2));
        assertThat(first.data().nextCursor().topicName()).isEqualTo("a");
        DescribeTopicPartitionsResponse second = describe(new DescribeTopicPartitionsRequestData()
                .setCursor(new Cursor().setTopicName("a").setPartitionIndex(2)));
        assertThat(second.data().topics()).hasSize(2);
        assertThat(second.data().nextCursor()).isNull();
        DescribeTopicPartitionsResponse missing =
                describe(new DescribeTopicPartitionsRequestData().setTopics(List.of(new TopicRequest().setName("no"))));
        assertThat(missing.data().topics().find("no").errorCode()).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION.code());
    }

    private DescribeTopicPartitionsResponse describe(DescribeTopicPartitionsRequestData data) {
        return broker.call(new DescribeTopicPartitionsRequest(data, (short) 0));
    }

    @Test
    void theClusterIsDescribedAndOtherEndpointsAreRefused() {
        DescribeClusterResponse response = broker.call(new DescribeClusterRequest.Builder(
                        new DescribeClusterRequestData().setIncludeClusterAuthorizedOperations(true))
                .build((short) 2));
        assertThat(response.data().clusterId()).isEqualTo(MemoryCluster.CLUSTER_ID);
        assertThat(response.data().brokers().find(1).port()).isEqualTo(9092);
        assertThat(response.data().clusterAuthorizedOperations()).isPositive();

        DescribeClusterResponse controllers = broker.call(
                new DescribeClusterRequest.Builder(new DescribeClusterRequestData().setEndpointType((byte) 2))
                        .build((short) 2));
        assertThat(controllers.data().errorCode()).isEqualTo(Errors.MISMATCHED_ENDPOINT_TYPE.code());
    }

    @Test
    void topicsAreCreatedAndNamesThatAppearTwiceAreRefused() {
        CreateTopicsRequestData data = new CreateTopicsRequestData();
        for (String name : List.of("once", "twice", "twice", "__cluster_metadata")) {
            data.topics()
                    .mustAdd(new CreatableTopic()
                            .setName(name)
                            .setNumPartitions(1)
                            .setReplicationFactor((short) 3));
        }
        CreateTopicsResponse response = broker.call(new CreateTopicsRequest.Builder(data).build((short) 7));

        assertThat(response.data().topics().find("once").errorCode()).isEqualTo(Errors.NONE.code());
        assertThat(response.data().topics().find("twice").errorCode()).isEqualTo(Errors.INVALID_REQUEST.code());
        assertThat(response.data().topics().find("__cluster_metadata").errorCode())
                .isEqualTo(Errors.INVALID_REQUEST.code());
        assertThat(response.data().topics()).hasSize(3);
    }

    @Test
    void aControllerThatIsNotActiveIsAnsweredWithNotController() {
        broker.cluster.failure = new FreshetException(ErrorKind.UNAVAILABLE, "no leader");
        CreateTopicsRequestData data = new CreateTopicsRequestData();
        data.topics().mustAdd(new CreatableTopic().setName("x").setNumPartitions(1));

        CreateTopicsResponse response = broker.call(new CreateTopicsRequest.Builder(data).build((short) 7));

        assertThat(response.data().topics().find("x").errorCode()).isEqualTo(Errors.NOT_CONTROLLER.code());
    }

    @Test
    void topicsAreDeletedByNameAndById() {
        Uuid first = broker.cluster.createTopic("first", 1);
        broker.cluster.createTopic("second", 1);
        DeleteTopicsResponse response = broker.call(new DeleteTopicsRequest.Builder(new DeleteTopicsRequestData()
                        .setTopics(List.of(
                                new DeleteTopicState().setTopicId(first),
                                new DeleteTopicState().setName("second"),
                                new DeleteTopicState().setName("gone"),
                                new DeleteTopicState().setName("same"),
                                new DeleteTopicState().setName("same"),
                                new DeleteTopicState().setTopicId(new Uuid(1, 2)),
                                new DeleteTopicState(),
                                new DeleteTopicState().setName("both").setTopicId(new Uuid(3, 4)))))
                .build((short) 6));

        assertThat(response.data().responses().stream().map(result -> Errors.forCode(result.errorCode())))
                .containsExactlyInAnyOrder(
                        Errors.NONE,
                        Errors.NONE,
                        Errors.UNKNOWN_TOPIC_OR_PARTITION,
                        Errors.INVALID_REQUEST,
                        Errors.UNKNOWN_TOPIC_ID,
                        Errors.INVALID_REQUEST,
                        Errors.INVALID_REQUEST);
        assertThat(broker.cluster.image().topics().isEmpty()).isTrue();
    }

    @Test
    void deletionCanBeTurnedOff() {
        restartWith(Map.of("delete.topic.enable", "false"));
        broker.cluster.createTopic("kept", 1);

        DeleteTopicsResponse response = broker.call(
                new DeleteTopicsRequest.Builder(new DeleteTopicsRequestData().setTopicNames(List.of("kept")))
                        .build((short) 5));

        assertThat(response.data().responses().find("kept").errorCode())
                .isEqualTo(Errors.TOPIC_DELETION_DISABLED.code());
    }

    @Test
    void partitionsAreAdded() {
        broker.cluster.createTopic("grows", 1);
        CreatePartitionsRequestData data = new CreatePartitionsRequestData();
        data.topics().mustAdd(new CreatePartitionsTopic().setName("grows").setCount(4));
        data.topics().mustAdd(new CreatePartitionsTopic().setName("twice").setCount(4));
        data.topics().mustAdd(new CreatePartitionsTopic().setName("twice").setCount(5));

        CreatePartitionsResponse response = broker.call(new CreatePartitionsRequest.Builder(data).build((short) 3));

        assertThat(response.data().results()).hasSize(2);
        assertThat(response.errorCounts()).containsEntry(Errors.INVALID_REQUEST, 1);
        assertThat(broker.cluster.image().topics().getTopic("grows").partitions())
                .hasSize(4);
    }

    @Test
    void logDirsShowTheObjectStore() {
        broker.cluster.createTopic("events", 2);

        DescribeLogDirsResponse response = broker.call(
                new DescribeLogDirsRequest.Builder(new DescribeLogDirsRequestData().setTopics(null)).build((short) 4));

        assertThat(response.data().results()).singleElement().satisfies(dir -> {
            assertThat(dir.logDir()).isEqualTo("memory:");
            assertThat(dir.topics())
                    .singleElement()
                    .satisfies(topic -> assertThat(topic.partitions()).hasSize(2));
        });
    }
}
