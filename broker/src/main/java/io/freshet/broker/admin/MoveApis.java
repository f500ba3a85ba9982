// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.Replies;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.MetadataNode;
import io.freshet.protocol.KafkaRequest;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.apache.kafka.common.message.ElectLeadersResponseData;
import org.apache.kafka.common.message.ListPartitionReassignmentsRequestData.ListPartitionReassignmentsTopics;
import org.apache.kafka.common.message.ListPartitionReassignmentsResponseData;
import org.apache.kafka.common.message.ListPartitionReassignmentsResponseData.OngoingPartitionReassignment;
import org.apache.kafka.common.message.ListPartitionReassignmentsResponseData.OngoingTopicReassignment;
import org.apache.kafka.common.message.UnregisterBrokerResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.requests.AlterPartitionReassignmentsRequest;
import org.apache.kafka.common.requests.AlterPartitionReassignmentsResponse;
import org.apache.kafka.common.requests.ElectLeadersRequest;
import org.apache.kafka.common.requests.ElectLeadersResponse;
import org.apache.kafka.common.requests.ListPartitionReassignmentsRequest;
import org.apache.kafka.common.requests.ListPartitionReassignmentsResponse;
import org.apache.kafka.common.requests.UnregisterBrokerRequest;
import org.apache.kafka.common.requests.UnregisterBrokerResponse;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.image.TopicsImage;
import org.apache.kafka.metadata.PartitionRegistration;

/**
 * What an operator asks of the places of partitions and of brokers. Elections and reassignments are answered when they are
 * written down; the leaders carry them out a moment later.
 */
final class MoveApis {
    private final ClusterController controller;
    private final MetadataNode metadata;

    MoveApis(ClusterController controller, MetadataNode metadata) {
        this.controller = controller;
        this.metadata = metadata;
    }

    void register(ApiRouter router) {
        router.register(ApiKeys.ALTER_PARTITION_REASSIGNMENTS, this::alter);
        router.register(ApiKeys.LIST_PARTITION_REASSIGNMENTS, this::list);
        router.register(ApiKeys.ELECT_LEADERS, this::elect);
        router.register(ApiKeys.UNREGISTER_BROKER, this::unregister);
    }

    private void alter(KafkaRequest request) {
        AlterPartitionReassignmentsRequest body = (AlterPartitionReassignmentsRequest) request.body();
        Replies.whenDone(
                request, controller.alterPartitionReassignments(body.data()), AlterPartitionReassignmentsResponse::new);
    }

    private void elect(KafkaRequest request) {
        ElectLeadersRequest body = (ElectLeadersRequest) request.body();
        Replies.whenDone(request, controller.electLeaders(body.data()), MoveApis::response);
    }

    private static ElectLeadersResponse response(ElectLeadersResponseData answer) {
        return new ElectLeadersResponse(answer);
    }

    private void unregister(KafkaRequest request) {
        int brokerId = ((UnregisterBrokerRequest) request.body()).data().brokerId();
        Replies.whenDone(
                request,
                controller.unregisterBroker(brokerId),
                done -> new UnregisterBrokerResponse(new UnregisterBrokerResponseData()));
    }

    private void list(KafkaRequest request) {
        List<ListPartitionReassignmentsTopics> wanted =
                ((ListPartitionReassignmentsRequest) request.body()).data().topics();
        ListPartitionReassignmentsResponseData answer =
                new ListPartitionReassignmentsResponseData().setErrorMessage(null);
        TopicsImage topics = metadata.image().topics();
        if (wanted == null) {
            for (TopicImage topic : topics.topicsById().values()) {
                list(answer, topic, topic.partitions().keySet());
            }
        } else {
            for (ListPartitionReassignmentsTopics named : wanted) {
                TopicImage topic = topics.getTopic(named.name());
                if (topic != null) {
                    list(answer, topic, named.partitionIndexes());
                }
            }
        }
        request.respond(new ListPartitionReassignmentsResponse(answer));
    }

    private static void list(
            ListPartitionReassignmentsResponseData answer, TopicImage topic, Collection<Integer> partitions) {
        OngoingTopicReassignment ofTopic = new OngoingTopicReassignment().setName(topic.name());
        for (int id : partitions) {
            PartitionRegistration partition = topic.partitions().get(id);
            if (partition != null && (partition.addingReplicas.length > 0 || partition.removingReplicas.length > 0)) {
                ofTopic.partitions()
                        .add(new OngoingPartitionReassignment()
                                .setPartitionIndex(id)
                                .setReplicas(boxed(partition.replicas))
                                .setAddingReplicas(boxed(partition.addingReplicas))
                                .setRemovingReplicas(boxed(partition.removingReplicas)));
            }
        }
        if (!ofTopic.partitions().isEmpty()) {
            answer.topics().add(ofTopic);
        }
    }

    private static List<Integer> boxed(int[] brokers) {
        return Arrays.stream(brokers).boxed().toList();
    }
}
