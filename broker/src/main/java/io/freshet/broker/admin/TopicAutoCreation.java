// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.metadata.ClusterController;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicConfig;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.CreateTopicsRequest;
import org.apache.kafka.coordinator.group.GroupCoordinatorConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates topics because someone asked about them: a client for a topic that does not exist, or the group coordinator for
 * {@code __consumer_offsets}. Nobody waits: the asker is told to ask again. Safe for use by many threads; a topic is created
 * once at a time.
 */
public final class TopicAutoCreation {
    private static final Logger LOG = LoggerFactory.getLogger(TopicAutoCreation.class);
    private static final int TIMEOUT_MS = 30_000;

    private final ClusterController controller;
    private final BrokerConfigs configs;
    private final GroupCoordinatorConfig groupConfig;
    private final Supplier<Map<String, String>> offsetsTopicConfigs;
    private final Set<String> inFlight = ConcurrentHashMap.newKeySet();

    /** @param offsetsTopicConfigs configurations that {@code __consumer_offsets} must be created with */
    public TopicAutoCreation(
            ClusterController controller,
            BrokerConfigs configs,
            GroupCoordinatorConfig groupConfig,
            Supplier<Map<String, String>> offsetsTopicConfigs) {
        this.controller = controller;
        this.configs = configs;
        this.groupConfig = groupConfig;
        this.offsetsTopicConfigs = offsetsTopicConfigs;
    }

    /** Begins to create {@code topic}, a valid name, unless it is being created already; returns at once. */
    public void create(String topic) {
        if (!inFlight.add(topic)) {
            return;
        }
        CreateTopicsRequestData request = new CreateTopicsRequestData().setTimeoutMs(TIMEOUT_MS);
        request.topics().add(creatable(topic));
        LOG.info("Creating topic {} because it was asked for", topic);
        controller.createTopics(request, Set.of(topic)).whenComplete((response, error) -> {
            inFlight.remove(topic);
            report(topic, response, error);
        });
    }

    private static void report(String topic, @Nullable CreateTopicsResponseData response, @Nullable Throwable error) {
        if (response == null) {
            LOG.warn("Topic {} could not be created; the next request for it tries again", topic, error);
            return;
        }
        response.topics().forEach(result -> {
            Errors code = Errors.forCode(result.errorCode());
            if (code != Errors.NONE && code != Errors.TOPIC_ALREADY_EXISTS) {
                LOG.warn("Topic {} could not be created: {}: {}", topic, code, result.errorMessage());
            }
        });
    }

    private CreatableTopic creatable(String topic) {
        if (topic.equals(Topic.GROUP_METADATA_TOPIC_NAME)) {
            CreatableTopic offsets = new CreatableTopic()
                    .setName(topic)
                    .setNumPartitions(groupConfig.offsetsTopicPartitions())
                    .setReplicationFactor(groupConfig.offsetsTopicReplicationFactor());
            offsetsTopicConfigs
                    .get()
                    .forEach((name, value) -> offsets.configs()
                            .add(new CreatableTopicConfig().setName(name).setValue(value)));
            return offsets;
        }
        Integer partitions = configs.givenPartitionCount();
        Short replicationFactor = configs.givenReplicationFactor();
        return new CreatableTopic()
                .setName(topic)
                .setNumPartitions(partitions == null ? CreateTopicsRequest.NO_NUM_PARTITIONS : partitions)
                .setReplicationFactor(
                        replicationFactor == null ? CreateTopicsRequest.NO_REPLICATION_FACTOR : replicationFactor);
    }
}
