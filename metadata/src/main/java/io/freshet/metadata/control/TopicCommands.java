// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.record.RemoveStreamRecord;
import io.freshet.metadata.record.StreamRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableReplicaAssignment;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicConfig;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicConfigs;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicResult;
import org.apache.kafka.common.metadata.RemoveTopicRecord;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.KafkaConfigSchema;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** Commands that make and delete topics. Metadata thread. */
final class TopicCommands {
    /** Kafka's limit on what one request may make. */
    static final int MAX_PARTITIONS_PER_REQUEST = 10_000;

    private final Inputs inputs;
    private final ConfigCommands configs;

    TopicCommands(Inputs inputs, ConfigCommands configs) {
        this.inputs = inputs;
        this.configs = configs;
    }

    Decision<CreateTopicsResponseData> create(
            Speculation state, CreateTopicsRequestData request, Set<String> describable) {
        requireNotTooMany(request);
        Map<String, String> collisions = collisionNames(state.image(), request);
        CreateTopicsResponseData response = new CreateTopicsResponseData();
        List<ApiMessageAndVersion> records = new ArrayList<>();
        long nextStreamId = state.manifests().nextStreamId();
        Placement placement = new Placement(state);
        for (CreatableTopic topic : request.topics()) {
            ApiError nameError = checkName(state.image(), topic.name(), collisions);
            if (nameError.isFailure()) {
                response.topics().add(failure(topic.name(), nameError));
                continue;
            }
            try {
                Made made = make(state.image(), placement, topic, nextStreamId, describable.contains(topic.name()));
                records.addAll(made.records);
                nextStreamId += made.partitions;
                response.topics().add(made.result);
            } catch (ApiException e) {
                response.topics().add(failure(topic.name(), ApiError.fromThrowable(e)));
            }
        }
        return Decision.of(request.validateOnly() ? List.of() : records, response);
    }

    private void requireNotTooMany(CreateTopicsRequestData request) {
        long partitions = 0;
        for (CreatableTopic topic : request.topics()) {
            if (!topic.assignments().isEmpty()) {
                partitions += topic.assignments().size();
            } else {
                int asked = topic.numPartitions();
                partitions += asked == -1 ? inputs.defaultPartitions() : Math.max(0, asked);
            }
        }
        if (partitions > MAX_PARTITIONS_PER_REQUEST) {
            throw new PolicyViolationException("Excessively large number of partitions per request.");
        }
    }

    private static Map<String, String> collisionNames(MetadataImage image, CreateTopicsRequestData request) {
        Map<String, String> names = new HashMap<>();
        if (request.topics().stream().anyMatch(topic -> Topic.hasCollisionChars(topic.name()))) {
            for (String name : image.topics().topicsByName().keySet()) {
                if (Topic.hasCollisionChars(name)) {
                    names.put(Topic.unifyCollisionChars(name), name);
                }
            }
        }
        return names;
    }

    private static ApiError checkName(MetadataImage image, String name, Map<String, String> collisions) {
        try {
            Topic.validate(name);
        } catch (InvalidTopicException e) {
            return new ApiError(Errors.INVALID_TOPIC_EXCEPTION, e.getMessage());
        }
        if (image.topics().getTopic(name) != null) {
            return new ApiError(Errors.TOPIC_ALREADY_EXISTS, "Topic '" + name + "' already exists.");
        }
        String other = Topic.hasCollisionChars(name) ? collisions.get(Topic.unifyCollisionChars(name)) : null;
        return other == null
                ? ApiError.NONE
                : new ApiError(
                        Errors.INVALID_TOPIC_EXCEPTION, "Topic '" + name + "' collides with existing topic: " + other);
    }

    private static CreatableTopicResult failure(String name, ApiError error) {
        return new CreatableTopicResult()
                .setName(name)
                .setErrorCode(error.error().code())
                .setErrorMessage(error.message());
    }

    private Made make(
            MetadataImage image, Placement placement, CreatableTopic topic, long firstStreamId, boolean isDescribable) {
        Map<String, String> values = new LinkedHashMap<>();
        for (CreatableTopicConfig config : topic.configs()) {
            if (config.value() == null) {
                throw new InvalidConfigurationException("Null value not supported for topic configs: " + config.name());
            }
            values.put(config.name(), config.value());
        }
        ConfigCommands.NewTopicConfigs configured = configs.forNewTopic(image, topic.name(), values);
        if (configured.answer().isFailure()) {
            throw configured.answer().exception();
        }
        Uuid topicId = newTopicId();
        Map<Integer, List<Integer>> replicas =
                topic.assignments().isEmpty() ? placed(placement, topic) : assigned(placement, topic);
        List<ApiMessageAndVersion> records = new ArrayList<>();
        records.add(
                new ApiMessageAndVersion(new TopicRecord().setName(topic.name()).setTopicId(topicId), (short) 0));
        records.addAll(configured.records());
        addPartitions(records, placement, topicId, replicas, firstStreamId);
        CreatableTopicResult result = new CreatableTopicResult()
                .setName(topic.name())
                .setTopicId(topicId)
                .setErrorCode(Errors.NONE.code());
        describe(image, result, values, topic, replicas, isDescribable);
        return new Made(records, replicas.size(), result);
    }

    private Uuid newTopicId() {
        while (true) {
            UUID random = inputs.randomness().nextUuid();
            Uuid id = new Uuid(random.getMostSignificantBits(), random.getLeastSignificantBits());
            if (!Uuid.RESERVED.contains(id) && !id.toString().startsWith("-")) {
                return id;
            }
        }
    }

    private Map<Integer, List<Integer>> placed(Placement placement, CreatableTopic topic) {
        if (topic.replicationFactor() < -1 || topic.replicationFactor() == 0) {
            throw Errors.INVALID_REPLICATION_FACTOR.exception(
                    "Replication factor must be larger than 0, or -1 to use the default value.");
        }
        if (topic.numPartitions() < -1 || topic.numPartitions() == 0) {
            throw Errors.INVALID_PARTITIONS.exception("Number of partitions was set to an invalid non-positive value.");
        }
        int count = topic.numPartitions() == -1 ? inputs.defaultPartitions() : topic.numPartitions();
        Map<Integer, List<Integer>> replicas = new TreeMap<>();
        Placement.Places places = placement.places();
        for (int partition = 0; partition < count; partition++) {
            replicas.put(partition, places.next(replicationFactor(topic)));
        }
        return replicas;
    }

    private short replicationFactor(CreatableTopic topic) {
        return topic.replicationFactor() == -1 ? inputs.defaultReplicationFactor() : topic.replicationFactor();
    }

    private static Map<Integer, List<Integer>> assigned(Placement placement, CreatableTopic topic) {
        if (topic.replicationFactor() != -1) {
            throw Errors.INVALID_REQUEST.exception(
                    "A manual partition assignment was specified, but replication factor was not set to -1.");
        }
        if (topic.numPartitions() != -1) {
            throw Errors.INVALID_REQUEST.exception(
                    "A manual partition assignment was specified, but numPartitions was not set to -1.");
        }
        Map<Integer, List<Integer>> replicas = new TreeMap<>();
        for (CreatableReplicaAssignment assignment : topic.assignments()) {
            placement.requireValid(assignment.brokerIds());
            if (replicas.put(assignment.partitionIndex(), assignment.brokerIds()) != null) {
                throw Errors.INVALID_REPLICA_ASSIGNMENT.exception(
                        "Found multiple manual partition assignments for partition " + assignment.partitionIndex());
            }
        }
        for (int partition = 0; partition < replicas.size(); partition++) {
            if (!replicas.containsKey(partition)) {
                throw Errors.INVALID_REPLICA_ASSIGNMENT.exception(
                        "partitions should be a consecutive 0-based integer sequence");
            }
        }
        return replicas;
    }

    static void addPartitions(
            List<ApiMessageAndVersion> records,
            Placement placement,
            Uuid topicId,
            Map<Integer, List<Integer>> replicas,
            long firstStreamId) {
        long streamId = firstStreamId;
        for (Map.Entry<Integer, List<Integer>> entry : replicas.entrySet()) {
            records.add(placement.record(topicId, entry.getKey(), entry.getValue()));
            records.add(new StreamRecord(streamId++, topicId, entry.getKey()).versioned());
        }
    }

    private void describe(
            MetadataImage image,
            CreatableTopicResult result,
            Map<String, String> values,
            CreatableTopic topic,
            Map<Integer, List<Integer>> replicas,
            boolean isDescribable) {
        if (!isDescribable) {
            result.setTopicConfigErrorCode(Errors.TOPIC_AUTHORIZATION_FAILED.code());
            return;
        }
        int factor = topic.assignments().isEmpty()
                ? replicationFactor(topic)
                : replicas.values().iterator().next().size();
        result.setNumPartitions(replicas.size()).setReplicationFactor((short) factor);
        if (inputs.schema() == KafkaConfigSchema.EMPTY) {
            return;
        }
        Map<String, String> clusterWide = image.configs()
                .configMapForResource(new org.apache.kafka.common.config.ConfigResource(
                        org.apache.kafka.common.config.ConfigResource.Type.BROKER, ""));
        inputs.schema()
                .resolveEffectiveTopicConfigs(inputs.staticConfig(), clusterWide, Map.of(), values)
                .forEach((name, entry) -> result.configs()
                        .add(new CreatableTopicConfigs()
                                .setName(name)
                                .setValue(entry.isSensitive() ? null : entry.value())
                                .setReadOnly(entry.isReadOnly())
                                .setConfigSource(KafkaConfigSchema.translateConfigSource(entry.source())
                                        .id())
                                .setIsSensitive(entry.isSensitive())));
    }

    Decision<Map<Uuid, ApiError>> delete(Speculation state, List<Uuid> topicIds) {
        Map<Uuid, ApiError> answers = new LinkedHashMap<>();
        List<ApiMessageAndVersion> records = new ArrayList<>();
        long nowMs = inputs.clock().wallMs();
        for (Uuid topicId : topicIds) {
            TopicImage topic = state.image().topics().getTopic(topicId);
            if (topic == null) {
                answers.put(topicId, new ApiError(Errors.UNKNOWN_TOPIC_ID));
                continue;
            }
            if (answers.put(topicId, ApiError.NONE) != null) {
                continue;
            }
            for (int partition : topic.partitions().keySet()) {
                OptionalLong streamId = state.manifests().streamId(topicId, partition);
                streamId.ifPresent(id -> records.add(new RemoveStreamRecord(id, nowMs).versioned()));
            }
            records.add(new ApiMessageAndVersion(new RemoveTopicRecord().setTopicId(topicId), (short) 0));
        }
        return Decision.of(records, answers);
    }

    private record Made(List<ApiMessageAndVersion> records, int partitions, CreatableTopicResult result) {}
}
