// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.fake.ControlFixture;
import io.freshet.broker.fake.FakeRequest;
import io.freshet.broker.fake.MemoryCluster;
import io.freshet.broker.fake.MemoryPartitionLogs;
import io.freshet.broker.fake.MemoryPartitionLogs.MemoryLog;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.FindCoordinatorRequestData;
import org.apache.kafka.common.message.HeartbeatRequestData;
import org.apache.kafka.common.message.JoinGroupRequestData;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocol;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocolCollection;
import org.apache.kafka.common.message.JoinGroupResponseData;
import org.apache.kafka.common.message.LeaveGroupRequestData.MemberIdentity;
import org.apache.kafka.common.message.OffsetCommitRequestData;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestPartition;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestTopic;
import org.apache.kafka.common.message.OffsetCommitResponseData.OffsetCommitResponseTopic;
import org.apache.kafka.common.message.OffsetFetchRequestData;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestGroup;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestTopics;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponseGroup;
import org.apache.kafka.common.message.SyncGroupRequestData;
import org.apache.kafka.common.message.SyncGroupRequestData.SyncGroupRequestAssignment;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.FindCoordinatorRequest;
import org.apache.kafka.common.requests.FindCoordinatorResponse;
import org.apache.kafka.common.requests.HeartbeatRequest;
import org.apache.kafka.common.requests.HeartbeatResponse;
import org.apache.kafka.common.requests.JoinGroupRequest;
import org.apache.kafka.common.requests.JoinGroupResponse;
import org.apache.kafka.common.requests.LeaveGroupRequest;
import org.apache.kafka.common.requests.LeaveGroupResponse;
import org.apache.kafka.common.requests.OffsetCommitRequest;
import org.apache.kafka.common.requests.OffsetCommitResponse;
import org.apache.kafka.common.requests.OffsetFetchRequest;
import org.apache.kafka.common.requests.OffsetFetchResponse;
import org.apache.kafka.common.requests.SyncGroupRequest;
import org.apache.kafka.common.requests.SyncGroupResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ClassicGroupTest {
    private static final String GROUP = "orders";

    private ControlFixture broker = new ControlFixture();

    @AfterEach
    void close() {
        broker.close();
    }

    @Test
    void findingACoordinatorCreatesTheOffsetsTopicWithItsConfigurations() {
        assertThat(find(GROUP).errorCode()).isEqualTo(Errors.COORDINATOR_NOT_AVAILABLE.code());

        var found = find(GROUP);

        assertThat(found.errorCode()).isEqualTo(Errors.NONE.code());
        assertThat(found.nodeId()).isEqualTo(ControlFixture.NODE_ID);
        assertThat(found.host()).isEqualTo("broker.test");
        assertThat(found.port()).isEqualTo(9092);
        assertThat(broker.cluster
                        .image()
                        .topics()
                        .getTopic("__consumer_offsets")
                        .partitions())
                .hasSize(3);
        assertThat(broker.topicConfigs.apply("__consumer_offsets").compact).isTrue();
    }

    @Test
    void aTransactionalProducerThatLooksForACoordinatorIsToldAtOnceThatThereIsNone() {
        FindCoordinatorResponse response =
                broker.call(new FindCoordinatorRequest.Builder(new FindCoordinatorRequestData()
                                .setKeyType(FindCoordinatorRequest.CoordinatorType.TRANSACTION.id())
                                .setCoordinatorKeys(List.of("tx")))
                        .build((short) 6));

        var found = response.data().coordinators().get(0);
        assertThat(found.errorCode()).isEqualTo(Errors.UNSUPPORTED_VERSION.code());
        assertThat(found.errorMessage()).contains("Transactions are not served");
    }

    @Test
    void twoMembersJoinSyncCommitAndLeave() throws Exception {
        startGroups();
        broker.cluster.createTopic("events", 2);
        String first = memberId();
        String second = memberId();

        FakeRequest firstJoin = broker.send(join(first));
        JoinGroupResponseData alone = ((JoinGroupResponse) firstJoin.answer().get(20, TimeUnit.SECONDS)).data();
        assertThat(alone.errorCode()).isEqualTo(Errors.NONE.code());
        assertThat(sync(alone, Map.of(first, "all")).data().assignment()).isEqualTo(bytes("all"));

        FakeRequest secondJoin = broker.send(join(second));
        awaitRebalance(first, alone.generationId());
        JoinGroupResponseData asLeader = ((JoinGroupResponse) broker.call(join(first))).data();
        JoinGroupResponseData asMember =
                ((JoinGroupResponse) secondJoin.answer().get(20, TimeUnit.SECONDS)).data();
        assertThat(asLeader.members()).hasSize(2);
        assertThat(asMember.generationId()).isEqualTo(asLeader.generationId());

        FakeRequest secondSync = broker.send(syncRequest(asMember, Map.of()));
        assertThat(sync(asLeader, Map.of(first, "0", second, "1")).data().assignment())
                .isEqualTo(bytes("0"));
        assertThat(((SyncGroupResponse) secondSync.answer().get(20, TimeUnit.SECONDS))
                        .data()
                        .assignment())
                .isEqualTo(bytes("1"));

        int generation = asLeader.generationId();
        assertThat(commit(first, generation, "events", 0, 42)).isEqualTo(Errors.NONE);
        assertThat(commit(first, generation - 1, "events", 0, 43)).isEqualTo(Errors.ILLEGAL_GENERATION);
        assertThat(committed("events", 0)).isEqualTo(42);

        LeaveGroupResponse left =
                broker.call(new LeaveGroupRequest.Builder(GROUP, List.of(new MemberIdentity().setMemberId(second)))
                        .build((short) 5));
        assertThat(left.error()).isEqualTo(Errors.NONE);
        awaitRebalance(first, generation);
    }

    @Test
    void aNewBrokerProcessGoesOnWithGenerationAndOffsets() throws Exception {
        startGroups();
        broker.cluster.createTopic("events", 1);
        String member = memberId();
        JoinGroupResponseData joined = ((JoinGroupResponse) broker.call(join(member))).data();
        sync(joined, Map.of(member, "0"));
        assertThat(commit(member, joined.generationId(), "events", 0, 7)).isEqualTo(Errors.NONE);

        restart();

        await().atMost(Duration.ofSeconds(20)).until(() -> heartbeat(member, joined.generationId()) == Errors.NONE);
        assertThat(committed("events", 0)).isEqualTo(7);
        assertThat(commit(member, joined.generationId(), "events", 0, 8)).isEqualTo(Errors.NONE);
        assertThat(committed("events", 0)).isEqualTo(8);
    }

    @Test
    void aCommitIsNotAcknowledgedWhenTheLogFails() {
        startGroups();
        broker.cluster.createTopic("events", 1);
        String member = memberId();
        JoinGroupResponseData joined = ((JoinGroupResponse) broker.call(join(member))).data();
        sync(joined, Map.of(member, "0"));
        for (MemoryLog log : broker.partitions.all().values()) {
            if (log.id().topic().equals("__consumer_offsets")) {
                log.fail();
            }
        }

        assertThat(commit(member, joined.generationId(), "events", 0, 9)).isEqualTo(Errors.NOT_COORDINATOR);
    }

    @Test
    void aGroupThatIsNotCoordinatedHereIsRefused() {
        assertThat(heartbeat("nobody", 1)).isEqualTo(Errors.NOT_COORDINATOR);
    }

    @Test
    void commitsToUnknownTopicsAndPartitionsAreAnsweredOneByOne() {
        startGroups();
        Uuid id = broker.cluster.createTopic("events", 1);
        OffsetCommitRequestData commit = new OffsetCommitRequestData()
                .setGroupId(GROUP)
                .setTopics(List.of(
                        topic("events", 0, 5).setTopicId(id),
                        topic("events", 9, 5).setTopicId(id),
                        topic("gone", 0, 5).setTopicId(Uuid.randomUuid())));

        OffsetCommitResponse byId = broker.call(
                OffsetCommitRequest.Builder.forTopicIdsOrNames(commit).build((short) 10));
        assertThat(byId.data().topics().stream()
                        .flatMap(topic -> topic.partitions().stream())
                        .map(partition -> Errors.forCode(partition.errorCode())))
                .containsExactlyInAnyOrder(Errors.NONE, Errors.UNKNOWN_TOPIC_OR_PARTITION, Errors.UNKNOWN_TOPIC_ID);

        OffsetCommitResponse byName =
                broker.call(OffsetCommitRequest.Builder.forTopicNames(commit).build((short) 9));
        assertThat(byName.data().topics().stream()
                        .filter(topic -> topic.name().equals("gone"))
                        .map(OffsetCommitResponseTopic::partitions)
                        .flatMap(List::stream)
                        .map(partition -> Errors.forCode(partition.errorCode())))
                .containsExactly(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    }

    @Test
    void fetchingOffsetsAnswersEachGroupAndUnknownIdsByThemselves() {
        startGroups();
        Uuid id = broker.cluster.createTopic("events", 2);
        assertThat(commit("", -1, "events", 1, 11)).isEqualTo(Errors.NONE);
        OffsetFetchRequestData request = new OffsetFetchRequestData()
                .setGroups(List.of(
                        new OffsetFetchRequestGroup()
                                .setGroupId(GROUP)
                                .setTopics(List.of(
                                        new OffsetFetchRequestTopics()
                                                .setTopicId(id)
                                                .setPartitionIndexes(List.of(0, 1)),
                                        new OffsetFetchRequestTopics()
                                                .setTopicId(Uuid.randomUuid())
                                                .setPartitionIndexes(List.of(0)))),
                        new OffsetFetchRequestGroup().setGroupId("other").setTopics(null)));

        OffsetFetchResponse response = broker.call(
                OffsetFetchRequest.Builder.forTopicIdsOrNames(request, false).build((short) 10));

        OffsetFetchResponseGroup group = response.group(GROUP);
        assertThat(group.topics().stream()
                        .filter(topic -> topic.topicId().equals(id))
                        .flatMap(topic -> topic.partitions().stream())
                        .map(partition -> partition.committedOffset()))
                .containsExactlyInAnyOrder(-1L, 11L);
        assertThat(group.topics().stream()
                        .filter(topic -> !topic.topicId().equals(id))
                        .flatMap(topic -> topic.partitions().stream())
                        .map(partition -> Errors.forCode(partition.errorCode())))
                .containsExactly(Errors.UNKNOWN_TOPIC_ID);
        assertThat(response.group("other").topics()).isEmpty();
    }

    @Test
    void deletingATopicForgetsItsOffsets() {
        startGroups();
        Uuid id = broker.cluster.createTopic("events", 1);
        assertThat(commit("", -1, "events", 0, 3)).isEqualTo(Errors.NONE);

        broker.cluster.deleteTopics(List.of(id)).join();

        await().atMost(Duration.ofSeconds(20)).until(() -> committed("events", 0) == -1);
    }

    private void startGroups() {
        find(GROUP);
        await().atMost(Duration.ofSeconds(20))
                .until(() -> heartbeat("nobody", 1) != Errors.NOT_COORDINATOR
                        && heartbeat("nobody", 1) != Errors.COORDINATOR_LOAD_IN_PROGRESS);
    }

    /** Stops the coordinator and starts another over the same partitions, each under a new leader epoch. */
    private void restart() {
        broker.stop();
        MemoryCluster cluster = broker.cluster;
        MemoryPartitionLogs old = broker.partitions;
        MemoryPartitionLogs reopened = new MemoryPartitionLogs();
        Map<TopicPartition, MemoryLog> logs = old.all();
        broker = new ControlFixture(Map.of(), reopened, cluster);
        logs.values().forEach(log -> reopened.open(log.id(), log.leaderEpoch() + 1, log));
        old.close();
    }

    private org.apache.kafka.common.message.FindCoordinatorResponseData.Coordinator find(String group) {
        FindCoordinatorResponse response =
                broker.call(new FindCoordinatorRequest.Builder(new FindCoordinatorRequestData()
                                .setKeyType(FindCoordinatorRequest.CoordinatorType.GROUP.id())
                                .setCoordinatorKeys(List.of(group)))
                        .build((short) 6));
        return response.data().coordinators().get(0);
    }

    private String memberId() {
        JoinGroupResponse response = broker.call(join(""));
        assertThat(response.error()).isEqualTo(Errors.MEMBER_ID_REQUIRED);
        return response.data().memberId();
    }

    private static JoinGroupRequest join(String memberId) {
        JoinGroupRequestProtocolCollection protocols = new JoinGroupRequestProtocolCollection();
        protocols.add(new JoinGroupRequestProtocol().setName("range").setMetadata(bytes("m")));
        return new JoinGroupRequest.Builder(new JoinGroupRequestData()
                        .setGroupId(GROUP)
                        .setMemberId(memberId)
                        .setProtocolType("consumer")
                        .setProtocols(protocols)
                        .setSessionTimeoutMs(30_000)
                        .setRebalanceTimeoutMs(30_000))
                .build((short) 9);
    }

    private SyncGroupResponse sync(JoinGroupResponseData joined, Map<String, String> assignments) {
        SyncGroupResponse response = broker.call(syncRequest(joined, assignments));
        assertThat(response.error()).isEqualTo(Errors.NONE);
        return response;
    }

    private static SyncGroupRequest syncRequest(JoinGroupResponseData joined, Map<String, String> assignments) {
        return new SyncGroupRequest.Builder(new SyncGroupRequestData()
                        .setGroupId(GROUP)
                        .setMemberId(joined.memberId())
                        .setGenerationId(joined.generationId())
                        .setProtocolType("consumer")
                        .setProtocolName("range")
                        .setAssignments(assignments.entrySet().stream()
                                .map(entry -> new SyncGroupRequestAssignment()
                                        .setMemberId(entry.getKey())
                                        .setAssignment(bytes(entry.getValue())))
                                .toList()))
                .build((short) 5);
    }

    private void awaitRebalance(String member, int generation) {
        await().atMost(Duration.ofSeconds(20))
                .until(() -> heartbeat(member, generation) == Errors.REBALANCE_IN_PROGRESS);
    }

    private Errors heartbeat(String member, int generation) {
        HeartbeatResponse response = broker.call(new HeartbeatRequest.Builder(new HeartbeatRequestData()
                        .setGroupId(GROUP)
                        .setMemberId(member)
                        .setGenerationId(generation))
                .build((short) 4));
        return response.error();
    }

    private Errors commit(String member, int generation, String topic, int partition, long offset) {
        OffsetCommitResponse response =
                broker.call(OffsetCommitRequest.Builder.forTopicNames(new OffsetCommitRequestData()
                                .setGroupId(GROUP)
                                .setMemberId(member)
                                .setGenerationIdOrMemberEpoch(generation)
                                .setTopics(List.of(topic(topic, partition, offset))))
                        .build((short) 9));
        return Errors.forCode(
                response.data().topics().get(0).partitions().get(0).errorCode());
    }

    private static OffsetCommitRequestTopic topic(String name, int partition, long offset) {
        return new OffsetCommitRequestTopic()
                .setName(name)
                .setPartitions(List.of(new OffsetCommitRequestPartition()
                        .setPartitionIndex(partition)
                        .setCommittedOffset(offset)));
    }

    private long committed(String topic, int partition) {
        OffsetFetchResponse response = broker.call(OffsetFetchRequest.Builder.forTopicNames(
                        new OffsetFetchRequestData()
                                .setGroups(List.of(new OffsetFetchRequestGroup()
                                        .setGroupId(GROUP)
                                        .setTopics(List.of(new OffsetFetchRequestTopics()
                                                .setName(topic)
                                                .setPartitionIndexes(List.of(partition)))))),
                        false)
                .build((short) 9));
        OffsetFetchResponseGroup group = response.group(GROUP);
        assertThat(group.errorCode()).isEqualTo(Errors.NONE.code());
        return group.topics().get(0).partitions().get(0).committedOffset();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
