// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.compat;

import java.io.IOException;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.DeleteRecordsRequestData;
import org.apache.kafka.common.message.DescribeProducersRequestData;
import org.apache.kafka.common.message.InitProducerIdRequestData;
import org.apache.kafka.common.message.ListOffsetsRequestData;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData;
import org.apache.kafka.common.protocol.ApiKeys;

/** Requests about offsets and epochs, and deletions of records, that must fail in a certain way. */
final class OffsetErrors {
    private final ErrorCells cells;

    OffsetErrors(ErrorCells cells) {
        this.cells = cells;
    }

    private void listOffsets(String name, String topic, int partition, int epoch, long time) throws IOException {
        cells.cell(
                "list offsets " + name,
                ApiKeys.LIST_OFFSETS,
                9,
                new ListOffsetsRequestData()
                        .setReplicaId(-1)
                        .setTopics(List.of(new ListOffsetsRequestData.ListOffsetsTopic()
                                .setName(topic)
                                .setPartitions(List.of(new ListOffsetsRequestData.ListOffsetsPartition()
                                        .setPartitionIndex(partition)
                                        .setCurrentLeaderEpoch(epoch)
                                        .setTimestamp(time))))));
    }

    private void leaderEpoch(String name, String topic, int partition, int current, int asked) throws IOException {
        var topics = new OffsetForLeaderEpochRequestData.OffsetForLeaderTopicCollection();
        topics.add(new OffsetForLeaderEpochRequestData.OffsetForLeaderTopic()
                .setTopic(topic)
                .setPartitions(List.of(new OffsetForLeaderEpochRequestData.OffsetForLeaderPartition()
                        .setPartition(partition)
                        .setCurrentLeaderEpoch(current)
                        .setLeaderEpoch(asked))));
        cells.cell(
                "leader epoch " + name,
                ApiKeys.OFFSET_FOR_LEADER_EPOCH,
                4,
                new OffsetForLeaderEpochRequestData().setReplicaId(-1).setTopics(topics));
    }

    private void deleteRecords(String name, String topic, int partition, long offset) throws IOException {
        cells.cell(
                "delete records " + name,
                ApiKeys.DELETE_RECORDS,
                2,
                new DeleteRecordsRequestData()
                        .setTimeoutMs(5000)
                        .setTopics(List.of(new DeleteRecordsRequestData.DeleteRecordsTopic()
                                .setName(topic)
                                .setPartitions(List.of(new DeleteRecordsRequestData.DeleteRecordsPartition()
                                        .setPartitionIndex(partition)
                                        .setOffset(offset))))));
    }

    /** All of them. */
    void run() throws IOException {
        for (long time : new long[] {-1, -2, -3, -4, -5, -6, -7, 0, Long.MAX_VALUE, Long.MIN_VALUE}) {
            listOffsets("time " + time, "t", 0, -1, time);
        }
        listOffsets("unknown topic", "nope", 0, -1, -1);
        listOffsets("unknown partition", "t", 9, -1, -1);
        listOffsets("newer epoch", "t", 0, 99, -1);
        leaderEpoch("0", "t", 0, -1, 0);
        leaderEpoch("5", "t", 0, -1, 5);
        leaderEpoch("-1", "t", 0, -1, -1);
        leaderEpoch("of newer epoch", "t", 0, 99, 0);
        leaderEpoch("unknown topic", "nope", 0, -1, 0);
        leaderEpoch("unknown partition", "t", 9, -1, 0);
        deleteRecords("5", "t", 0, 5);
        deleteRecords("3, below the start", "t", 0, 3);
        deleteRecords("beyond", "t", 0, 999);
        deleteRecords("-2", "t", 0, -2);
        deleteRecords("unknown topic", "nope", 0, 1);
        deleteRecords("unknown partition", "t", 9, 1);
        deleteRecords("compacted", "compacted", 0, 0);
        deleteRecords("internal", "__consumer_offsets", 0, 0);
        deleteRecords("to the end", "t", 0, -1);
        cells.cell("fetch below the start", ApiKeys.FETCH, 12, FetchErrors.fetchOf("t", Uuid.ZERO_UUID, 0, 2, -1));
        var producersOf = new DescribeProducersRequestData.TopicRequestCollection();
        producersOf.add(
                new DescribeProducersRequestData.TopicRequest().setName("nope").setPartitionIndexes(List.of(0)));
        cells.cell(
                "describe producers unknown",
                ApiKeys.DESCRIBE_PRODUCERS,
                0,
                new DescribeProducersRequestData().setTopics(producersOf));
        cells.cell(
                "producer id with id and no epoch",
                ApiKeys.INIT_PRODUCER_ID,
                4,
                new InitProducerIdRequestData()
                        .setProducerId(5)
                        .setProducerEpoch((short) -1)
                        .setTransactionTimeoutMs(1000));
    }
}
