// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.controller;

import io.freshet.broker.api.AuthorizedOperations;
import io.freshet.broker.api.Replies;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.admin.EndpointType;
import org.apache.kafka.common.errors.MismatchedEndpointTypeException;
import org.apache.kafka.common.errors.UnsupportedEndpointTypeException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.message.DescribeClusterRequestData;
import org.apache.kafka.common.message.DescribeClusterResponseData;
import org.apache.kafka.common.message.DescribeClusterResponseData.DescribeClusterBroker;
import org.apache.kafka.common.message.DescribeQuorumRequestData;
import org.apache.kafka.common.message.DescribeQuorumResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.requests.DescribeClusterRequest;
import org.apache.kafka.common.requests.DescribeClusterResponse;
import org.apache.kafka.common.requests.DescribeQuorumRequest;
import org.apache.kafka.common.resource.ResourceType;

/** DescribeCluster on a controller listener: the quorum's voters and their leader, as the leader knows them. */
public final class ControllersHandler implements RequestHandler {
    private final String clusterId;
    private final LeaderForward leader;

    public ControllersHandler(String clusterId, LeaderForward leader) {
        this.clusterId = clusterId;
        this.leader = leader;
    }

    @Override
    public void handle(KafkaRequest request) {
        DescribeClusterRequestData body = ((DescribeClusterRequest) request.body()).data();
        EndpointType asked = EndpointType.fromId(body.endpointType());
        if (asked == EndpointType.UNKNOWN) {
            throw new UnsupportedEndpointTypeException("Unsupported endpoint type " + (int) body.endpointType());
        }
        if (asked != EndpointType.CONTROLLER) {
            throw new MismatchedEndpointTypeException(
                    "The request was sent to an endpoint of type CONTROLLER, but we wanted" + " an endpoint of type "
                            + asked);
        }
        Replies.whenDone(request, describe(), quorum -> answer(quorum, request, body));
    }

    private CompletableFuture<DescribeQuorumResponseData> describe() {
        DescribeQuorumRequestData question = new DescribeQuorumRequestData()
                .setTopics(List.of(new DescribeQuorumRequestData.TopicData()
                        .setTopicName(Topic.CLUSTER_METADATA_TOPIC_NAME)
                        .setPartitions(List.of(new DescribeQuorumRequestData.PartitionData().setPartitionIndex(0)))));
        return leader.ask(
                        question, ApiKeys.DESCRIBE_QUORUM.latestVersion(), new DescribeQuorumRequest.Builder(question))
                .thenApply(response -> (DescribeQuorumResponseData) response.data());
    }

    private DescribeClusterResponse answer(
            DescribeQuorumResponseData quorum, KafkaRequest request, DescribeClusterRequestData body) {
        DescribeClusterResponseData answer = new DescribeClusterResponseData()
                .setEndpointType(EndpointType.CONTROLLER.id())
                .setClusterId(clusterId)
                .setControllerId(-1);
        for (DescribeQuorumResponseData.Node node : quorum.nodes()) {
            node.listeners().stream()
                    .filter(listener -> listener.name().equals(request.listenerName()))
                    .forEach(listener -> answer.brokers()
                            .add(new DescribeClusterBroker()
                                    .setBrokerId(node.nodeId())
                                    .setHost(listener.host())
                                    .setPort(listener.port())));
        }
        quorum.topics()
                .forEach(topic -> topic.partitions().stream()
                        .filter(partition ->
                                partition.errorCode() == 0 && answer.brokers().find(partition.leaderId()) != null)
                        .forEach(partition -> answer.setControllerId(partition.leaderId())));
        if (body.includeClusterAuthorizedOperations()) {
            answer.setClusterAuthorizedOperations(AuthorizedOperations.all(ResourceType.CLUSTER));
        }
        return new DescribeClusterResponse(answer);
    }
}
