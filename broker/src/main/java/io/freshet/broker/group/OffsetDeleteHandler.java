// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import io.freshet.broker.api.CallContext;
import io.freshet.broker.api.Replies;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import org.apache.kafka.common.message.OffsetDeleteRequestData;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestPartition;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestTopic;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestTopicCollection;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.OffsetDeleteRequest;
import org.apache.kafka.common.requests.OffsetDeleteResponse;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.apache.kafka.coordinator.group.GroupCoordinator;
import org.apache.kafka.metadata.MetadataCache;

/** Forgets committed offsets of partitions that no member of the group subscribes to. */
final class OffsetDeleteHandler implements RequestHandler {
    private final GroupCoordinator coordinator;
    private final MetadataCache cache;

    OffsetDeleteHandler(GroupCoordinator coordinator, MetadataCache cache) {
        this.coordinator = coordinator;
        this.cache = cache;
    }

    @Override
    public void handle(KafkaRequest request) {
        OffsetDeleteRequestData body = ((OffsetDeleteRequest) request.body()).data();
        OffsetDeleteResponse.Builder answer = new OffsetDeleteResponse.Builder();
        OffsetDeleteRequestTopicCollection known = new OffsetDeleteRequestTopicCollection();
        for (OffsetDeleteRequestTopic topic : body.topics()) {
            OffsetDeleteRequestTopic existing = new OffsetDeleteRequestTopic().setName(topic.name());
            for (OffsetDeleteRequestPartition partition : topic.partitions()) {
                if (cache.getLeaderAndIsr(topic.name(), partition.partitionIndex())
                        .isPresent()) {
                    existing.partitions().add(partition);
                } else {
                    answer.addPartition(topic.name(), partition.partitionIndex(), Errors.UNKNOWN_TOPIC_OR_PARTITION);
                }
            }
            if (!existing.partitions().isEmpty()) {
                known.add(existing);
            }
        }
        OffsetDeleteRequestData resolved =
                new OffsetDeleteRequestData().setGroupId(body.groupId()).setTopics(known);
        Replies.whenDone(
                request,
                coordinator.deleteOffsets(CallContext.of(request), resolved, BufferSupplier.NO_CACHING),
                deleted -> answer.merge(deleted).build());
    }
}
