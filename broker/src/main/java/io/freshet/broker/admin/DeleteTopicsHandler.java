// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.api.Replies;
import io.freshet.metadata.ClusterController;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.errors.TopicDeletionDisabledException;
import org.apache.kafka.common.message.DeleteTopicsRequestData;
import org.apache.kafka.common.message.DeleteTopicsRequestData.DeleteTopicState;
import org.apache.kafka.common.message.DeleteTopicsResponseData;
import org.apache.kafka.common.message.DeleteTopicsResponseData.DeletableTopicResult;
import org.apache.kafka.common.message.DeleteTopicsResponseData.DeletableTopicResultCollection;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.common.requests.DeleteTopicsRequest;
import org.apache.kafka.common.requests.DeleteTopicsResponse;
import org.apache.kafka.metadata.MetadataCache;
import org.jspecify.annotations.Nullable;

/** Deletes topics that are given by name or by id; each is answered by itself. */
final class DeleteTopicsHandler implements RequestHandler {
    private static final int FIRST_VERSION_WITH_DISABLED_ERROR = 3;

    private final ClusterController controller;
    private final MetadataCache cache;
    private final BrokerConfigs configs;

    DeleteTopicsHandler(ClusterController controller, MetadataCache cache, BrokerConfigs configs) {
        this.controller = controller;
        this.cache = cache;
        this.configs = configs;
    }

    @Override
    public void handle(KafkaRequest request) {
        if (!configs.isTopicDeletionEnabled()) {
            throw request.header().apiVersion() < FIRST_VERSION_WITH_DISABLED_ERROR
                    ? new InvalidRequestException("Topic deletion is disabled")
                    : new TopicDeletionDisabledException();
        }
        Deletion deletion = new Deletion();
        deletion.read(((DeleteTopicsRequest) request.body()).data());
        if (deletion.nameById.isEmpty()) {
            request.respond(deletion.answer());
            return;
        }
        Replies.whenDone(request, controller.deleteTopics(List.copyOf(deletion.nameById.keySet())), errors -> {
            errors.forEach((id, error) -> deletion.add(deletion.nameById.get(id), id, error));
            return deletion.answer();
        });
    }

    /** One request: which topics it may delete, and the answers for the others. */
    private final class Deletion {
        private final Map<Uuid, String> nameById = new LinkedHashMap<>();
        private final List<DeletableTopicResult> results = new ArrayList<>();
        private final Set<String> names = new HashSet<>();
        private final Set<String> repeatedNames = new HashSet<>();
        private final Set<Uuid> ids = new HashSet<>();
        private final Set<Uuid> repeatedIds = new HashSet<>();

        void read(DeleteTopicsRequestData body) {
            body.topicNames().forEach(this::readName);
            body.topics().forEach(this::readTopic);
            names.removeAll(repeatedNames);
            ids.removeAll(repeatedIds);
            repeatedNames.forEach(
                    name -> refuse(name, Uuid.ZERO_UUID, Errors.INVALID_REQUEST, "Duplicate topic name."));
            repeatedIds.forEach(id -> refuse(null, id, Errors.INVALID_REQUEST, "Duplicate topic id."));
            ids.forEach(this::resolveId);
            names.forEach(this::resolveName);
        }

        private void readName(String name) {
            if (!names.add(name)) {
                repeatedNames.add(name);
            }
        }

        private void readTopic(DeleteTopicState topic) {
            boolean hasId = !topic.topicId().equals(Uuid.ZERO_UUID);
            if (topic.name() != null && hasId) {
                refuse(
                        topic.name(),
                        topic.topicId(),
                        Errors.INVALID_REQUEST,
                        "You may not specify both topic name and topic id.");
            } else if (topic.name() != null) {
                readName(topic.name());
            } else if (!hasId) {
                refuse(null, Uuid.ZERO_UUID, Errors.INVALID_REQUEST, "Neither topic name nor id were specified.");
            } else if (!ids.add(topic.topicId())) {
                repeatedIds.add(topic.topicId());
            }
        }

        private void resolveId(Uuid id) {
            cache.getTopicName(id)
                    .ifPresentOrElse(
                            name -> nameById.put(id, name), () -> add(null, id, new ApiError(Errors.UNKNOWN_TOPIC_ID)));
        }

        private void resolveName(String name) {
            Uuid id = cache.getTopicId(name);
            if (id.equals(Uuid.ZERO_UUID)) {
                add(name, Uuid.ZERO_UUID, new ApiError(Errors.UNKNOWN_TOPIC_OR_PARTITION));
            } else if (repeatedIds.contains(id) || nameById.putIfAbsent(id, name) != null) {
                nameById.remove(id);
                refuse(
                        name,
                        id,
                        Errors.INVALID_REQUEST,
                        "The provided topic name maps to an ID that was already supplied.");
            }
        }

        private void refuse(@Nullable String name, Uuid id, Errors error, String message) {
            add(name, id, new ApiError(error, message));
        }

        void add(@Nullable String name, Uuid id, ApiError error) {
            results.add(new DeletableTopicResult()
                    .setName(name)
                    .setTopicId(id)
                    .setErrorCode(error.error().code())
                    .setErrorMessage(error.message()));
        }

        DeleteTopicsResponse answer() {
            return new DeleteTopicsResponse(new DeleteTopicsResponseData()
                    .setResponses(new DeletableTopicResultCollection(results.iterator())));
        }
    }
}
