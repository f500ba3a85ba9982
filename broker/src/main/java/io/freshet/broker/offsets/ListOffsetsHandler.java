// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.offsets;

import io.freshet.broker.api.IsolationLevels;
import io.freshet.broker.api.KafkaErrors;
import io.freshet.broker.api.Replies;
import io.freshet.broker.offsets.TimestampSearch.Found;
import io.freshet.broker.partition.PartitionQueries;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ListOffsetsRequestData.ListOffsetsPartition;
import org.apache.kafka.common.message.ListOffsetsRequestData.ListOffsetsTopic;
import org.apache.kafka.common.message.ListOffsetsResponseData;
import org.apache.kafka.common.message.ListOffsetsResponseData.ListOffsetsPartitionResponse;
import org.apache.kafka.common.message.ListOffsetsResponseData.ListOffsetsTopicResponse;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ListOffsetsRequest;
import org.apache.kafka.common.requests.ListOffsetsResponse;

/**
 * Serves ListOffsets: by time, and Kafka's special times. There is one tier as far as a client can tell, so the questions
 * about tiers get the answers of a topic without tiered storage. Safe for use by many threads.
 */
public final class ListOffsetsHandler implements RequestHandler {
    /** The request version that brought each special time. */
    private static final Map<Long, Integer> MIN_VERSION_OF_SPECIAL_TIME = Map.of(
            ListOffsetsRequest.EARLIEST_TIMESTAMP, 1,
            ListOffsetsRequest.LATEST_TIMESTAMP, 1,
            ListOffsetsRequest.MAX_TIMESTAMP, 7,
            ListOffsetsRequest.EARLIEST_LOCAL_TIMESTAMP, 8,
            ListOffsetsRequest.LATEST_TIERED_TIMESTAMP, 9,
            ListOffsetsRequest.EARLIEST_PENDING_UPLOAD_TIMESTAMP, 11);

    private static final Found NOTHING = new Found(
            ListOffsetsResponse.UNKNOWN_TIMESTAMP,
            ListOffsetsResponse.UNKNOWN_OFFSET,
            ListOffsetsResponse.UNKNOWN_EPOCH);

    private final LedPartitions partitions;

    public ListOffsetsHandler(LedPartitions partitions) {
        this.partitions = partitions;
    }

    @Override
    public void handle(KafkaRequest request) {
        ListOffsetsRequest body = (ListOffsetsRequest) request.body();
        List<CompletableFuture<?>> pending = new ArrayList<>();
        List<ListOffsetsTopicResponse> answers = new ArrayList<>();
        for (ListOffsetsTopic topic : body.topics()) {
            List<ListOffsetsPartitionResponse> ofTopic = new ArrayList<>();
            for (ListOffsetsPartition partition : topic.partitions()) {
                ListOffsetsPartitionResponse answer =
                        new ListOffsetsPartitionResponse().setPartitionIndex(partition.partitionIndex());
                ofTopic.add(answer);
                TopicPartition id = new TopicPartition(topic.name(), partition.partitionIndex());
                pending.add(find(body, id, partition).handle((found, failure) -> {
                    fill(answer, found, failure, body.version());
                    return null;
                }));
            }
            answers.add(new ListOffsetsTopicResponse().setName(topic.name()).setPartitions(ofTopic));
        }
        Replies.whenDone(
                request,
                CompletableFuture.allOf(pending.toArray(CompletableFuture<?>[]::new)),
                done -> new ListOffsetsResponse(new ListOffsetsResponseData().setTopics(answers)));
    }

    private static void fill(ListOffsetsPartitionResponse answer, Found found, Throwable failure, short version) {
        Found told = failure == null ? found : NOTHING;
        answer.setErrorCode(
                        failure == null
                                ? Errors.NONE.code()
                                : KafkaErrors.recordCodeOf(failure).code())
                .setTimestamp(told.timestampMs())
                .setOffset(told.offset());
        if (version >= 4) {
            answer.setLeaderEpoch(told.leaderEpoch());
        }
    }

    private CompletableFuture<Found> find(ListOffsetsRequest body, TopicPartition id, ListOffsetsPartition wanted) {
        try {
            if (body.duplicatePartitions().contains(id)) {
                throw Errors.INVALID_REQUEST.exception(id + " occurs twice in one request; name it once");
            }
            if (isUnsupported(wanted.timestamp(), body.version())) {
                throw Errors.UNSUPPORTED_VERSION.exception(
                        "Time " + wanted.timestamp() + " has no meaning in version " + body.version());
            }
            Optional<Integer> epoch = wanted.currentLeaderEpoch() == ListOffsetsResponse.UNKNOWN_EPOCH
                    ? Optional.empty()
                    : Optional.of(wanted.currentLeaderEpoch());
            return find(partitions.require(id, Uuid.ZERO_UUID, epoch), wanted.timestamp(), body);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private static boolean isUnsupported(long time, short version) {
        return time < 0 && version < MIN_VERSION_OF_SPECIAL_TIME.getOrDefault(time, Integer.MAX_VALUE);
    }

    private static CompletableFuture<Found> find(PartitionQueries log, long time, ListOffsetsRequest body) {
        long endOffset = visibleEnd(log, body);
        if (time == ListOffsetsRequest.EARLIEST_TIMESTAMP || time == ListOffsetsRequest.EARLIEST_LOCAL_TIMESTAMP) {
            long startOffset = log.logStartOffset();
            int epoch = log.epochAt(startOffset).orElse(ListOffsetsResponse.UNKNOWN_EPOCH);
            return CompletableFuture.completedFuture(
                    new Found(ListOffsetsResponse.UNKNOWN_TIMESTAMP, startOffset, epoch));
        }
        if (time == ListOffsetsRequest.LATEST_TIMESTAMP) {
            return CompletableFuture.completedFuture(
                    new Found(ListOffsetsResponse.UNKNOWN_TIMESTAMP, endOffset, log.leaderEpoch()));
        }
        if (time == ListOffsetsRequest.LATEST_TIERED_TIMESTAMP
                || time == ListOffsetsRequest.EARLIEST_PENDING_UPLOAD_TIMESTAMP) {
            return CompletableFuture.completedFuture(NOTHING);
        }
        CompletableFuture<Optional<Found>> found = time == ListOffsetsRequest.MAX_TIMESTAMP
                ? TimestampSearch.newest(log, endOffset)
                : TimestampSearch.firstAtOrAfter(log, time, endOffset);
        return found.thenApply(
                place -> place.filter(it -> it.offset() < endOffset).orElse(NOTHING));
    }

    /** A consumer is told of nothing that it may not read yet; others see the log end. */
    private static long visibleEnd(PartitionQueries log, ListOffsetsRequest body) {
        if (body.replicaId() != ListOffsetsRequest.CONSUMER_REPLICA_ID) {
            return log.logEndOffset();
        }
        return IsolationLevels.isReadCommitted(body.data().isolationLevel())
                ? log.lastStableOffset()
                : log.highWatermark();
    }
}
