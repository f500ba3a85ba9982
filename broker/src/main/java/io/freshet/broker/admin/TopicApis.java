// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.Replies;
import io.freshet.metadata.ClusterController;
import io.freshet.protocol.KafkaRequest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.message.CreatePartitionsRequestData;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreatePartitionsResponseData;
import org.apache.kafka.common.message.CreatePartitionsResponseData.CreatePartitionsTopicResult;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicResult;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.CreatePartitionsRequest;
import org.apache.kafka.common.requests.CreatePartitionsResponse;
import org.apache.kafka.common.requests.CreateTopicsRequest;
import org.apache.kafka.common.requests.CreateTopicsResponse;

/** Creating topics and adding partitions: what names one topic twice is refused here, the rest goes to the controller. */
final class TopicApis {
    private final ClusterController controller;

    TopicApis(ClusterController controller) {
        this.controller = controller;
    }

    void register(ApiRouter router) {
        router.register(ApiKeys.CREATE_TOPICS, this::createTopics);
        router.register(ApiKeys.CREATE_PARTITIONS, this::createPartitions);
    }

    private void createTopics(KafkaRequest request) {
        CreateTopicsRequestData body = ((CreateTopicsRequest) request.body()).data();
        Duplicates names =
                Duplicates.of(body.topics().stream().map(CreatableTopic::name).toList());
        List<CreatableTopicResult> refused = new ArrayList<>();
        names.repeated.forEach(name -> refused.add(refusedTopic(name, "Duplicate topic name.")));
        if (names.once.remove(Topic.CLUSTER_METADATA_TOPIC_NAME)) {
            refused.add(refusedTopic(
                    Topic.CLUSTER_METADATA_TOPIC_NAME,
                    "Creation of internal topic " + Topic.CLUSTER_METADATA_TOPIC_NAME + " is prohibited."));
        }
        CreateTopicsRequestData accepted = body.duplicate();
        accepted.topics().removeIf(topic -> !names.once.contains(topic.name()));
        Replies.whenDone(request, controller.createTopics(accepted, names.once), response -> {
            response.topics().addAll(refused);
            return new CreateTopicsResponse(response);
        });
    }

    private static CreatableTopicResult refusedTopic(String name, String message) {
        return new CreatableTopicResult()
                .setName(name)
                .setErrorCode(Errors.INVALID_REQUEST.code())
                .setErrorMessage(message);
    }

    private void createPartitions(KafkaRequest request) {
        CreatePartitionsRequestData body = ((CreatePartitionsRequest) request.body()).data();
        Duplicates names = Duplicates.of(
                body.topics().stream().map(CreatePartitionsTopic::name).toList());
        List<CreatePartitionsTopic> accepted = body.topics().stream()
                .filter(topic -> names.once.contains(topic.name()))
                .toList();
        Replies.whenDone(request, controller.createPartitions(accepted, body.validateOnly()), created -> {
            List<CreatePartitionsTopicResult> results = new ArrayList<>(created);
            names.repeated.forEach(name -> results.add(new CreatePartitionsTopicResult()
                    .setName(name)
                    .setErrorCode(Errors.INVALID_REQUEST.code())
                    .setErrorMessage("Duplicate topic name.")));
            return new CreatePartitionsResponse(new CreatePartitionsResponseData().setResults(results));
        });
    }

    /** Names that a request gives once, and those that it gives more often. */
    private record Duplicates(Set<String> once, Set<String> repeated) {
        static Duplicates of(List<String> names) {
            Duplicates found = new Duplicates(new HashSet<>(), new HashSet<>());
            for (String name : names) {
                if (!found.once.add(name)) {
                    found.repeated.add(name);
                }
            }
            found.once.removeAll(found.repeated);
            return found;
        }
    }
}
