// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import io.freshet.broker.api.CallContext;
import io.freshet.broker.api.Replies;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.OffsetCommitRequestData;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestPartition;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestTopic;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.OffsetCommitRequest;
import org.apache.kafka.common.requests.OffsetCommitResponse;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.apache.kafka.coordinator.group.GroupCoordinator;
import org.apache.kafka.metadata.MetadataCache;

/**
 * Commits offsets. Unknown topics and partitions are answered here, from the metadata image; the rest goes to the
 * coordinator with both the name and the id of each topic.
 */
final class OffsetCommitHandler implements RequestHandler {
    private final GroupCoordinator coordinator;
    private final MetadataCache cache;

    OffsetCommitHandler(GroupCoordinator coordinator, MetadataCache cache) {
        this.coordinator = coordinator;
        this.cache = cache;
    }

    @Override
    public void handle(KafkaRequest request) {
        OffsetCommitRequestData body = ((OffsetCommitRequest) request.body()).data();
        boolean byId = OffsetCommitResponse.useTopicIds(request.header().apiVersion());
        OffsetCommitResponse.Builder answer = OffsetCommitResponse.newBuilder(byId);
        OffsetCommitRequestData known = new OffsetCommitRequestData()
                .setGroupId(body.groupId())
                .setMemberId(body.memberId())
                .setGenerationIdOrMemberEpoch(body.generationIdOrMemberEpoch())
                .setRetentionTimeMs(body.retentionTimeMs())
                .setGroupInstanceId(body.groupInstanceId());
        for (OffsetCommitRequestTopic topic : body.topics()) {
            resolve(topic, byId);
            if (byId && topic.name().isEmpty()) {
                refuse(answer, topic, Errors.UNKNOWN_TOPIC_ID);
            } else if (topic.topicId().equals(Uuid.ZERO_UUID)) {
                refuse(answer, topic, Errors.UNKNOWN_TOPIC_OR_PARTITION);
            } else {
                addKnownPartitions(topic, known, answer);
            }
        }
        if (known.topics().isEmpty()) {
            request.respond(answer.build());
            return;
        }
        Replies.whenDone(
                request,
                coordinator.commitOffsets(CallContext.of(request), known, BufferSupplier.NO_CACHING),
                committed -> answer.merge(committed).build());
    }

    /** Fills in the name of a topic that is given by id, or the id of one that is given by name. */
    private void resolve(OffsetCommitRequestTopic topic, boolean byId) {
        if (byId) {
            cache.getTopicName(topic.topicId()).ifPresent(topic::setName);
        } else {
            topic.setTopicId(cache.getTopicId(topic.name()));
        }
    }

    private static void refuse(OffsetCommitResponse.Builder answer, OffsetCommitRequestTopic topic, Errors error) {
        answer.addPartitions(
                topic.topicId(), topic.name(), topic.partitions(), OffsetCommitRequestPartition::partitionIndex, error);
    }

    private void addKnownPartitions(
            OffsetCommitRequestTopic topic, OffsetCommitRequestData known, OffsetCommitResponse.Builder answer) {
        OffsetCommitRequestTopic existing =
                new OffsetCommitRequestTopic().setTopicId(topic.topicId()).setName(topic.name());
        for (OffsetCommitRequestPartition partition : topic.partitions()) {
            if (cache.getLeaderAndIsr(topic.name(), partition.partitionIndex()).isPresent()) {
                existing.partitions().add(partition);
            } else {
                answer.addPartition(
                        topic.topicId(), topic.name(), partition.partitionIndex(), Errors.UNKNOWN_TOPIC_OR_PARTITION);
            }
        }
        if (!existing.partitions().isEmpty()) {
            known.topics().add(existing);
        }
    }
}
