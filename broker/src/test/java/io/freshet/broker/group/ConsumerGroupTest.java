// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.fake.ControlFixture;
import io.freshet.broker.fake.MemoryPartitionLogs;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ConsumerGroupDescribeRequestData;
import org.apache.kafka.common.message.ConsumerGroupHeartbeatRequestData;
import org.apache.kafka.common.message.ConsumerGroupHeartbeatRequestData.TopicPartitions;
import org.apache.kafka.common.message.ConsumerGroupHeartbeatResponseData;
import org.apache.kafka.common.message.DeleteGroupsRequestData;
import org.apache.kafka.common.message.DescribeGroupsRequestData;
import org.apache.kafka.common.message.FindCoordinatorRequestData;
import org.apache.kafka.common.message.ListGroupsRequestData;
import org.apache.kafka.common.message.OffsetDeleteRequestData;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestPartition;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestTopic;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestTopicCollection;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ConsumerGroupDescribeRequest;
import org.apache.kafka.common.requests.ConsumerGroupDescribeResponse;
import org.apache.kafka.common.requests.ConsumerGroupHeartbeatRequest;
import org.apache.kafka.common.requests.ConsumerGroupHeartbeatResponse;
import org.apache.kafka.common.requests.DeleteGroupsRequest;
import org.apache.kafka.common.requests.DeleteGroupsResponse;
import org.apache.kafka.common.requests.DescribeGroupsRequest;
import org.apache.kafka.common.requests.DescribeGroupsResponse;
import org.apache.kafka.common.requests.FindCoordinatorRequest;
import org.apache.kafka.common.requests.ListGroupsRequest;
import org.apache.kafka.common.requests.ListGroupsResponse;
import org.apache.kafka.common.requests.OffsetDeleteRequest;
import org.apache.kafka.common.requests.OffsetDeleteResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ConsumerGroupTest {
    private static final String GROUP = "payments";

    private static final Map<String, String> EAGER =
            Map.of("group.consumer.assignment.interval.ms", "0", "group.consumer.min.assignment.interval.ms", "0");

    private ControlFixture broker = new ControlFixture(EAGER);

    @AfterEach
    void close() {
        broker.close();
    }

    @BeforeEach
    void startGroups() {
        broker.call(new FindCoordinatorRequest.Builder(new FindCoordinatorRequestData()
                        .setKeyType(FindCoordinatorRequest.CoordinatorType.GROUP.id())
                        .setCoordinatorKeys(List.of(GROUP)))
                .build((short) 6));
        await().atMost(Duration.ofSeconds(20)).until(() -> {
            ListGroupsResponse response = list();
            return response.data().errorCode() == Errors.NONE.code();
        });
    }

    @Test
    void membersOfTheConsumerProtocolShareThePartitions() {
        Uuid topic = broker.cluster.createTopic("payments", 4);
        Member first = new Member(topic);
        first.heartbeat();
        await().atMost(Duration.ofSeconds(20)).until(() -> first.heartbeat().size() == 4);

        Member second = new Member(topic);
        await().atMost(Duration.ofSeconds(20)).until(() -> {
            first.heartbeat();
            second.heartbeat();
            return first.owned.size() == 2 && second.owned.size() == 2;
        });

        Set<Integer> all = new HashSet<>(first.owned);
        all.addAll(second.owned);
        assertThat(all).containsExactlyInAnyOrder(0, 1, 2, 3);
        ConsumerGroupDescribeResponse described =
                broker.call(new ConsumerGroupDescribeRequest.Builder(new ConsumerGroupDescribeRequestData()
                                .setGroupIds(List.of(GROUP))
                                .setIncludeAuthorizedOperations(true))
                        .build((short) 1));
        assertThat(described.data().groups().get(0).members()).hasSize(2);
        assertThat(described.data().groups().get(0).authorizedOperations()).isPositive();
        assertThat(list().data().groups())
                .singleElement()
                .satisfies(group -> assertThat(group.groupType()).isEqualToIgnoringCase("consumer"));
    }

    @Test
    void aNewBrokerProcessGoesOnWithTheMembersEpoch() {
        Uuid topic = broker.cluster.createTopic("payments", 2);
        Member member = new Member(topic);
        await().atMost(Duration.ofSeconds(20)).until(() -> member.heartbeat().size() == 2);
        int epoch = member.epoch;

        broker.stop();
        MemoryPartitionLogs old = broker.partitions;
        MemoryPartitionLogs reopened = new MemoryPartitionLogs();
        broker = new ControlFixture(EAGER, reopened, broker.cluster);
        old.all().values().forEach(log -> reopened.open(log.id(), log.leaderEpoch() + 1, log));
        old.close();

        await().atMost(Duration.ofSeconds(20)).until(() -> member.send(epoch).errorCode() == Errors.NONE.code());
        assertThat(member.heartbeat()).containsExactlyInAnyOrder(0, 1);
        assertThat(member.epoch).isEqualTo(epoch);
    }

    @Test
    void aGroupWithMembersCannotBeDeletedAndAnEmptyOneCan() {
        Uuid topic = broker.cluster.createTopic("payments", 1);
        Member member = new Member(topic);
        member.heartbeat();

        assertThat(delete()).isEqualTo(Errors.NON_EMPTY_GROUP);
        OffsetDeleteResponse refused = deleteOffsets("payments", "gone");
        assertThat(refused.data().topics().find("payments").partitions().find(0).errorCode())
                .isEqualTo(Errors.GROUP_SUBSCRIBED_TO_TOPIC.code());
        assertThat(refused.data().topics().find("gone").partitions().find(0).errorCode())
                .isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION.code());

        member.leave();
        assertThat(delete()).isEqualTo(Errors.NONE);
        assertThat(delete()).isEqualTo(Errors.GROUP_ID_NOT_FOUND);
    }

    @Test
    void describingAnUnknownClassicGroupSaysThatItIsDead() {
        DescribeGroupsResponse response = broker.call(
                new DescribeGroupsRequest.Builder(new DescribeGroupsRequestData().setGroups(List.of("nobody")))
                        .build((short) 6));

        assertThat(response.data().groups()).singleElement().satisfies(group -> {
            assertThat(group.errorCode()).isEqualTo(Errors.GROUP_ID_NOT_FOUND.code());
            assertThat(group.groupState()).isEqualTo("Dead");
        });
    }

    @Test
    void anInvalidHeartbeatIsRefused() {
        ConsumerGroupHeartbeatResponse response =
                broker.call(new ConsumerGroupHeartbeatRequest.Builder(new ConsumerGroupHeartbeatRequestData()
                                .setGroupId("")
                                .setMemberId("m")
                                .setMemberEpoch(0))
                        .build((short) 1));

        assertThat(response.data().errorCode()).isEqualTo(Errors.INVALID_REQUEST.code());
    }

    private ListGroupsResponse list() {
        return broker.call(new ListGroupsRequest.Builder(new ListGroupsRequestData()).build((short) 5));
    }

    private Errors delete() {
        DeleteGroupsResponse response = broker.call(
                new DeleteGroupsRequest.Builder(new DeleteGroupsRequestData().setGroupsNames(List.of(GROUP, GROUP)))
                        .build((short) 2));
        assertThat(response.data().results()).hasSize(1);
        return Errors.forCode(response.data().results().find(GROUP).errorCode());
    }

    private OffsetDeleteResponse deleteOffsets(String... topics) {
        OffsetDeleteRequestTopicCollection wanted = new OffsetDeleteRequestTopicCollection();
        for (String topic : topics) {
            wanted.add(new OffsetDeleteRequestTopic()
                    .setName(topic)
                    .setPartitions(List.of(new OffsetDeleteRequestPartition().setPartitionIndex(0))));
        }
        return broker.call(new OffsetDeleteRequest.Builder(
                        new OffsetDeleteRequestData().setGroupId(GROUP).setTopics(wanted))
                .build((short) 0));
    }

    /** A consumer that takes on whatever it is assigned and reports that with its next heartbeat. */
    private final class Member {
        private final Uuid topic;
        private final String id = Uuid.randomUuid().toString();
        private int epoch;
        private Set<Integer> owned = Set.of();

        Member(Uuid topic) {
            this.topic = topic;
        }

        Set<Integer> heartbeat() {
            ConsumerGroupHeartbeatResponseData answer = send(epoch);
            assertThat(Errors.forCode(answer.errorCode())).isEqualTo(Errors.NONE);
            epoch = answer.memberEpoch();
            if (answer.assignment() != null) {
                Set<Integer> assigned = new HashSet<>();
                answer.assignment().topicPartitions().forEach(part -> assigned.addAll(part.partitions()));
                owned = assigned;
            }
            return owned;
        }

        void leave() {
            assertThat(send(-1).errorCode()).isEqualTo(Errors.NONE.code());
        }

        private ConsumerGroupHeartbeatResponseData send(int memberEpoch) {
            ConsumerGroupHeartbeatRequestData data = new ConsumerGroupHeartbeatRequestData()
                    .setGroupId(GROUP)
                    .setMemberId(id)
                    .setMemberEpoch(memberEpoch)
                    .setRebalanceTimeoutMs(30_000)
                    .setSubscribedTopicNames(List.of("payments"))
                    .setTopicPartitions(
                            owned.isEmpty()
                                    ? List.of()
                                    : List.of(new TopicPartitions()
                                            .setTopicId(topic)
                                            .setPartitions(List.copyOf(owned))));
            ConsumerGroupHeartbeatResponse response =
                    broker.call(new ConsumerGroupHeartbeatRequest.Builder(data).build((short) 1));
            return response.data();
        }
    }
}
