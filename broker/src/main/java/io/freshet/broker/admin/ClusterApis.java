// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.AuthorizedOperations;
import io.freshet.protocol.KafkaRequest;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.EndpointType;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.errors.MismatchedEndpointTypeException;
import org.apache.kafka.common.errors.UnsupportedEndpointTypeException;
import org.apache.kafka.common.message.DescribeClusterRequestData;
import org.apache.kafka.common.message.DescribeClusterResponseData;
import org.apache.kafka.common.message.DescribeClusterResponseData.DescribeClusterBroker;
import org.apache.kafka.common.message.DescribeTopicPartitionsRequestData;
import org.apache.kafka.common.message.DescribeTopicPartitionsRequestData.Cursor;
import org.apache.kafka.common.message.DescribeTopicPartitionsResponseData;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.requests.DescribeClusterRequest;
import org.apache.kafka.common.requests.DescribeClusterResponse;
import org.apache.kafka.common.requests.DescribeTopicPartitionsRequest;
import org.apache.kafka.common.requests.DescribeTopicPartitionsResponse;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.metadata.KRaftMetadataCache;

/** Describes the cluster's brokers, and topics page by page, from the metadata image. */
final class ClusterApis {
    private final String clusterId;
    private final KRaftMetadataCache cache;
    private final BrokerConfigs configs;

    ClusterApis(String clusterId, KRaftMetadataCache cache, BrokerConfigs configs) {
        this.clusterId = clusterId;
        this.cache = cache;
        this.configs = configs;
    }

    void register(ApiRouter router) {
        router.register(ApiKeys.DESCRIBE_CLUSTER, this::describeCluster);
        router.register(ApiKeys.DESCRIBE_TOPIC_PARTITIONS, this::describeTopicPartitions);
    }

    private void describeCluster(KafkaRequest request) {
        DescribeClusterRequestData body = ((DescribeClusterRequest) request.body()).data();
        EndpointType asked = EndpointType.fromId(body.endpointType());
        if (asked == EndpointType.UNKNOWN) {
            throw new UnsupportedEndpointTypeException("Unsupported endpoint type " + body.endpointType());
        }
        if (asked != EndpointType.BROKER) {
            throw new MismatchedEndpointTypeException(
                    "The request was sent to a broker, but an endpoint of type " + asked + " was wanted");
        }
        DescribeClusterResponseData answer = new DescribeClusterResponseData()
                .setEndpointType(EndpointType.BROKER.id())
                .setClusterId(clusterId)
                .setControllerId(cache.getRandomAliveBrokerId().orElse(-1));
        cache.getBrokerNodes(new ListenerName(request.listenerName())).stream()
                .filter(node -> !node.isFenced() || body.includeFencedBrokers())
                .forEach(node -> answer.brokers()
                        .add(new DescribeClusterBroker()
                                .setBrokerId(node.id())
                                .setHost(node.host())
                                .setPort(node.port())
                                .setRack(node.rack())
                                .setIsFenced(node.isFenced())));
        if (body.includeClusterAuthorizedOperations()) {
            answer.setClusterAuthorizedOperations(AuthorizedOperations.all(ResourceType.CLUSTER));
        }
        request.respond(new DescribeClusterResponse(answer));
    }

    private void describeTopicPartitions(KafkaRequest request) {
        DescribeTopicPartitionsRequestData body = ((DescribeTopicPartitionsRequest) request.body()).data();
        Cursor cursor = body.cursor();
        String firstTopic = cursor == null ? "" : cursor.topicName();
        int firstPartition = cursor == null ? 0 : cursor.partitionIndex();
        boolean isAllTopics = body.topics().isEmpty();
        Set<String> named = new HashSet<>();
        body.topics().forEach(topic -> named.add(topic.name()));
        if (cursor != null && !isAllTopics && !named.contains(firstTopic)) {
            throw new InvalidRequestException(
                    "DescribeTopicPartitionsRequest topic list should contain the cursor topic: " + firstTopic);
        }
        if (firstPartition < 0) {
            throw new InvalidRequestException(
                    "DescribeTopicPartitionsRequest cursor partition must be valid: " + cursor);
        }
        TreeSet<String> topics = new TreeSet<>(isAllTopics ? cache.getAllTopics() : named);
        DescribeTopicPartitionsResponseData answer = cache.describeTopicResponse(
                topics.tailSet(firstTopic, true).iterator(),
                new ListenerName(request.listenerName()),
                topic -> topic.equals(firstTopic) ? firstPartition : 0,
                Math.max(Math.min(configs.maxPartitionsPerDescription(), body.responsePartitionLimit()), 1),
                isAllTopics);
        answer.topics()
                .forEach(topic -> topic.setTopicAuthorizedOperations(AuthorizedOperations.all(ResourceType.TOPIC)));
        request.respond(new DescribeTopicPartitionsResponse(answer));
    }
}
