// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import io.freshet.broker.api.Replies;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.List;
import java.util.Set;
import java.util.function.ToIntFunction;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.message.FindCoordinatorRequestData;
import org.apache.kafka.common.message.FindCoordinatorResponseData;
import org.apache.kafka.common.message.FindCoordinatorResponseData.Coordinator;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponsePartition;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponseTopic;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.FindCoordinatorRequest;
import org.apache.kafka.common.requests.FindCoordinatorRequest.CoordinatorType;
import org.apache.kafka.common.requests.FindCoordinatorResponse;
import org.apache.kafka.common.requests.MetadataResponse;
import org.apache.kafka.metadata.MetadataCache;

/**
 * Names the broker that coordinates a group: the leader of the group's partition of {@code __consumer_offsets}. A group
 * that asks before that topic exists makes it, and is told to ask again.
 */
final class FindCoordinatorHandler implements RequestHandler {
    private static final int FIRST_VERSION_WITH_KEY_LIST = 4;
    private static final int FIRST_VERSION_WITH_SHARE = 6;

    private final ToIntFunction<String> partitionOfGroup;
    private final MetadataCache cache;
    private final Runnable createOffsetsTopic;

    FindCoordinatorHandler(ToIntFunction<String> partitionOfGroup, MetadataCache cache, Runnable createOffsetsTopic) {
        this.partitionOfGroup = partitionOfGroup;
        this.cache = cache;
        this.createOffsetsTopic = createOffsetsTopic;
    }

    @Override
    public void handle(KafkaRequest request) {
        FindCoordinatorRequestData body = ((FindCoordinatorRequest) request.body()).data();
        ListenerName listener = new ListenerName(request.listenerName());
        short version = request.header().apiVersion();
        if (version >= FIRST_VERSION_WITH_KEY_LIST) {
            List<Coordinator> found = body.coordinatorKeys().stream()
                    .map(key -> find(body.keyType(), key, listener, version))
                    .toList();
            request.respond(new FindCoordinatorResponse(new FindCoordinatorResponseData().setCoordinators(found)));
        } else {
            answerOne(request, find(body.keyType(), body.key(), listener, version));
        }
    }

    private static void answerOne(KafkaRequest request, Coordinator found) {
        Errors error = Errors.forCode(found.errorCode());
        if (error != Errors.NONE) {
            Replies.fail(request, error.exception(found.errorMessage()));
            return;
        }
        request.respond(new FindCoordinatorResponse(new FindCoordinatorResponseData()
                .setErrorCode(error.code())
                .setErrorMessage(error.message())
                .setNodeId(found.nodeId())
                .setHost(found.host())
                .setPort(found.port())));
    }

    private Coordinator find(byte keyType, String key, ListenerName listener, short version) {
        return switch (typeOf(keyType)) {
            case GROUP -> findGroup(key, listener);
            case TRANSACTION ->
                refused(key, Errors.UNSUPPORTED_VERSION, "Transactions are not served by this broker yet");
            case SHARE ->
                version < FIRST_VERSION_WITH_SHARE
                        ? refused(key, Errors.INVALID_REQUEST, "Share coordinators are asked for from version 6 on")
                        : refused(key, Errors.UNSUPPORTED_VERSION, "Share groups are not served by this broker yet");
        };
    }

    private static CoordinatorType typeOf(byte keyType) {
        try {
            return CoordinatorType.forId(keyType);
        } catch (IllegalArgumentException e) {
            throw new InvalidRequestException("Unknown coordinator key type " + keyType, e);
        }
    }

    private Coordinator findGroup(String group, ListenerName listener) {
        List<MetadataResponseTopic> topics =
                cache.getTopicMetadata(Set.of(Topic.GROUP_METADATA_TOPIC_NAME), listener, false, false);
        if (topics.isEmpty()) {
            createOffsetsTopic.run();
            return notAvailable(group);
        }
        if (topics.get(0).errorCode() != Errors.NONE.code()) {
            return notAvailable(group);
        }
        int partition = partitionOfGroup.applyAsInt(group);
        for (MetadataResponsePartition candidate : topics.get(0).partitions()) {
            if (candidate.partitionIndex() == partition && candidate.leaderId() != MetadataResponse.NO_LEADER_ID) {
                return cache.getAliveBrokerNode(candidate.leaderId(), listener)
                        .map(node -> found(group, node))
                        .orElseGet(() -> notAvailable(group));
            }
        }
        return notAvailable(group);
    }

    private static Coordinator found(String key, Node node) {
        return new Coordinator()
                .setKey(key)
                .setErrorCode(Errors.NONE.code())
                .setNodeId(node.id())
                .setHost(node.host())
                .setPort(node.port());
    }

    private static Coordinator notAvailable(String key) {
        return refused(key, Errors.COORDINATOR_NOT_AVAILABLE, Errors.COORDINATOR_NOT_AVAILABLE.message());
    }

    private static Coordinator refused(String key, Errors error, String message) {
        Node none = Node.noNode();
        return new Coordinator()
                .setKey(key)
                .setErrorCode(error.code())
                .setErrorMessage(message)
                .setNodeId(none.id())
                .setHost(none.host())
                .setPort(none.port());
    }
}
