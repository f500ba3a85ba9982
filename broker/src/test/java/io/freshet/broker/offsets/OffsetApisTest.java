// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.offsets;

import static io.freshet.broker.fake.ScriptedPartitions.batch;
import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.fake.FakeRequest;
import io.freshet.broker.fake.ManualScheduler;
import io.freshet.broker.fake.ScriptedPartition;
import io.freshet.broker.fake.ScriptedPartitions;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.message.DeleteRecordsRequestData;
import org.apache.kafka.common.message.DeleteRecordsRequestData.DeleteRecordsPartition;
import org.apache.kafka.common.message.DeleteRecordsRequestData.DeleteRecordsTopic;
import org.apache.kafka.common.message.DeleteRecordsResponseData.DeleteRecordsPartitionResult;
import org.apache.kafka.common.message.DescribeProducersRequestData;
import org.apache.kafka.common.message.DescribeProducersRequestData.TopicRequest;
import org.apache.kafka.common.message.DescribeProducersResponseData.PartitionResponse;
import org.apache.kafka.common.message.DescribeProducersResponseData.ProducerState;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData.OffsetForLeaderPartition;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData.OffsetForLeaderTopic;
import org.apache.kafka.common.message.OffsetForLeaderEpochResponseData.EpochEndOffset;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.DeleteRecordsRequest;
import org.apache.kafka.common.requests.DeleteRecordsResponse;
import org.apache.kafka.common.requests.DescribeProducersRequest;
import org.apache.kafka.common.requests.DescribeProducersResponse;
import org.apache.kafka.common.requests.OffsetsForLeaderEpochRequest;
import org.apache.kafka.common.requests.OffsetsForLeaderEpochResponse;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OffsetApisTest {
    private static final int TIMEOUT_MS = 1000;

    private final ScriptedPartitions partitions = new ScriptedPartitions();
    private final ManualScheduler scheduler = new ManualScheduler();
    private final Map<String, String> config = new HashMap<>();
    private final DeleteRecordsHandler deleteRecords =
            new DeleteRecordsHandler(partitions.led(), topic -> new LogConfig(config), scheduler);
    private final ScriptedPartition partition = partitions.open("a");

    @AfterEach
    void close() {
        partitions.close();
    }

    private FakeRequest delete(String topic, long offset) {
        FakeRequest request = new FakeRequest(new DeleteRecordsRequest.Builder(new DeleteRecordsRequestData()
                        .setTimeoutMs(TIMEOUT_MS)
                        .setTopics(List.of(new DeleteRecordsTopic()
                                .setName(topic)
                                .setPartitions(List.of(new DeleteRecordsPartition()
                                        .setPartitionIndex(0)
                                        .setOffset(offset))))))
                .build((short) 2));
        deleteRecords.handle(request);
        return request;
    }

    private static DeleteRecordsPartitionResult result(FakeRequest request, String topic) {
        return request.answer(DeleteRecordsResponse.class)
                .data()
                .topics()
                .find(topic)
                .partitions()
                .find(0);
    }

    private Errors deleteError(String topic, long offset) {
        DeleteRecordsPartitionResult result = result(delete(topic, offset), topic);
        assertThat(result.lowWatermark()).isEqualTo(-1);
        return Errors.forCode(result.errorCode());
    }

    @Test
    void deletesRecordsUpToAnOffsetOrToTheHighWatermark() {
        partition.add(batch(0, 1, 1, 1)).advance();
        partition.add(batch(3, 1));

        assertThat(result(delete("a", 2), "a").lowWatermark()).isEqualTo(2);
        assertThat(result(delete("a", 1), "a").lowWatermark()).isEqualTo(2);
        assertThat(result(delete("a", DeleteRecordsRequest.HIGH_WATERMARK), "a").lowWatermark())
                .isEqualTo(3);
        assertThat(partition.trims).containsExactly(2L, 3L);
    }

    @Test
    void refusesToDeleteRecords() {
        partition.add(batch(0, 1)).advance();

        assertThat(deleteError("a", 2)).isEqualTo(Errors.OFFSET_OUT_OF_RANGE);
        assertThat(deleteError("a", -5)).isEqualTo(Errors.OFFSET_OUT_OF_RANGE);
        assertThat(deleteError("nowhere", 1)).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION);
        partitions.open("__consumer_offsets");
        assertThat(deleteError("__consumer_offsets", 0)).isEqualTo(Errors.INVALID_TOPIC_EXCEPTION);
        config.put("cleanup.policy", "compact");
        assertThat(deleteError("a", 1)).isEqualTo(Errors.POLICY_VIOLATION);
        config.put("cleanup.policy", "compact,delete");
        partition.trimResult = CompletableFuture.failedFuture(new FreshetException(ErrorKind.UNAVAILABLE, "away"));
        assertThat(deleteError("a", 1)).isEqualTo(Errors.KAFKA_STORAGE_ERROR);
        partitions.resign(partition);
        assertThat(deleteError("a", 1)).isEqualTo(Errors.NOT_LEADER_OR_FOLLOWER);
    }

    @Test
    void waitsForTheDeletionToBeDurableButNotForEver() {
        partition.add(batch(0, 1)).advance();
        partition.trimResult = new CompletableFuture<>();

        FakeRequest inTime = delete("a", 1);
        FakeRequest late = delete("a", 1);
        assertThat(inTime.isAnswered()).isFalse();
        scheduler.advance(TIMEOUT_MS);

        assertThat(result(late, "a").errorCode()).isEqualTo(Errors.REQUEST_TIMED_OUT.code());
        FakeRequest third = delete("a", 1);
        partition.trimResult.complete(null);
        assertThat(result(third, "a").lowWatermark()).isEqualTo(1);
        assertThat(scheduler.taskCount()).isZero();
    }

    private EpochEndOffset epochEnd(String topic, int currentLeaderEpoch, int epoch, short version) {
        OffsetForLeaderEpochRequestData body = new OffsetForLeaderEpochRequestData().setReplicaId(-1);
        body.topics()
                .add(new OffsetForLeaderTopic()
                        .setTopic(topic)
                        .setPartitions(List.of(new OffsetForLeaderPartition()
                                .setPartition(0)
                                .setCurrentLeaderEpoch(currentLeaderEpoch)
                                .setLeaderEpoch(epoch))));
        FakeRequest request = new FakeRequest(new OffsetsForLeaderEpochRequest(body, version));
        new OffsetForLeaderEpochHandler(partitions.led()).handle(request);
        return request.answer(OffsetsForLeaderEpochResponse.class)
                .data()
                .topics()
                .find(topic)
                .partitions()
                .get(0);
    }

    @Test
    void tellsWhereAnEpochEnded() {
        partition.leaderEpoch = 4;
        partition.epochStarts.put(4, 2L);
        partition.add(batch(0, 1, 1, 1)).advance();

        for (short version = 2; version <= 4; version++) {
            EpochEndOffset old = epochEnd("a", 4, 1, version);
            assertThat(old.leaderEpoch()).isZero();
            assertThat(old.endOffset()).isEqualTo(2);
            assertThat(epochEnd("a", -1, 4, version).endOffset()).isEqualTo(3);
            EpochEndOffset future = epochEnd("a", -1, 5, version);
            assertThat(future.errorCode()).isEqualTo(Errors.NONE.code());
            assertThat(future.leaderEpoch()).isEqualTo(-1);
            assertThat(future.endOffset()).isEqualTo(-1);
        }
        assertThat(epochEnd("a", 3, 1, (short) 4).errorCode()).isEqualTo(Errors.FENCED_LEADER_EPOCH.code());
        assertThat(epochEnd("a", 5, 1, (short) 4).errorCode()).isEqualTo(Errors.UNKNOWN_LEADER_EPOCH.code());
        assertThat(epochEnd("b", 5, 1, (short) 4).errorCode()).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION.code());
    }

    private PartitionResponse describeProducers(String topic) {
        DescribeProducersRequestData body = new DescribeProducersRequestData();
        body.topics().add(new TopicRequest().setName(topic).setPartitionIndexes(List.of(0)));
        FakeRequest request = new FakeRequest(new DescribeProducersRequest.Builder(body).build((short) 0));
        new DescribeProducersHandler(partitions.led()).handle(request);
        return request.answer(DescribeProducersResponse.class)
                .data()
                .topics()
                .get(0)
                .partitions()
                .get(0);
    }

    @Test
    void describesProducers() {
        ProducerState producer =
                new ProducerState().setProducerId(9).setProducerEpoch(1).setLastSequence(5);
        partition.producers.add(producer);

        assertThat(describeProducers("a").activeProducers()).containsExactly(producer);
        assertThat(describeProducers("b").errorCode()).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION.code());
    }
}
