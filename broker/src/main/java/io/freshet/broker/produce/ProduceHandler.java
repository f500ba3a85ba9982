// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.produce;

import io.freshet.broker.api.Replies;
import io.freshet.broker.partition.Partition;
import io.freshet.broker.partition.PartitionLog.Appended;
import io.freshet.broker.partition.PartitionLookup;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.InvalidRequiredAcksException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.storage.internals.log.AppendOrigin;

/**
 * Serves Produce. Called on event loops, and for requests that had to
 * wait for uploads on the scheduler's thread; answers leave from the thread that made the last partition durable. With acks 1 or
 * all the answer waits for the WAL, and for no longer than the request's own timeout.
 */
public final class ProduceHandler implements RequestHandler {
    private static final short ACKS_ALL = -1;
    private static final short TOPIC_ID_VERSION = 13;
    private static final String ADMIN_CLIENT_ID = "__admin_client";
    private static final long EXPIRY_PERIOD_MS = 500;

    private final PartitionLookup partitions;
    private final Clock clock;
    private final Counter bytesIn;
    private final ConcurrentLinkedQueue<PendingProduce> pending = new ConcurrentLinkedQueue<>();
    private final HeldRequests<KafkaRequest> held;
    /** Guarded by this object's lock, as is the next one. */
    private boolean isOverloaded;

    private boolean isMoving;

    public ProduceHandler(PartitionLookup partitions, Clock clock, Scheduler scheduler, MeterRegistry meters) {
        this.partitions = partitions;
        this.clock = clock;
        this.bytesIn = meters.counter("freshet.produce.bytes");
        this.held = new HeldRequests<>(scheduler, KafkaRequest::connectionId, this::mustWait, this::serve);
        scheduler.scheduleRepeatedly(EXPIRY_PERIOD_MS, this::expire);
    }

    /** Told after each change whether some WAL lane wants no more appends for a while. Any thread; short. */
    public synchronized void overloaded(boolean isOverloadedNow) {
        isOverloaded = isOverloadedNow;
        held.overloaded(isOverloaded || isMoving);
    }

    /** Told before and after each change whether some partition is just leaving this broker or coming to it. Any thread; short. */
    public synchronized void moving(boolean isMovingNow) {
        isMoving = isMovingNow;
        held.overloaded(isOverloaded || isMoving);
    }

    @Override
    public void handle(KafkaRequest request) {
        if (!held.hold(request, deadlineNanos(request))) {
            serve(request);
        }
    }

    /** Whether the request appends to a stream whose lane has no room, or to a partition that is on the move. */
    private boolean mustWait(KafkaRequest request) {
        boolean hasTopicIds = request.header().apiVersion() >= TOPIC_ID_VERSION;
        for (TopicProduceData topic : ((ProduceRequest) request.body()).data().topicData()) {
            String name = hasTopicIds ? partitions.topicName(topic.topicId()) : topic.name();
            for (PartitionProduceData partition : topic.partitionData()) {
                if (name != null && partitions.mustWait(new TopicPartition(name, partition.index()))) {
                    return true;
                }
            }
        }
        return false;
    }

    private static long deadlineNanos(KafkaRequest request) {
        return request.receivedNanos() + ((ProduceRequest) request.body()).timeout() * 1_000_000L;
    }

    private void serve(KafkaRequest request) {
        try {
            append(request);
        } catch (RuntimeException e) {
            Replies.fail(request, e);
        }
    }

    private void append(KafkaRequest request) {
        ProduceRequest body = (ProduceRequest) request.body();
        short acks = body.acks();
        PendingProduce answer = new PendingProduce(request, body.data(), partitions);
        for (TopicProduceData topic : body.data().topicData()) {
            for (PartitionProduceData partition : topic.partitionData()) {
                append(request, body, topic, partition, answer);
            }
        }
        if (acks == 0) {
            answer.finishWithoutAnswer();
        } else if (!answer.seal(deadlineNanos(request))) {
            pending.add(answer);
        }
    }

    private void append(
            KafkaRequest request,
            ProduceRequest body,
            TopicProduceData topic,
            PartitionProduceData partition,
            PendingProduce answer) {
        PendingProduce.Slot slot = answer.slot(topic, partition.index());
        try {
            TopicPartition target = target(request, topic, partition.index());
            slot.resolved(target);
            Partition log = partitions.require(target, PartitionLookup.NO_EPOCH);
            checkRecords(request, partition);
            checkTransaction(body, partition);
            checkAcks(body.acks());
            checkWritable(request, target);
            MemoryRecords records = (MemoryRecords) partition.records();
            bytesIn.increment(records.sizeInBytes());
            SharedBytes memory = request.retainedPart(records.buffer());
            Appended appended;
            slot.appending(log.logStartOffset());
            try {
                appended = log.append(records, memory, AppendOrigin.CLIENT);
            } finally {
                memory.release();
            }
            log.load().produced(records.sizeInBytes());
            slot.appended(appended);
        } catch (RuntimeException e) {
            slot.failed(e);
        }
    }

    private static void checkAcks(short acks) {
        if (acks < ACKS_ALL || acks > 1) {
            throw new InvalidRequiredAcksException("acks is " + acks + "; it must be 0, 1 or -1 (all)");
        }
    }

    private TopicPartition target(KafkaRequest request, TopicProduceData topic, int partition) {
        String name = topic.name();
        if (request.header().apiVersion() >= TOPIC_ID_VERSION) {
            name = topic.topicId().equals(Uuid.ZERO_UUID) ? null : partitions.topicName(topic.topicId());
            if (name == null) {
                throw new UnknownTopicIdException("There is no topic with the id " + topic.topicId());
            }
        }
        return new TopicPartition(name, partition);
    }

    private static void checkWritable(KafkaRequest request, TopicPartition target) {
        if (Topic.isInternal(target.topic())
                && !ADMIN_CLIENT_ID.equals(request.header().clientId())) {
            throw new InvalidTopicException("Clients may not write to the internal topic " + target.topic());
        }
    }

    private static void checkTransaction(ProduceRequest body, PartitionProduceData partition) {
        if (body.transactionalId() == null
                && partition.records() instanceof MemoryRecords records
                && records.batches().iterator().next().isTransactional()) {
            throw new TransactionalIdAuthorizationException(
                    "A transactional batch came without a transactional id; set transactional.id");
        }
    }

    private static void checkRecords(KafkaRequest request, PartitionProduceData partition) {
        if (partition.records() == null) {
            throw new InvalidRecordException("No records for partition " + partition.index());
        }
        try {
            ProduceRequest.validateRecords(request.header().apiVersion(), partition.records());
        } catch (IllegalArgumentException e) {
            throw new InvalidRecordException("A batch names a compression that does not exist: " + e.getMessage(), e);
        }
    }

    /** What requests wait for may be over by the clock alone. */
    private synchronized void lookAgain() {
        held.overloaded(isOverloaded || isMoving);
    }

    /** Answers requests whose time is over; what they appended may still become durable. */
    private void expire() {
        long now = clock.nanoTime();
        for (KafkaRequest late : held.expired(now)) {
            Replies.fail(
                    late,
                    new TimeoutException(
                            "Storage waited for uploads until the request's timeout was over; nothing was appended, retry"));
        }
        lookAgain();
        pending.removeIf(answer -> answer.isAnswered() || answer.expireAt(now));
    }
}
