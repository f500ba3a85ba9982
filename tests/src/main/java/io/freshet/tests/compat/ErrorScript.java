// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.compat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.message.CreatePartitionsRequestData;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicConfig;
import org.apache.kafka.common.message.DeleteRecordsRequestData;
import org.apache.kafka.common.message.DeleteTopicsRequestData;
import org.apache.kafka.common.message.DescribeConfigsRequestData;
import org.apache.kafka.common.message.DescribeProducersRequestData;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.HeartbeatRequestData;
import org.apache.kafka.common.message.InitProducerIdRequestData;
import org.apache.kafka.common.message.JoinGroupRequestData;
import org.apache.kafka.common.message.LeaveGroupRequestData;
import org.apache.kafka.common.message.ListOffsetsRequestData;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.message.OffsetCommitRequestData;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.SyncGroupRequestData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.requests.FetchResponse;
import org.apache.kafka.common.utils.internals.Crc32C;
import org.jspecify.annotations.Nullable;

/** The cells: requests that must fail in a certain way. Run with a bootstrap address; prints one line for each cell. */
public final class ErrorScript {
    private static final Uuid UNKNOWN_ID = new Uuid(12, 34);

    private final ErrorCells cells;
    private Uuid topicId = Uuid.ZERO_UUID;

    private ErrorScript(ErrorCells cells) {
        this.cells = cells;
    }

    /** Argument: host:port. */
    public static void main(String[] arguments) throws Exception {
        ErrorScript script = new ErrorScript(new ErrorCells(arguments[0]));
        script.prepare(arguments[0]);
        script.produce();
        script.fetch();
        script.offsets();
        script.topics();
        script.groups();
        script.cells.lines().forEach(System.out::println);
    }

    private void prepare(String bootstrap) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            var created = admin.createTopics(List.of(
                    new NewTopic("t", 2, (short) 1),
                    new NewTopic("compacted", 1, (short) 1)
                            .configs(Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, "compact")),
                    new NewTopic("bounded", 1, (short) 1)
                            .configs(Map.of("message.timestamp.before.max.ms", "1000", "max.message.bytes", "500"))));
            created.all().get();
            topicId = created.topicId("t").get();
            admin.alterConsumerGroupOffsets(
                            "g",
                            Map.of(
                                    new TopicPartition("t", 0),
                                    new org.apache.kafka.clients.consumer.OffsetAndMetadata(0)))
                    .all()
                    .get();
            for (String topic : List.of("t", "compacted", "bounded", "__consumer_offsets")) {
                admin.listOffsets(Map.of(new TopicPartition(topic, 0), OffsetSpec.latest()))
                        .all()
                        .get();
            }
        }
    }

    private static MemoryRecords records(int count) {
        SimpleRecord[] records = new SimpleRecord[count];
        for (int i = 0; i < count; i++) {
            records[i] = new SimpleRecord(System.currentTimeMillis(), new byte[] {(byte) i}, new byte[10]);
        }
        return MemoryRecords.withRecords(Compression.NONE, records);
    }

    private static MemoryRecords changed(Consumer<ByteBuffer> change, boolean rightCrc) {
        ByteBuffer bytes = records(2).buffer();
        change.accept(bytes);
        if (rightCrc) {
            bytes.putInt(17, (int) Crc32C.compute(bytes, 21, bytes.limit() - 21));
        }
        return MemoryRecords.readableRecords(bytes);
    }

    private void produce(String name, String topic, int partition, int acks, @Nullable MemoryRecords records)
            throws IOException {
        ProduceRequestData data = new ProduceRequestData().setAcks((short) acks).setTimeoutMs(5000);
        data.topicData()
                .add(new ProduceRequestData.TopicProduceData()
                        .setName(topic)
                        .setPartitionData(List.of(new ProduceRequestData.PartitionProduceData()
                                .setIndex(partition)
                                .setRecords(records))));
        cells.cell("produce " + name, ApiKeys.PRODUCE, 9, data);
    }

    private void produce() throws IOException {
        produce("ten records", "t", 0, -1, records(10));
        produce("ten more, acks=1", "t", 0, 1, records(10));
        produce("unknown topic", "nope", 0, -1, records(1));
        produce("bad name", "no/pe", 0, -1, records(1));
        produce("unknown partition", "t", 9, -1, records(1));
        produce("negative partition", "t", -1, -1, records(1));
        produce("acks=2", "t", 0, 2, records(1));
        produce("acks=2 to an unknown topic", "nope", 0, 2, records(1));
        produce("acks=0 to an unknown topic", "nope", 0, 0, records(1));
        produce("internal topic", "__consumer_offsets", 0, -1, records(1));
        produce("no records", "t", 0, -1, MemoryRecords.EMPTY);
        produce("null records", "t", 0, -1, null);
        produce("wrong crc", "t", 0, -1, changed(b -> b.putInt(17, 1), false));
        produce("magic 0", "t", 0, -1, changed(b -> b.put(16, (byte) 0), true));
        produce("magic 1", "t", 0, -1, changed(b -> b.put(16, (byte) 1), true));
        produce("magic 3", "t", 0, -1, changed(b -> b.put(16, (byte) 3), true));
        produce("count 3 of 2", "t", 0, -1, changed(b -> b.putInt(57, 3), true));
        produce(
                "count and delta 3 of 2",
                "t",
                0,
                -1,
                changed(b -> b.putInt(57, 3).putInt(23, 2), true));
        produce("count 0", "t", 0, -1, changed(b -> b.putInt(57, 0).putInt(23, -1), true));
        produce("delta lies", "t", 0, -1, changed(b -> b.putInt(23, 7), true));
        produce("negative delta", "t", 0, -1, changed(b -> b.putInt(23, -2), true));
        produce("control batch", "t", 0, -1, changed(b -> b.putShort(21, (short) 0x20), true));
        produce("transactional without id", "t", 0, -1, changed(b -> b.putShort(21, (short) 0x10), true));
        produce("codec 7", "t", 0, -1, changed(b -> b.putShort(21, (short) 7), true));
        produce("gzip that is none", "t", 0, -1, changed(b -> b.putShort(21, (short) 1), true));
        produce("base offset 5", "t", 0, -1, changed(b -> b.putLong(0, 5), true));
        produce("length too long", "t", 0, -1, changed(b -> b.putInt(8, b.getInt(8) + 10), false));
        produce("length too short", "t", 0, -1, changed(b -> b.putInt(8, b.getInt(8) - 3), false));
        produce("producer id without sequence", "t", 0, -1, changed(b -> b.putLong(43, 5), true));
        produce(
                "producer id without epoch",
                "t",
                0,
                -1,
                changed(b -> b.putLong(43, 55).putInt(53, 0), true));
        produce(
                "first sequence 5",
                "t",
                0,
                -1,
                changed(b -> b.putLong(43, 77).putShort(51, (short) 0).putInt(53, 5), true));
        produce(
                "null key",
                "compacted",
                0,
                -1,
                MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(new byte[1])));
        produce(
                "too large",
                "bounded",
                0,
                -1,
                MemoryRecords.withRecords(
                        Compression.NONE, new SimpleRecord(System.currentTimeMillis(), new byte[600])));
        produce(
                "too old",
                "bounded",
                0,
                -1,
                MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(5L, new byte[1])));
        MemoryRecords one = records(1);
        ByteBuffer twice = ByteBuffer.allocate(2 * one.sizeInBytes());
        twice.put(one.buffer()).put(one.buffer()).flip();
        produce("two batches", "t", 0, -1, MemoryRecords.readableRecords(twice));
        ByteBuffer tail = ByteBuffer.allocate(one.sizeInBytes() + 5);
        tail.put(one.buffer()).put(new byte[5]).flip();
        produce("junk after the batch", "t", 1, -1, MemoryRecords.readableRecords(tail));
        ProduceRequestData byId = new ProduceRequestData().setAcks((short) -1).setTimeoutMs(5000);
        byId.topicData()
                .add(new ProduceRequestData.TopicProduceData()
                        .setTopicId(UNKNOWN_ID)
                        .setPartitionData(
                                List.of(new ProduceRequestData.PartitionProduceData().setRecords(records(1)))));
        cells.cell("produce unknown id", ApiKeys.PRODUCE, 13, byId);
    }

    private FetchRequestData fetchOf(String topic, Uuid id, int partition, long offset, int epoch) {
        return new FetchRequestData()
                .setMaxWaitMs(10)
                .setMinBytes(0)
                .setMaxBytes(1 << 20)
                .setTopics(List.of(new FetchRequestData.FetchTopic()
                        .setTopic(topic)
                        .setTopicId(id)
                        .setPartitions(List.of(new FetchRequestData.FetchPartition()
                                .setPartition(partition)
                                .setFetchOffset(offset)
                                .setCurrentLeaderEpoch(epoch)
                                .setPartitionMaxBytes(1 << 20)))));
    }

    private void fetch() throws IOException {
        Uuid none = Uuid.ZERO_UUID;
        cells.cell("fetch", ApiKeys.FETCH, 12, fetchOf("t", none, 0, 0, -1));
        cells.cell("fetch at the end", ApiKeys.FETCH, 12, fetchOf("t", none, 0, 20, -1));
        cells.cell("fetch beyond", ApiKeys.FETCH, 12, fetchOf("t", none, 0, 999, -1));
        cells.cell("fetch negative", ApiKeys.FETCH, 12, fetchOf("t", none, 0, -5, -1));
        cells.cell("fetch unknown topic", ApiKeys.FETCH, 12, fetchOf("nope", none, 0, 0, -1));
        cells.cell("fetch unknown partition", ApiKeys.FETCH, 12, fetchOf("t", none, 9, 0, -1));
        cells.cell("fetch newer epoch", ApiKeys.FETCH, 12, fetchOf("t", none, 0, 0, 99));
        cells.cell("fetch by id", ApiKeys.FETCH, 17, fetchOf("", topicId, 0, 0, 0));
        cells.cell("fetch unknown id", ApiKeys.FETCH, 17, fetchOf("", UNKNOWN_ID, 0, 0, -1));
        cells.cell("fetch zero id", ApiKeys.FETCH, 17, fetchOf("", none, 0, 0, -1));
        cells.cell(
                "fetch unknown session",
                ApiKeys.FETCH,
                12,
                fetchOf("t", none, 0, 0, -1).setSessionId(99).setSessionEpoch(1));
        cells.cell(
                "fetch strange epoch of no session",
                ApiKeys.FETCH,
                12,
                fetchOf("t", none, 0, 0, -1).setSessionEpoch(7));
        var full = (FetchResponse) cells.send(
                ApiKeys.FETCH, (short) 12, fetchOf("t", none, 0, 0, -1).setSessionEpoch(0));
        int session = full == null ? 0 : full.sessionId();
        cells.cell(
                "fetch next of session",
                ApiKeys.FETCH,
                12,
                new FetchRequestData().setMaxWaitMs(1).setSessionId(session).setSessionEpoch(1));
        cells.cell(
                "fetch wrong epoch of session",
                ApiKeys.FETCH,
                12,
                new FetchRequestData().setMaxWaitMs(1).setSessionId(session).setSessionEpoch(9));
        cells.cell(
                "fetch isolation 9",
                ApiKeys.FETCH,
                12,
                fetchOf("t", none, 0, 0, -1).setIsolationLevel((byte) 9));
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

    private void offsets() throws IOException {
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
        cells.cell("fetch below the start", ApiKeys.FETCH, 12, fetchOf("t", Uuid.ZERO_UUID, 0, 2, -1));
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

    private void create(String name, String topic, int partitions, int factor, String key, @Nullable String value)
            throws IOException {
        CreatableTopic wanted =
                new CreatableTopic().setName(topic).setNumPartitions(partitions).setReplicationFactor((short) factor);
        if (!key.isEmpty()) {
            wanted.configs().add(new CreatableTopicConfig().setName(key).setValue(value));
        }
        CreateTopicsRequestData data =
                new CreateTopicsRequestData().setTimeoutMs(5000).setValidateOnly(true);
        data.topics().add(wanted);
        cells.cell("create topic " + name, ApiKeys.CREATE_TOPICS, 7, data);
    }

    private void topics() throws IOException {
        create("existing", "t", 1, 1, "", "");
        create("empty name", "", 1, 1, "", "");
        create("dot", ".", 1, 1, "", "");
        create("dots", "..", 1, 1, "", "");
        create("slash", "a/b", 1, 1, "", "");
        create("unicode", "ü", 1, 1, "", "");
        create("250 letters", "x".repeat(250), 1, 1, "", "");
        create("249 letters", "x".repeat(249), 1, 1, "", "");
        create("zero partitions", "z", 0, 1, "", "");
        create("-2 partitions", "z", -2, 1, "", "");
        create("too many partitions", "z", 2_000_000, 1, "", "");
        create("factor 0", "z", 1, 0, "", "");
        create("factor -2", "z", 1, -2, "", "");
        create("default factor", "z", 1, -1, "", "");
        create("unknown config", "z", 1, 1, "nope", "1");
        create("bad config", "z", 1, 1, "retention.ms", "x");
        create("null config", "z", 1, 1, "retention.ms", null);
        for (int count : new int[] {0, 1, 2, -1, 3, 3_000_000}) {
            CreatePartitionsRequestData data =
                    new CreatePartitionsRequestData().setTimeoutMs(5000).setValidateOnly(true);
            data.topics()
                    .add(new CreatePartitionsTopic()
                            .setName("t")
                            .setCount(count)
                            .setAssignments(null));
            cells.cell("create partitions " + count, ApiKeys.CREATE_PARTITIONS, 3, data);
        }
        CreatePartitionsRequestData unknown = new CreatePartitionsRequestData().setTimeoutMs(5000);
        unknown.topics()
                .add(new CreatePartitionsTopic().setName("nope").setCount(3).setAssignments(null));
        cells.cell("create partitions of unknown", ApiKeys.CREATE_PARTITIONS, 3, unknown);
        cells.cell(
                "delete unknown topic",
                ApiKeys.DELETE_TOPICS,
                6,
                new DeleteTopicsRequestData()
                        .setTimeoutMs(5000)
                        .setTopics(List.of(new DeleteTopicsRequestData.DeleteTopicState().setName("nope"))));
        cells.cell(
                "delete unknown id",
                ApiKeys.DELETE_TOPICS,
                6,
                new DeleteTopicsRequestData()
                        .setTimeoutMs(5000)
                        .setTopics(List.of(new DeleteTopicsRequestData.DeleteTopicState()
                                .setName(null)
                                .setTopicId(UNKNOWN_ID))));
        cells.cell(
                "delete id and name",
                ApiKeys.DELETE_TOPICS,
                6,
                new DeleteTopicsRequestData()
                        .setTimeoutMs(5000)
                        .setTopics(List.of(new DeleteTopicsRequestData.DeleteTopicState()
                                .setName("t")
                                .setTopicId(UNKNOWN_ID))));
        for (Map.Entry<Integer, String> resource : List.of(
                Map.entry(2, "nope"),
                Map.entry(2, "a/b"),
                Map.entry(2, ""),
                Map.entry(4, "99"),
                Map.entry(4, "x"),
                Map.entry(32, "g"),
                Map.entry(77, "q"))) {
            cells.cell(
                    "describe configs " + resource,
                    ApiKeys.DESCRIBE_CONFIGS,
                    4,
                    new DescribeConfigsRequestData()
                            .setResources(List.of(new DescribeConfigsRequestData.DescribeConfigsResource()
                                    .setResourceType(resource.getKey().byteValue())
                                    .setResourceName(resource.getValue())
                                    .setConfigurationKeys(List.of("none")))));
        }
        for (String name : List.of("nope", "a/b", "")) {
            cells.cell(
                    "metadata of '" + name + "'",
                    ApiKeys.METADATA,
                    12,
                    new MetadataRequestData()
                            .setAllowAutoTopicCreation(false)
                            .setTopics(List.of(new MetadataRequestData.MetadataRequestTopic().setName(name))));
        }
        cells.cell(
                "metadata of unknown id",
                ApiKeys.METADATA,
                12,
                new MetadataRequestData()
                        .setAllowAutoTopicCreation(false)
                        .setTopics(List.of(new MetadataRequestData.MetadataRequestTopic()
                                .setName(null)
                                .setTopicId(UNKNOWN_ID))));
    }

    private void commit(
            String name, String group, String member, int generation, String topic, int partition, String metadata)
            throws IOException {
        cells.cell(
                "commit " + name,
                ApiKeys.OFFSET_COMMIT,
                9,
                new OffsetCommitRequestData()
                        .setGroupId(group)
                        .setMemberId(member)
                        .setGenerationIdOrMemberEpoch(generation)
                        .setTopics(List.of(new OffsetCommitRequestData.OffsetCommitRequestTopic()
                                .setName(topic)
                                .setPartitions(List.of(new OffsetCommitRequestData.OffsetCommitRequestPartition()
                                        .setPartitionIndex(partition)
                                        .setCommittedOffset(1)
                                        .setCommittedMetadata(metadata))))));
    }

    private void groups() throws IOException {
        commit("simple", "g", "", -1, "t", 0, "");
        commit("unknown topic", "g", "", -1, "nope", 0, "");
        commit("unknown partition", "g", "", -1, "t", 9, "");
        commit("large metadata", "g", "", -1, "t", 0, "x".repeat(5000));
        commit("empty group", "", "", -1, "t", 0, "");
        commit("unknown member", "g", "who", 3, "t", 0, "");
        commit("generation of no group", "fresh", "", 3, "t", 0, "");
        cells.cell(
                "heartbeat unknown group",
                ApiKeys.HEARTBEAT,
                4,
                new HeartbeatRequestData().setGroupId("void").setMemberId("m").setGenerationId(1));
        cells.cell(
                "heartbeat empty group",
                ApiKeys.HEARTBEAT,
                4,
                new HeartbeatRequestData().setGroupId("").setMemberId("m").setGenerationId(1));
        cells.cell(
                "sync unknown group",
                ApiKeys.SYNC_GROUP,
                5,
                new SyncGroupRequestData().setGroupId("void").setMemberId("m").setGenerationId(1));
        cells.cell(
                "leave unknown group",
                ApiKeys.LEAVE_GROUP,
                5,
                new LeaveGroupRequestData()
                        .setGroupId("void")
                        .setMembers(List.of(new LeaveGroupRequestData.MemberIdentity().setMemberId("m"))));
        cells.cell(
                "join empty group",
                ApiKeys.JOIN_GROUP,
                9,
                new JoinGroupRequestData()
                        .setGroupId("")
                        .setSessionTimeoutMs(10_000)
                        .setProtocolType("consumer"));
        cells.cell(
                "join short session",
                ApiKeys.JOIN_GROUP,
                9,
                new JoinGroupRequestData()
                        .setGroupId("j")
                        .setSessionTimeoutMs(1)
                        .setProtocolType("consumer"));
        cells.cell(
                "join without protocols",
                ApiKeys.JOIN_GROUP,
                9,
                new JoinGroupRequestData()
                        .setGroupId("j")
                        .setSessionTimeoutMs(10_000)
                        .setProtocolType("consumer"));
    }
}
