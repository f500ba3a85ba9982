// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.offsets;

import static io.freshet.broker.fake.ScriptedPartitions.batch;
import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.fake.FakeRequest;
import io.freshet.broker.fake.ScriptedPartition;
import io.freshet.broker.fake.ScriptedPartitions;
import java.util.List;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.KafkaStorageException;
import org.apache.kafka.common.message.ListOffsetsRequestData;
import org.apache.kafka.common.message.ListOffsetsRequestData.ListOffsetsPartition;
import org.apache.kafka.common.message.ListOffsetsRequestData.ListOffsetsTopic;
import org.apache.kafka.common.message.ListOffsetsResponseData.ListOffsetsPartitionResponse;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.requests.ListOffsetsRequest;
import org.apache.kafka.common.requests.ListOffsetsResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ListOffsetsHandlerTest {
    private static final short NEWEST = 11;

    private final ScriptedPartitions partitions = new ScriptedPartitions();
    private final ListOffsetsHandler handler = new ListOffsetsHandler(partitions.led());
    private final ScriptedPartition partition = partitions.open("a");

    @AfterEach
    void close() {
        partitions.close();
    }

    private static ListOffsetsPartition at(long time) {
        return new ListOffsetsPartition()
                .setPartitionIndex(0)
                .setTimestamp(time)
                .setCurrentLeaderEpoch(-1);
    }

    private List<ListOffsetsPartitionResponse> ask(
            short version, IsolationLevel isolation, String topic, ListOffsetsPartition... wanted) {
        ListOffsetsRequestData body = new ListOffsetsRequestData()
                .setReplicaId(ListOffsetsRequest.CONSUMER_REPLICA_ID)
                .setIsolationLevel(isolation.id())
                .setTopics(List.of(new ListOffsetsTopic().setName(topic).setPartitions(List.of(wanted))));
        FakeRequest request = new FakeRequest(ListOffsetsRequest.parse(
                new org.apache.kafka.common.protocol.ByteBufferAccessor(
                        org.apache.kafka.common.protocol.MessageUtil.toByteBufferAccessor(body, version)
                                .buffer()),
                version));
        handler.handle(request);
        return request.answer(ListOffsetsResponse.class).topics().get(0).partitions();
    }

    private ListOffsetsPartitionResponse ask(long time) {
        return ask(NEWEST, IsolationLevel.READ_UNCOMMITTED, "a", at(time)).get(0);
    }

    private void assertFound(long time, long offset, long timestampMs, int epoch) {
        ListOffsetsPartitionResponse answer = ask(time);
        assertThat(answer.errorCode()).isEqualTo(Errors.NONE.code());
        assertThat(List.of(answer.offset(), answer.timestamp(), (long) answer.leaderEpoch()))
                .as("answer for time %s", time)
                .isEqualTo(List.of(offset, timestampMs, (long) epoch));
        assertThat(partition.references).hasValue(0);
    }

    @Test
    void findsTheExactRecordByTime() {
        partition.leaderEpoch = 3;
        partition
                .add(batch(0, 10, 20, 30))
                .add(batch(Compression.gzip().build(), TimestampType.CREATE_TIME, 3, 25, 40, 50))
                .advance();

        assertFound(0, 0, 10, 3);
        assertFound(11, 1, 20, 3);
        assertFound(30, 2, 30, 3);
        assertFound(31, 4, 40, 3);
        assertFound(50, 5, 50, 3);
        assertFound(51, -1, -1, -1);
    }

    @Test
    void givesTheFirstOffsetOfABatchWithAppendTime() {
        partition
                .add(batch(Compression.NONE, TimestampType.LOG_APPEND_TIME, 0, 70, 70))
                .advance();

        assertFound(60, 0, 70, 0);
    }

    @Test
    void skipsRecordsBeforeTheLogStart() {
        partition.add(batch(0, 90, 20)).add(batch(2, 30)).add(batch(3, 95)).advance();
        partition.logStartOffset = 1;

        assertFound(80, 3, 95, 0);
        assertFound(15, 1, 20, 0);
    }

    @Test
    void answersTheSpecialTimes() {
        partition.leaderEpoch = 2;
        partition.epochStarts.put(2, 4L);
        partition.add(batch(0, 10, 99)).add(batch(2, 30, 99)).advance();
        partition.logStartOffset = 1;

        assertFound(ListOffsetsRequest.EARLIEST_TIMESTAMP, 1, -1, 0);
        assertFound(ListOffsetsRequest.EARLIEST_LOCAL_TIMESTAMP, 1, -1, 0);
        assertFound(ListOffsetsRequest.LATEST_TIMESTAMP, 4, -1, 2);
        assertFound(ListOffsetsRequest.MAX_TIMESTAMP, 1, 99, 2);
        assertFound(ListOffsetsRequest.LATEST_TIERED_TIMESTAMP, -1, -1, -1);
        assertFound(ListOffsetsRequest.EARLIEST_PENDING_UPLOAD_TIMESTAMP, -1, -1, -1);
    }

    @Test
    void answersAnEmptyPartition() {
        assertFound(ListOffsetsRequest.EARLIEST_TIMESTAMP, 0, -1, 0);
        assertFound(ListOffsetsRequest.LATEST_TIMESTAMP, 0, -1, 0);
        assertFound(ListOffsetsRequest.MAX_TIMESTAMP, -1, -1, -1);
        assertFound(5, -1, -1, -1);
    }

    @Test
    void tellsAReaderOnlyOfWhatItMayRead() {
        partition.add(batch(0, 10)).add(batch(1, 20)).advance();
        partition.lastStableOffset = 1;
        partition.add(batch(2, 30));

        assertFound(ListOffsetsRequest.LATEST_TIMESTAMP, 2, -1, 0);
        assertFound(30, -1, -1, -1);
        ListOffsetsPartitionResponse committed = ask(
                        NEWEST, IsolationLevel.READ_COMMITTED, "a", at(ListOffsetsRequest.LATEST_TIMESTAMP))
                .get(0);
        assertThat(committed.offset()).isEqualTo(1);
        assertThat(ask(NEWEST, IsolationLevel.READ_COMMITTED, "a", at(15))
                        .get(0)
                        .offset())
                .isEqualTo(-1);
    }

    @Test
    void refusesWhatItMust() {
        partition.leaderEpoch = 5;
        assertThat(errorsOf(NEWEST, "a", at(-1), at(-2))).containsOnly(Errors.INVALID_REQUEST);
        assertThat(errorsOf((short) 6, "a", at(-3))).containsExactly(Errors.UNSUPPORTED_VERSION);
        assertThat(errorsOf((short) 10, "a", at(-6))).containsExactly(Errors.UNSUPPORTED_VERSION);
        assertThat(errorsOf(NEWEST, "a", at(-7))).containsExactly(Errors.UNSUPPORTED_VERSION);
        assertThat(errorsOf(NEWEST, "a", at(-1).setCurrentLeaderEpoch(4))).containsExactly(Errors.FENCED_LEADER_EPOCH);
        assertThat(errorsOf(NEWEST, "a", at(-1).setCurrentLeaderEpoch(6))).containsExactly(Errors.UNKNOWN_LEADER_EPOCH);
        assertThat(errorsOf(NEWEST, "nowhere", at(-1))).containsExactly(Errors.UNKNOWN_TOPIC_OR_PARTITION);
        partition.add(batch(0, 10)).advance();
        partition.readFailure = new KafkaStorageException("broken");
        assertThat(errorsOf(NEWEST, "a", at(1))).containsExactly(Errors.KAFKA_STORAGE_ERROR);
        partitions.resign(partition);
        assertThat(errorsOf(NEWEST, "a", at(-1))).containsExactly(Errors.NOT_LEADER_OR_FOLLOWER);
    }

    private List<Errors> errorsOf(short version, String topic, ListOffsetsPartition... wanted) {
        return ask(version, IsolationLevel.READ_UNCOMMITTED, topic, wanted).stream()
                .map(answer -> Errors.forCode(answer.errorCode()))
                .toList();
    }

    @Test
    void answersEveryVersion() {
        partition.add(batch(0, 10)).advance();
        for (short version = 1; version <= NEWEST; version++) {
            assertThat(ask(version, IsolationLevel.READ_UNCOMMITTED, "a", at(-1))
                            .get(0)
                            .offset())
                    .isEqualTo(1);
        }
    }
}
