// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.api.AuthorizedOperations;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.message.MetadataRequestData.MetadataRequestTopic;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponsePartition;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponseTopic;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.MetadataRequest;
import org.apache.kafka.common.requests.MetadataResponse;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.metadata.KRaftMetadataCache;

/** Tells a client about brokers and topics, and begins to create topics that it asks for where that is allowed. */
final class MetadataHandler implements RequestHandler {
    private static final int FIRST_VERSION_WITH_TOPIC_IDS = 12;
    private static final int FIRST_VERSION_WITH_LISTENER_ERRORS = 6;
    private static final int FIRST_VERSION_WITH_OPERATIONS = 8;
    private static final int LAST_VERSION_WITH_CLUSTER_OPERATIONS = 10;

    private final String clusterId;
    private final KRaftMetadataCache cache;
    private final BrokerConfigs configs;
    private final TopicAutoCreation autoCreation;

    MetadataHandler(String clusterId, KRaftMetadataCache cache, BrokerConfigs configs, TopicAutoCreation autoCreation) {
        this.clusterId = clusterId;
        this.cache = cache;
        this.configs = configs;
        this.autoCreation = autoCreation;
    }

    @Override
    public void handle(KafkaRequest request) {
        MetadataRequest body = (MetadataRequest) request.body();
        short version = request.header().apiVersion();
        checkNamesAndIds(body, version);
        ListenerName listener = new ListenerName(request.listenerName());
        List<MetadataResponseTopic> topics = new ArrayList<>();
        Set<String> wanted = wantedTopics(body, topics);
        topics.addAll(describe(body, version, wanted, listener));
        if (version >= FIRST_VERSION_WITH_OPERATIONS && body.data().includeTopicAuthorizedOperations()) {
            topics.forEach(topic -> topic.setTopicAuthorizedOperations(AuthorizedOperations.all(ResourceType.TOPIC)));
        }
        request.respond(MetadataResponse.prepareResponse(
                version,
                0,
                cache.getAliveBrokerNodes(listener),
                clusterId,
                cache.getRandomAliveBrokerId().orElse(MetadataResponse.NO_CONTROLLER_ID),
                topics,
                clusterOperations(body, version)));
    }

    private static void checkNamesAndIds(MetadataRequest body, short version) {
        if (body.isAllTopics() || version >= FIRST_VERSION_WITH_TOPIC_IDS) {
            return;
        }
        for (MetadataRequestTopic topic : body.data().topics()) {
            if (topic.name() == null) {
                throw new InvalidRequestException("Topic name can not be null for version " + version);
            }
            if (!topic.topicId().equals(Uuid.ZERO_UUID)) {
                throw new InvalidRequestException("Topic IDs are not supported in requests for version " + version);
            }
        }
    }

    /** The names that are asked for; ids that no topic has are answered into {@code unknown}. */
    private Set<String> wantedTopics(MetadataRequest body, List<MetadataResponseTopic> unknown) {
        if (body.isAllTopics()) {
            return cache.getAllTopics();
        }
        Set<Uuid> ids = new HashSet<>(body.topicIds());
        ids.remove(Uuid.ZERO_UUID);
        if (ids.isEmpty()) {
            return new HashSet<>(body.topics());
        }
        Set<String> names = new HashSet<>();
        for (Uuid id : ids) {
            cache.getTopicName(id)
                    .ifPresentOrElse(
                            names::add,
                            () -> unknown.add(
                                    error(Errors.UNKNOWN_TOPIC_ID, null).setTopicId(id)));
        }
        return names;
    }

    private List<MetadataResponseTopic> describe(
            MetadataRequest body, short version, Set<String> wanted, ListenerName listener) {
        List<MetadataResponseTopic> known =
                cache.getTopicMetadata(wanted, listener, version == 0, version >= FIRST_VERSION_WITH_LISTENER_ERRORS);
        known.forEach(this::tellDeadLeaders);
        if (known.size() == wanted.size() || body.isAllTopics()) {
            return known;
        }
        List<MetadataResponseTopic> topics = new ArrayList<>(known);
        Set<String> missing = new HashSet<>(wanted);
        known.forEach(topic -> missing.remove(topic.name()));
        boolean mayCreate = configs.isAutoCreateEnabled() && body.allowAutoTopicCreation();
        for (String topic : missing) {
            topics.add(missing(topic, mayCreate));
        }
        return topics;
    }

    /** A leader that is gone, and not replaced yet, is still written down: it is not its listener that lacks. */
    private void tellDeadLeaders(MetadataResponseTopic topic) {
        for (MetadataResponsePartition partition : topic.partitions()) {
            boolean isDead = partition.errorCode() == Errors.LISTENER_NOT_FOUND.code()
                    && cache.getLeaderAndIsr(topic.name(), partition.partitionIndex())
                            .map(known -> !cache.hasAliveBroker(known.leader()))
                            .orElse(false);
            if (isDead) {
                partition.setErrorCode(Errors.LEADER_NOT_AVAILABLE.code());
            }
        }
    }

    private MetadataResponseTopic missing(String topic, boolean mayCreate) {
        if (!Topic.isValid(topic)) {
            return error(Errors.INVALID_TOPIC_EXCEPTION, topic);
        }
        if (mayCreate) {
            autoCreation.create(topic);
        }
        return error(Errors.UNKNOWN_TOPIC_OR_PARTITION, topic);
    }

    private static MetadataResponseTopic error(Errors error, @org.jspecify.annotations.Nullable String topic) {
        return new MetadataResponseTopic()
                .setErrorCode(error.code())
                .setName(topic)
                .setIsInternal(topic != null && Topic.isInternal(topic));
    }

    private static int clusterOperations(MetadataRequest body, short version) {
        boolean isAsked = version >= FIRST_VERSION_WITH_OPERATIONS
                && version <= LAST_VERSION_WITH_CLUSTER_OPERATIONS
                && body.data().includeClusterAuthorizedOperations();
        return isAsked
                ? AuthorizedOperations.all(ResourceType.CLUSTER)
                : MetadataResponse.AUTHORIZED_OPERATIONS_OMITTED;
    }
}
