// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.offsets;

import io.freshet.broker.api.KafkaErrors;
import io.freshet.broker.api.Replies;
import io.freshet.broker.partition.PartitionQueries;
import io.freshet.common.runtime.Scheduler;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.message.DeleteRecordsRequestData.DeleteRecordsPartition;
import org.apache.kafka.common.message.DeleteRecordsRequestData.DeleteRecordsTopic;
import org.apache.kafka.common.message.DeleteRecordsResponseData;
import org.apache.kafka.common.message.DeleteRecordsResponseData.DeleteRecordsPartitionResult;
import org.apache.kafka.common.message.DeleteRecordsResponseData.DeleteRecordsTopicResult;
import org.apache.kafka.common.requests.DeleteRecordsRequest;
import org.apache.kafka.common.requests.DeleteRecordsResponse;
import org.apache.kafka.storage.internals.log.LogConfig;

/** Serves DeleteRecords: moves log starts up, answers when that is durable. Safe for use by many threads. */
public final class DeleteRecordsHandler implements RequestHandler {
    private final LedPartitions partitions;
    private final Function<String, LogConfig> topicConfigs;
    private final Scheduler scheduler;

    /** @param scheduler ends waits at the request's own time limit */
    public DeleteRecordsHandler(
            LedPartitions partitions, Function<String, LogConfig> topicConfigs, Scheduler scheduler) {
        this.partitions = partitions;
        this.topicConfigs = topicConfigs;
        this.scheduler = scheduler;
    }

    @Override
    public void handle(KafkaRequest request) {
        DeleteRecordsRequest body = (DeleteRecordsRequest) request.body();
        CompletableFuture<Void> expired = new CompletableFuture<>();
        List<CompletableFuture<?>> pending = new ArrayList<>();
        DeleteRecordsResponseData answer = new DeleteRecordsResponseData();
        for (DeleteRecordsTopic topic : body.data().topics()) {
            DeleteRecordsTopicResult ofTopic = new DeleteRecordsTopicResult().setName(topic.name());
            for (DeleteRecordsPartition partition : topic.partitions()) {
                TopicPartition id = new TopicPartition(topic.name(), partition.partitionIndex());
                CompletableFuture<DeleteRecordsPartitionResult> result = withLimit(
                                delete(id, partition.offset()), expired)
                        .handle((lowWatermark, failure) ->
                                failure == null ? done(id, lowWatermark) : failed(id, failure));
                pending.add(result.thenAccept(done -> add(ofTopic, done)));
            }
            answer.topics().add(ofTopic);
        }
        CompletableFuture<Void> all = CompletableFuture.allOf(pending.toArray(CompletableFuture<?>[]::new));
        if (!all.isDone()) {
            Scheduler.Cancellable limit = scheduler.schedule(
                    Math.max(0, body.data().timeoutMs()),
                    () -> expired.completeExceptionally(
                            new TimeoutException("The log start did not move in time; ask again")));
            all.whenComplete((done, failure) -> limit.cancel());
        }
        Replies.whenDone(request, all, done -> new DeleteRecordsResponse(answer));
    }

    private static void add(DeleteRecordsTopicResult topic, DeleteRecordsPartitionResult result) {
        synchronized (topic) {
            topic.partitions().add(result);
        }
    }

    private static CompletableFuture<Long> withLimit(CompletableFuture<Long> result, CompletableFuture<Void> expired) {
        return result.isDone()
                ? result
                : result.applyToEither(expired.thenApply(never -> -1L), lowWatermark -> lowWatermark);
    }

    private static DeleteRecordsPartitionResult done(TopicPartition id, long lowWatermark) {
        return new DeleteRecordsPartitionResult()
                .setPartitionIndex(id.partition())
                .setLowWatermark(lowWatermark);
    }

    private static DeleteRecordsPartitionResult failed(TopicPartition id, Throwable failure) {
        return done(id, DeleteRecordsResponse.INVALID_LOW_WATERMARK)
                .setErrorCode(KafkaErrors.recordCodeOf(failure).code());
    }

    /** Moves one log start; the log start afterwards. */
    private CompletableFuture<Long> delete(TopicPartition id, long requestedOffset) {
        try {
            if (Topic.isInternal(id.topic())) {
                throw new InvalidTopicException(
                        "Records of the internal topic " + id.topic() + " are not for deletion");
            }
            PartitionQueries log = partitions.require(id, Uuid.ZERO_UUID, Optional.empty());
            if (!topicConfigs.apply(id.topic()).delete) {
                throw new PolicyViolationException(
                        "cleanup.policy of " + id.topic() + " has no 'delete'; add it before deleting records");
            }
            long highWatermark = log.highWatermark();
            long offset = requestedOffset == DeleteRecordsRequest.HIGH_WATERMARK ? highWatermark : requestedOffset;
            if (offset < 0 || offset > highWatermark) {
                throw new OffsetOutOfRangeException(
                        "Offset " + requestedOffset + " of " + id + " is not within 0.." + highWatermark);
            }
            return offset <= log.logStartOffset()
                    ? CompletableFuture.completedFuture(log.logStartOffset())
                    : log.trim(offset).thenApply(done -> log.logStartOffset());
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }
}
