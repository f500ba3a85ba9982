// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.produce;

import io.freshet.broker.api.KafkaErrors;
import io.freshet.broker.partition.PartitionLog.Appended;
import io.freshet.broker.partition.PartitionLookup;
import io.freshet.common.FreshetException;
import io.freshet.protocol.KafkaRequest;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.message.ProduceResponseData.BatchIndexAndErrorMessage;
import org.apache.kafka.common.message.ProduceResponseData.LeaderIdAndEpoch;
import org.apache.kafka.common.message.ProduceResponseData.PartitionProduceResponse;
import org.apache.kafka.common.message.ProduceResponseData.TopicProduceResponse;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ProduceResponse;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.storage.internals.log.RecordValidationException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One produce request on its way to its answer. Slots are made by the request's event loop only; each slot is filled once,
 * by whichever thread completes its append; who fills the last one, or expires the request, answers.
 */
final class PendingProduce {
    private static final Logger LOG = LoggerFactory.getLogger(PendingProduce.class);
    private static final short LEADER_HINTS_VERSION = 10;

    /** Refusals that in Kafka too do not tell where the log starts. */
    private static final Set<Errors> WITHOUT_LOG_START = EnumSet.of(
            Errors.UNKNOWN_TOPIC_OR_PARTITION,
            Errors.NOT_LEADER_OR_FOLLOWER,
            Errors.MESSAGE_TOO_LARGE,
            Errors.RECORD_LIST_TOO_LARGE,
            Errors.CORRUPT_MESSAGE,
            Errors.KAFKA_STORAGE_ERROR,
            Errors.REQUEST_TIMED_OUT);

    private final KafkaRequest request;
    private final PartitionLookup partitions;
    private final ProduceResponseData answer = new ProduceResponseData();
    private final List<Slot> slots;
    /** One for each slot that is not filled yet, and one until {@link #seal}. */
    private final AtomicInteger open = new AtomicInteger(1);

    private final AtomicBoolean answered = new AtomicBoolean();
    private volatile long deadlineNanos = Long.MAX_VALUE;

    PendingProduce(KafkaRequest request, ProduceRequestData data, PartitionLookup partitions) {
        this.request = request;
        this.partitions = partitions;
        this.slots = new ArrayList<>(data.topicData().size());
    }

    /** A place in the answer for one partition. */
    Slot slot(TopicProduceData topic, int partition) {
        TopicProduceResponse ofTopic = answer.responses().find(topic.name(), topic.topicId());
        if (ofTopic == null) {
            ofTopic = new TopicProduceResponse().setName(topic.name()).setTopicId(topic.topicId());
            answer.responses().add(ofTopic);
        }
        PartitionProduceResponse place = new PartitionProduceResponse().setIndex(partition);
        ofTopic.partitionResponses().add(place);
        open.incrementAndGet();
        Slot slot = new Slot(place);
        slots.add(slot);
        return slot;
    }

    /** All slots have been made. Returns whether the answer has left already; if not, {@code deadline} bounds the wait. */
    boolean seal(long deadline) {
        deadlineNanos = deadline;
        filled();
        return answered.get();
    }

    boolean isAnswered() {
        return answered.get();
    }

    /** Answers slots that are still open with REQUEST_TIMED_OUT if the deadline has passed. */
    boolean expireAt(long nowNanos) {
        if (nowNanos - deadlineNanos < 0) {
            return false;
        }
        for (Slot slot : slots) {
            slot.failed(new TimeoutException("The append did not become durable within the request's timeout"));
        }
        return true;
    }

    /** acks=0: nobody is told, unless something failed; then the connection ends, as in Kafka. */
    void finishWithoutAnswer() {
        for (Slot slot : slots) {
            Throwable failure = slot.failure;
            if (failure != null) {
                LOG.info("A produce request with acks=0 failed, closing its connection: {}", failure.toString());
                request.disconnect("a produce request with acks=0 failed");
                return;
            }
        }
        request.respondNothing();
    }

    private void filled() {
        if (open.decrementAndGet() == 0 && answered.compareAndSet(false, true)) {
            if (request.header().apiVersion() >= LEADER_HINTS_VERSION) {
                addLeaderHints();
            }
            request.respond(new ProduceResponse(answer));
        }
    }

    private void addLeaderHints() {
        for (Slot slot : slots) {
            TopicPartition partition = slot.partition;
            boolean moved = slot.place.errorCode() == Errors.NOT_LEADER_OR_FOLLOWER.code();
            PartitionRegistration registration = moved && partition != null ? partitions.registration(partition) : null;
            if (registration == null) {
                continue;
            }
            if (partitions.isFenced(registration.leader)) {
                continue; // Nobody serves the partition now: the client had better ask for metadata in a moment.
            }
            slot.place.setCurrentLeader(
                    new LeaderIdAndEpoch().setLeaderId(registration.leader).setLeaderEpoch(registration.leaderEpoch));
            Node node = partitions.node(registration.leader, request.listenerName());
            if (node != null && answer.nodeEndpoints().find(node.id()) == null) {
                answer.nodeEndpoints()
                        .add(new ProduceResponseData.NodeEndpoint()
                                .setNodeId(node.id())
                                .setHost(node.host())
                                .setPort(node.port())
                                .setRack(node.rack()));
            }
        }
    }

    /** One partition's part of the answer. */
    final class Slot {
        private final PartitionProduceResponse place;
        private final AtomicBoolean done = new AtomicBoolean();
        private @Nullable TopicPartition partition;
        private long logStartOffset = ProduceResponse.INVALID_OFFSET;
        private volatile @Nullable Throwable failure;

        Slot(PartitionProduceResponse place) {
            this.place = place;
        }

        void resolved(TopicPartition target) {
            partition = target;
        }

        /** From here on a refusal is the log's own. */
        void appending(long startOffset) {
            logStartOffset = startOffset;
        }

        void appended(Appended appended) {
            appended.durable().whenComplete((end, error) -> {
                if (error != null) {
                    failed(FreshetException.unwrap(error));
                } else if (!partitions.mayServe().getAsBoolean()) {
                    // Durable, but who owns the partition now may not have it: only a promise that holds is made.
                    failed(PartitionLookup.leaseIsOver(partition));
                } else if (done.compareAndSet(false, true)) {
                    place.setBaseOffset(appended.baseOffset())
                            .setLogAppendTimeMs(appended.logAppendTimeMs())
                            .setLogStartOffset(appended.logStartOffset());
                    filled();
                }
            });
        }

        void failed(Throwable error) {
            if (!done.compareAndSet(false, true)) {
                return;
            }
            failure = error;
            Errors code = KafkaErrors.recordCodeOf(error);
            if (code == Errors.UNKNOWN_SERVER_ERROR) {
                LOG.error("Appending to {} failed unexpectedly", partition, error);
            }
            place.setErrorCode(code.code())
                    .setBaseOffset(ProduceResponse.INVALID_OFFSET)
                    .setLogAppendTimeMs(-1)
                    .setLogStartOffset(
                            WITHOUT_LOG_START.contains(code) ? ProduceResponse.INVALID_OFFSET : logStartOffset);
            if (error instanceof RecordValidationException invalid) {
                ApiException cause = invalid.invalidException();
                place.setErrorMessage(cause.getMessage());
                place.setRecordErrors(invalid.recordErrors().stream()
                        .map(record -> new BatchIndexAndErrorMessage()
                                .setBatchIndex(record.batchIndex)
                                .setBatchIndexErrorMessage(record.message))
                        .toList());
            } else if (error instanceof ApiException) {
                place.setErrorMessage(error.getMessage());
            }
            filled();
        }
    }
}
