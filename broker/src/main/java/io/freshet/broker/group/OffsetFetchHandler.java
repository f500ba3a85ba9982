// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import io.freshet.broker.api.CallContext;
import io.freshet.broker.api.KafkaErrors;
import io.freshet.broker.api.Replies;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestGroup;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestTopics;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponseGroup;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponsePartitions;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponseTopics;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.OffsetFetchRequest;
import org.apache.kafka.common.requests.OffsetFetchResponse;
import org.apache.kafka.coordinator.group.GroupCoordinator;
import org.apache.kafka.metadata.MetadataCache;

/** Reads committed offsets of one or several groups; each group is answered by itself, with its own error. */
final class OffsetFetchHandler implements RequestHandler {
    private static final long NO_OFFSET = -1;

    private final GroupCoordinator coordinator;
    private final MetadataCache cache;

    OffsetFetchHandler(GroupCoordinator coordinator, MetadataCache cache) {
        this.coordinator = coordinator;
        this.cache = cache;
    }

    @Override
    public void handle(KafkaRequest request) {
        OffsetFetchRequest body = (OffsetFetchRequest) request.body();
        short version = request.header().apiVersion();
        List<CompletableFuture<OffsetFetchResponseGroup>> answers = new ArrayList<>();
        for (OffsetFetchRequestGroup group : body.groups()) {
            var answer = OffsetFetchRequest.requestAllOffsets(group)
                    ? fetchAll(request, group, body.requireStable())
                    : fetchSome(request, group, body.requireStable());
            answers.add(answer.exceptionally(
                    error -> OffsetFetchResponse.groupError(group, KafkaErrors.codeOf(error), version)));
        }
        Replies.whenDone(request, allOf(answers), groups -> new OffsetFetchResponse.Builder(groups).build(version));
    }

    private static CompletableFuture<List<OffsetFetchResponseGroup>> allOf(
            List<CompletableFuture<OffsetFetchResponseGroup>> answers) {
        CompletableFuture<List<OffsetFetchResponseGroup>> all = CompletableFuture.completedFuture(new ArrayList<>());
        for (var answer : answers) {
            all = all.thenCombine(answer, (groups, group) -> {
                groups.add(group);
                return groups;
            });
        }
        return all;
    }

    private CompletableFuture<OffsetFetchResponseGroup> fetchAll(
            KafkaRequest request, OffsetFetchRequestGroup group, boolean requireStable) {
        var answer = coordinator.fetchOffsets(CallContext.of(request), group, requireStable);
        if (!OffsetFetchRequest.useTopicIds(request.header().apiVersion())) {
            return answer;
        }
        return answer.thenApply(this::withTopicIds);
    }

    /** Offsets of topics that are gone have no id that they could be answered with: they are left out. */
    private OffsetFetchResponseGroup withTopicIds(OffsetFetchResponseGroup group) {
        List<OffsetFetchResponseTopics> topics = new ArrayList<>();
        for (OffsetFetchResponseTopics topic : group.topics()) {
            if (topic.topicId().equals(Uuid.ZERO_UUID)) {
                topic.setTopicId(cache.getTopicId(topic.name()));
            }
            if (!topic.topicId().equals(Uuid.ZERO_UUID)) {
                topics.add(topic);
            }
        }
        return group.setTopics(topics);
    }

    private CompletableFuture<OffsetFetchResponseGroup> fetchSome(
            KafkaRequest request, OffsetFetchRequestGroup group, boolean requireStable) {
        boolean byId = OffsetFetchRequest.useTopicIds(request.header().apiVersion());
        List<OffsetFetchRequestTopics> known = new ArrayList<>();
        List<OffsetFetchResponseTopics> unknown = new ArrayList<>();
        for (OffsetFetchRequestTopics topic : group.topics()) {
            if (byId) {
                cache.getTopicName(topic.topicId()).ifPresent(topic::setName);
            }
            if (byId && topic.name().isEmpty()) {
                unknown.add(refused(topic, Errors.UNKNOWN_TOPIC_ID));
            } else {
                known.add(topic);
            }
        }
        OffsetFetchRequestGroup resolved = new OffsetFetchRequestGroup()
                .setGroupId(group.groupId())
                .setMemberId(group.memberId())
                .setMemberEpoch(group.memberEpoch())
                .setTopics(known);
        return coordinator
                .fetchOffsets(CallContext.of(request), resolved, requireStable)
                .thenApply(answer -> answer.errorCode() == Errors.NONE.code() ? withAlso(answer, unknown) : answer);
    }

    private static OffsetFetchResponseGroup withAlso(
            OffsetFetchResponseGroup answer, List<OffsetFetchResponseTopics> more) {
        List<OffsetFetchResponseTopics> topics = new ArrayList<>(answer.topics());
        topics.addAll(more);
        return answer.setTopics(topics);
    }

    private static OffsetFetchResponseTopics refused(OffsetFetchRequestTopics topic, Errors error) {
        OffsetFetchResponseTopics refused =
                new OffsetFetchResponseTopics().setTopicId(topic.topicId()).setName(topic.name());
        topic.partitionIndexes()
                .forEach(partition -> refused.partitions()
                        .add(new OffsetFetchResponsePartitions()
                                .setPartitionIndex(partition)
                                .setCommittedOffset(NO_OFFSET)
                                .setErrorCode(error.code())));
        return refused;
    }
}
