// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fetch;

import static io.freshet.broker.fake.ScriptedPartitions.batch;
import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.fake.FakeRequest;
import io.freshet.broker.fake.ManualScheduler;
import io.freshet.broker.fake.ScriptedPartition;
import io.freshet.broker.fake.ScriptedPartitions;
import io.freshet.common.runtime.Clock;
import io.freshet.protocol.SlicedRecords;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.KafkaStorageException;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.requests.FetchMetadata;
import org.apache.kafka.common.requests.FetchRequest;
import org.apache.kafka.common.requests.FetchRequest.PartitionData;
import org.apache.kafka.common.requests.FetchResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FetchHandlerTest {
    private static final short NEWEST = 18;
    private static final int WAIT_MS = 500;

    private final ScriptedPartitions partitions = new ScriptedPartitions();
    private final ManualScheduler scheduler = new ManualScheduler();
    private final FetchHandler handler = handler(FetchHandler.DEFAULT_MAX_BYTES);

    private FetchHandler handler(int maxBytes) {
        return new FetchHandler(
                partitions.led(),
                FetchSessions.create(Clock.system(), 16),
                scheduler,
                maxBytes,
                new SimpleMeterRegistry());
    }

    @AfterEach
    void close() {
        partitions.close();
    }

    private static PartitionData from(ScriptedPartition partition, long offset, int maxBytes) {
        return from(partition, offset, maxBytes, Optional.empty(), Optional.empty());
    }

    private static PartitionData from(
            ScriptedPartition partition, long offset, int maxBytes, Optional<Integer> epoch, Optional<Integer> last) {
        return new PartitionData(partition.id().topicId(), offset, 0, maxBytes, epoch, last);
    }

    private static FetchRequest.Builder fetch(int minBytes, Map<TopicPartition, PartitionData> wanted) {
        return FetchRequest.Builder.forConsumer(NEWEST, WAIT_MS, minBytes, wanted)
                .metadata(FetchMetadata.LEGACY)
                .setMaxBytes(1 << 20);
    }

    private static FetchRequest.Builder fetch(ScriptedPartition partition, PartitionData wanted) {
        return fetch(1, Map.of(partition.id().topicPartition(), wanted));
    }

    private FakeRequest send(FetchRequest.Builder request) {
        return send(request, NEWEST);
    }

    private FakeRequest send(FetchRequest.Builder request, short version) {
        FakeRequest sent = new FakeRequest(request.build(version));
        handler.handle(sent);
        return sent;
    }

    private static FetchResponseData.PartitionData only(FakeRequest request) {
        List<FetchResponseData.FetchableTopicResponse> topics =
                request.answer(FetchResponse.class).data().responses();
        assertThat(topics).hasSize(1);
        assertThat(topics.get(0).partitions()).hasSize(1);
        return topics.get(0).partitions().get(0);
    }

    private static void assertRecords(FetchResponseData.PartitionData answer, int slices) {
        assertThat(answer.errorCode()).isEqualTo(Errors.NONE.code());
        assertThat(answer.records()).isInstanceOf(SlicedRecords.class);
        assertThat(((SlicedRecords) answer.records()).slices()).hasSize(slices);
    }

    @Test
    void answersTailDataAtOnce() {
        ScriptedPartition partition = partitions.open("a");
        partition.add(batch(0, 1, 2)).add(batch(2, 3)).advance();

        FakeRequest request = send(fetch(partition, from(partition, 0, 1 << 20)));

        FetchResponseData.PartitionData answer = only(request);
        assertRecords(answer, 2);
        assertThat(answer.highWatermark()).isEqualTo(3);
        assertThat(answer.lastStableOffset()).isEqualTo(3);
        assertThat(answer.logStartOffset()).isZero();
        assertThat(answer.preferredReadReplica()).isEqualTo(-1);
        assertThat(answer.abortedTransactions()).isNull();
        assertThat(partition.reads).isEqualTo(1);
        assertThat(scheduler.taskCount()).isZero();
        ((SlicedRecords) answer.records()).release();
        assertThat(partition.references).hasValue(0);
    }

    @Test
    void answersByTopicNameInOldVersions() {
        ScriptedPartition partition = partitions.open("a");
        partition.add(batch(0, 1)).advance();
        for (short version = 4; version <= 12; version++) {
            FakeRequest request = send(fetch(partition, from(partition, 0, 1 << 20)), version);
            assertRecords(only(request), 1);
            assertThat(request.answer(FetchResponse.class)
                            .data()
                            .responses()
                            .get(0)
                            .topic())
                    .isEqualTo("a");
        }
    }

    @Test
    void waitsForTheHighWatermarkWithoutATimer() {
        ScriptedPartition partition = partitions.open("a");
        FakeRequest request = send(fetch(partition, from(partition, 0, 1 << 20)));
        assertThat(request.isAnswered()).isFalse();

        partition.add(batch(0, 1));
        assertThat(request.isAnswered()).isFalse();
        partition.advance();

        assertRecords(only(request), 1);
        assertThat(partition.listeners).isEmpty();
        assertThat(scheduler.taskCount()).isZero();
    }

    @Test
    void answersEmptyWhenTheTimeIsUp() {
        ScriptedPartition partition = partitions.open("a");
        FakeRequest request = send(fetch(partition, from(partition, 0, 1 << 20)));

        scheduler.advance(WAIT_MS - 1);
        assertThat(request.isAnswered()).isFalse();
        scheduler.advance(1);

        assertThat(only(request).records()).isSameAs(MemoryRecords.EMPTY);
        assertThat(partition.listeners).isEmpty();
        partition.add(batch(0, 1)).advance();
        only(request);
    }

    @Test
    void waitsNoLongerThanHalfAMinuteWhateverTheClientAllows() {
        ScriptedPartition partition = partitions.open("a");
        FakeRequest request = send(FetchRequest.Builder.forConsumer(
                        NEWEST,
                        Integer.MAX_VALUE,
                        1,
                        Map.of(partition.id().topicPartition(), from(partition, 0, 1 << 20)))
                .metadata(FetchMetadata.LEGACY)
                .setMaxBytes(1 << 20));

        scheduler.advance(FetchHandler.MAX_WAIT_MS - 1);
        assertThat(request.isAnswered()).isFalse();
        scheduler.advance(1);

        assertThat(only(request).records()).isSameAs(MemoryRecords.EMPTY);
    }

    @Test
    void readsEachBatchOnceWhileItWaitsForMinBytes() {
        ScriptedPartition partition = partitions.open("a");
        int batchBytes = batch(0, 1).sizeInBytes();
        FakeRequest request =
                send(fetch(3 * batchBytes, Map.of(partition.id().topicPartition(), from(partition, 0, 1 << 20))));

        partition.add(batch(0, 1)).advance();
        partition.add(batch(1, 1)).advance();
        assertThat(request.isAnswered()).isFalse();
        assertThat(partition.reads).isEqualTo(2);
        partition.add(batch(2, 1)).advance();

        assertRecords(only(request), 3);
        assertThat(partition.reads).isEqualTo(3);
        assertThat(partition.references).hasValue(3);
    }

    @Test
    void hidesWhatIsNotStableFromReadCommitted() {
        ScriptedPartition partition = partitions.open("a");
        partition.aborted.add(new AbortedTransaction(7, 0, 0, 1));
        partition.aborted.add(new AbortedTransaction(8, 5, 6, 7));
        partition.add(batch(0, 1)).add(batch(1, 1)).advance();
        partition.lastStableOffset = 1;

        FakeRequest request =
                send(fetch(partition, from(partition, 0, 1 << 20)).isolationLevel(IsolationLevel.READ_COMMITTED));

        FetchResponseData.PartitionData answer = only(request);
        assertRecords(answer, 1);
        assertThat(answer.lastStableOffset()).isEqualTo(1);
        assertThat(answer.highWatermark()).isEqualTo(2);
        assertThat(answer.abortedTransactions())
                .containsExactly(new FetchResponseData.AbortedTransaction()
                        .setProducerId(7)
                        .setFirstOffset(0));
    }

    @Test
    void givesOneBatchHoweverSmallTheLimits() {
        ScriptedPartition first = partitions.open("a");
        ScriptedPartition second = partitions.open("b");
        first.add(batch(0, 1)).add(batch(1, 1)).advance();
        second.add(batch(0, 1)).advance();
        Map<TopicPartition, PartitionData> wanted = new LinkedHashMap<>();
        wanted.put(first.id().topicPartition(), from(first, 0, 1));
        wanted.put(second.id().topicPartition(), from(second, 0, 1));

        FetchResponse answer = send(fetch(1, wanted).setMaxBytes(1)).answer(FetchResponse.class);

        assertRecords(answer.data().responses().get(0).partitions().get(0), 1);
        assertThat(answer.data().responses().get(1).partitions().get(0).records())
                .isSameAs(MemoryRecords.EMPTY);
    }

    @Test
    void keepsTheWholeAnswerBelowTheBrokersLimit() {
        ScriptedPartition partition = partitions.open("a");
        partition.add(batch(0, 1)).add(batch(1, 1)).add(batch(2, 1)).advance();
        FakeRequest request =
                new FakeRequest(fetch(partition, from(partition, 0, 1 << 20)).build(NEWEST));

        handler(2 * batch(0, 1).sizeInBytes()).handle(request);

        assertRecords(only(request), 2);
    }

    @Test
    void readsColdPartitionsAtTheSameTime() {
        ScriptedPartition first = partitions.open("a");
        ScriptedPartition second = partitions.open("b");
        List.of(first, second).forEach(partition -> {
            partition.holdsReads = true;
            partition.add(batch(0, 1)).advance();
        });
        FakeRequest request = send(fetch(
                1,
                Map.of(
                        first.id().topicPartition(), from(first, 0, 1000),
                        second.id().topicPartition(), from(second, 0, 1000))));

        assertThat(first.heldReads).hasSize(1);
        assertThat(second.heldReads).hasSize(1);
        second.releaseReads();
        assertThat(request.isAnswered()).isFalse();
        first.releaseReads();
        request.answer(FetchResponse.class)
                .data()
                .responses()
                .forEach(topic -> assertRecords(topic.partitions().get(0), 1));
    }

    @Test
    void tellsWhatIsWrongWithARequest() {
        ScriptedPartition partition = partitions.open("a");
        partition.leaderEpoch = 5;
        partition.add(batch(0, 1)).add(batch(1, 1)).advance();
        partition.logStartOffset = 1;

        assertThat(errorOf(partition, from(partition, 0, 1000))).isEqualTo(Errors.OFFSET_OUT_OF_RANGE);
        assertThat(errorOf(partition, from(partition, 3, 1000))).isEqualTo(Errors.OFFSET_OUT_OF_RANGE);
        assertThat(errorOf(partition, from(partition, 1, 1000, Optional.of(4), Optional.empty())))
                .isEqualTo(Errors.FENCED_LEADER_EPOCH);
        assertThat(errorOf(partition, from(partition, 1, 1000, Optional.of(6), Optional.empty())))
                .isEqualTo(Errors.UNKNOWN_LEADER_EPOCH);
        assertThat(errorOf(partition, from(partition, 1, 1000, Optional.of(5), Optional.of(9))))
                .isEqualTo(Errors.OFFSET_OUT_OF_RANGE);
        assertThat(errorOf(partition, new PartitionData(Uuid.randomUuid(), 1, 0, 1000, Optional.empty())))
                .isEqualTo(Errors.UNKNOWN_TOPIC_ID);
        partition.readFailure = new KafkaStorageException("broken");
        assertThat(errorOf(partition, from(partition, 1, 1000))).isEqualTo(Errors.KAFKA_STORAGE_ERROR);
    }

    private Errors errorOf(ScriptedPartition partition, PartitionData wanted) {
        FetchResponseData.PartitionData answer = only(send(fetch(partition, wanted)));
        assertThat(answer.records().sizeInBytes()).isZero();
        return Errors.forCode(answer.errorCode());
    }

    @Test
    void answersUnknownTopicsAndPartitionsByName() {
        ScriptedPartition partition = partitions.open("a");
        PartitionData wanted = from(partition, 0, 1000);
        for (TopicPartition unknown : List.of(new TopicPartition("b", 0), new TopicPartition("a", 1))) {
            assertThat(only(send(fetch(1, Map.of(unknown, wanted)), (short) 12)).errorCode())
                    .isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION.code());
        }
    }

    @Test
    void tellsWhereTheHistoryDiverged() {
        ScriptedPartition partition = partitions.open("a");
        partition.add(batch(0, 1)).add(batch(1, 1)).advance();
        partition.leaderEpoch = 4;
        partition.epochStarts.put(4, 1L);

        FetchResponseData.PartitionData answer =
                only(send(fetch(partition, from(partition, 2, 1000, Optional.of(4), Optional.of(3)))));

        assertThat(answer.errorCode()).isEqualTo(Errors.NONE.code());
        assertThat(answer.divergingEpoch().epoch()).isZero();
        assertThat(answer.divergingEpoch().endOffset()).isEqualTo(1);
        assertThat(answer.records()).isSameAs(MemoryRecords.EMPTY);
    }

    @Test
    void namesTheLeaderToOneThatAskedTheWrongBroker() {
        ScriptedPartition partition = partitions.open("a");
        partitions.resign(partition);

        FakeRequest request = send(fetch(partition, from(partition, 0, 1000)));

        FetchResponseData.PartitionData answer = only(request);
        assertThat(answer.errorCode()).isEqualTo(Errors.NOT_LEADER_OR_FOLLOWER.code());
        assertThat(answer.currentLeader().leaderId()).isEqualTo(1);
        assertThat(request.answer(FetchResponse.class).data().nodeEndpoints()).hasSize(1);
    }

    @Test
    void endsTheWaitWhenThePartitionIsLost() {
        ScriptedPartition partition = partitions.open("a");
        FakeRequest request = send(fetch(partition, from(partition, 0, 1000)));
        assertThat(request.isAnswered()).isFalse();

        partitions.resign(partition);

        assertThat(only(request).errorCode()).isEqualTo(Errors.NOT_LEADER_OR_FOLLOWER.code());
    }

    @Test
    void remembersASessionsPartitions() {
        ScriptedPartition first = partitions.open("a");
        ScriptedPartition second = partitions.open("b");
        FakeRequest opening = send(fetch(
                        0,
                        Map.of(
                                first.id().topicPartition(), from(first, 0, 1000),
                                second.id().topicPartition(), from(second, 0, 1000)))
                .metadata(FetchMetadata.INITIAL));
        scheduler.advance(WAIT_MS);
        int sessionId = opening.answer(FetchResponse.class).sessionId();
        assertThat(sessionId).isNotZero();

        FakeRequest next = send(fetch(1, Map.of()).metadata(new FetchMetadata(sessionId, 1)));
        assertThat(next.isAnswered()).isFalse();
        second.add(batch(0, 1)).advance();

        assertRecords(only(next), 1);
        assertThat(next.answer(FetchResponse.class).data().responses().get(0).topicId())
                .isEqualTo(second.id().topicId());
        FakeRequest stale = send(fetch(1, Map.of()).metadata(new FetchMetadata(sessionId, 1)));
        scheduler.advance(WAIT_MS);
        assertThat(stale.answer(FetchResponse.class).error()).isEqualTo(Errors.INVALID_FETCH_SESSION_EPOCH);
    }

    @Test
    void refusesASessionThatItDoesNotKnow() {
        FakeRequest request = send(fetch(1, Map.of()).metadata(new FetchMetadata(1234, 1)));

        assertThat(request.answer(FetchResponse.class).error()).isEqualTo(Errors.FETCH_SESSION_ID_NOT_FOUND);
    }

    @Test
    void givesBackWhatItReadWhenTheSessionMovedOn() {
        ScriptedPartition partition = partitions.open("a");
        FakeRequest opening = send(fetch(partition, from(partition, 0, 1000)).metadata(FetchMetadata.INITIAL));
        scheduler.advance(WAIT_MS);
        int sessionId = opening.answer(FetchResponse.class).sessionId();
        FakeRequest first = send(fetch(1, Map.of()).metadata(new FetchMetadata(sessionId, 1)));
        FakeRequest second = send(fetch(1, Map.of()).metadata(new FetchMetadata(sessionId, 2)));

        partition.add(batch(0, 1)).advance();

        assertThat(first.answer(FetchResponse.class).error()).isEqualTo(Errors.INVALID_FETCH_SESSION_EPOCH);
        assertThat(second.answer(FetchResponse.class).error()).isEqualTo(Errors.NONE);
        assertThat(partition.references).hasValue(1);
    }

    /** The advance may come before the first look, between the looks, or after the fetch has begun to wait. */
    @Test
    void neverMissesAnAdvanceThatComesMeanwhile() throws Exception {
        ScriptedPartition partition = partitions.open("a");
        ExecutorService writer = Executors.newSingleThreadExecutor();
        try {
            for (int offset = 0; offset < 2000; offset++) {
                int next = offset;
                Future<?> advanced =
                        writer.submit(() -> partition.add(batch(next, 1)).advance());
                FakeRequest request = send(fetch(partition, from(partition, offset, 1 << 20))
                        .isolationLevel(IsolationLevel.READ_UNCOMMITTED));
                advanced.get();
                assertRecords(only(request), 1);
            }
        } finally {
            writer.shutdownNow();
        }
        assertThat(partition.listeners).isEmpty();
        assertThat(scheduler.taskCount()).isZero();
    }
}
