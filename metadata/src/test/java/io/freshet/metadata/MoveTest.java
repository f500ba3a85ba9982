// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static io.freshet.metadata.TestNode.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.ConfigChange;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.PartitionHandOver;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.BrokerIdNotRegisteredException;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignablePartition;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableReplicaAssignment;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.ElectLeadersRequestData;
import org.apache.kafka.common.message.ElectLeadersRequestData.TopicPartitions;
import org.apache.kafka.common.message.ElectLeadersResponseData.PartitionResult;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.metadata.PartitionRegistration;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Moves that somebody asks for: reassignments, elections, draining, handing over; and where new partitions go. */
class MoveTest {
    @TempDir
    Path directory;

    private final Map<Integer, RegisteredBroker> registered = new HashMap<>();
    private TestNode node;

    private RegisteredBroker session(int id) {
        return Objects.requireNonNull(registered.get(id));
    }

    @BeforeEach
    void start() {
        TestNode.format(directory);
        node = TestNode.start(directory);
        for (int id = 1; id <= 4; id++) {
            join(id, null);
        }
    }

    @AfterEach
    void stop() {
        node.close();
    }

    private void join(int id, @Nullable String rack) {
        RegisteredBroker broker = get(node.controller.registerBroker(new BrokerSpec(
                id,
                Uuid.randomUuid(),
                List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092 + id)),
                rack,
                List.of("s3"))));
        registered.put(id, broker);
        beat(id, false);
    }

    private void beat(int id, boolean wantsShutdown) {
        RegisteredBroker broker = session(id);
        get(node.controller.heartbeat(
                new BrokerHeartbeat(id, broker.brokerEpoch(), broker.offset(), true, wantsShutdown)));
    }

    /** A topic with one partition for each list of replicas. */
    @SafeVarargs
    private final Uuid topic(String name, List<Integer>... replicas) {
        CreatableTopic topic =
                new CreatableTopic().setName(name).setNumPartitions(-1).setReplicationFactor((short) -1);
        for (int i = 0; i < replicas.length; i++) {
            topic.assignments()
                    .add(new CreatableReplicaAssignment().setPartitionIndex(i).setBrokerIds(replicas[i]));
        }
        CreateTopicsRequestData request = new CreateTopicsRequestData();
        request.topics().add(topic);
        get(node.controller.createTopics(request, Set.of(name)));
        return node.node.image().topics().getTopic(name).id();
    }

    private PartitionRegistration partition(String topic, int partition) {
        return Objects.requireNonNull(
                node.node.image().topics().getTopic(topic).partitions().get(partition));
    }

    private Errors reassign(String topic, int partition, @Nullable List<Integer> replicas) {
        return reassign(topic, partition, replicas, true);
    }

    private Errors reassign(String topic, int partition, @Nullable List<Integer> replicas, boolean mayChangeFactor) {
        AlterPartitionReassignmentsRequestData request =
                new AlterPartitionReassignmentsRequestData().setAllowReplicationFactorChange(mayChangeFactor);
        request.topics()
                .add(new ReassignableTopic()
                        .setName(topic)
                        .setPartitions(List.of(new ReassignablePartition()
                                .setPartitionIndex(partition)
                                .setReplicas(replicas))));
        return Errors.forCode(get(node.controller.alterPartitionReassignments(request))
                .responses()
                .get(0)
                .partitions()
                .get(0)
                .errorCode());
    }

    private Map<Integer, Errors> elect(ElectionType type, String topic, Integer... partitions) {
        ElectLeadersRequestData request = new ElectLeadersRequestData().setElectionType(type.value);
        request.topicPartitions().add(new TopicPartitions().setTopic(topic).setPartitions(Arrays.asList(partitions)));
        Map<Integer, Errors> answers = new TreeMap<>();
        for (PartitionResult result : get(node.controller.electLeaders(request))
                .replicaElectionResults()
                .get(0)
                .partitionResult()) {
            answers.put(result.partitionId(), Errors.forCode(result.errorCode()));
        }
        return answers;
    }

    private List<Boolean> handOver(int brokerId, PartitionHandOver... partitions) {
        return get(node.controller.handOver(brokerId, session(brokerId).brokerEpoch(), List.of(partitions)));
    }

    private static List<Integer> list(int... values) {
        return Arrays.stream(values).boxed().toList();
    }

    @Test
    void aReassignmentThatKeepsTheLeaderIsDoneAtOnce() {
        topic("t", List.of(1, 2));
        assertThat(reassign("t", 0, List.of(3, 1))).isEqualTo(Errors.NONE);
        PartitionRegistration now = partition("t", 0);
        assertThat(list(now.replicas)).containsExactly(3, 1);
        assertThat(list(now.isr)).containsExactly(3, 1);
        assertThat(now.leader).isEqualTo(1);
        assertThat(now.addingReplicas).isEmpty();
        assertThat(node.node.manifests().wishes()).isEmpty();
    }

    @Test
    void aReassignmentOfTheLeaderWaitsForItsHandOver() {
        Uuid id = topic("t", List.of(1, 2));
        assertThat(reassign("t", 0, List.of(3, 4))).isEqualTo(Errors.NONE);
        PartitionRegistration meanwhile = partition("t", 0);
        assertThat(list(meanwhile.replicas)).containsExactly(3, 4, 1, 2);
        assertThat(list(meanwhile.addingReplicas)).containsExactly(3, 4);
        assertThat(list(meanwhile.removingReplicas)).containsExactly(1, 2);
        assertThat(meanwhile.leader).isEqualTo(1);
        assertThat(node.node.manifests().wishes()).containsExactly(new MoveWish(id, 0, 3));
        assertThat(handOver(1, new PartitionHandOver(id, 0, meanwhile.leaderEpoch + 1, 3)))
                .containsExactly(false);
        assertThat(handOver(1, new PartitionHandOver(id, 0, meanwhile.leaderEpoch, 3)))
                .containsExactly(true);
        PartitionRegistration now = partition("t", 0);
        assertThat(list(now.replicas)).containsExactly(3, 4);
        assertThat(list(now.isr)).containsExactly(3, 4);
        assertThat(now.leader).isEqualTo(3);
        assertThat(now.leaderEpoch).isEqualTo(meanwhile.leaderEpoch + 1);
        assertThat(now.addingReplicas).isEmpty();
        assertThat(now.removingReplicas).isEmpty();
        assertThat(node.node.manifests().wishes()).isEmpty();
        assertThat(reassign("t", 0, null)).isEqualTo(Errors.NO_REASSIGNMENT_IN_PROGRESS);
    }

    @Test
    void aReassignmentCanBeChangedAndCancelled() {
        Uuid id = topic("t", List.of(1, 2));
        reassign("t", 0, List.of(3, 4));
        assertThat(reassign("t", 0, List.of(4, 2))).isEqualTo(Errors.NONE);
        assertThat(list(partition("t", 0).replicas)).containsExactly(4, 2, 1);
        assertThat(list(partition("t", 0).addingReplicas)).containsExactly(4);
        assertThat(node.node.manifests().wishes()).containsExactly(new MoveWish(id, 0, 4));
        assertThat(reassign("t", 0, null)).isEqualTo(Errors.NONE);
        assertThat(list(partition("t", 0).replicas)).containsExactlyInAnyOrder(1, 2);
        assertThat(partition("t", 0).addingReplicas).isEmpty();
        assertThat(partition("t", 0).removingReplicas).isEmpty();
        assertThat(node.node.manifests().wishes()).isEmpty();
    }

    @Test
    void refusesWhatKafkaRefuses() {
        topic("t", List.of(1, 2));
        assertThat(reassign("none", 0, List.of(1))).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION);
        assertThat(reassign("t", 7, List.of(1))).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION);
        assertThat(reassign("t", 0, List.of())).isEqualTo(Errors.INVALID_REPLICA_ASSIGNMENT);
        assertThat(reassign("t", 0, List.of(1, 1))).isEqualTo(Errors.INVALID_REPLICA_ASSIGNMENT);
        assertThat(reassign("t", 0, List.of(1, 99))).isEqualTo(Errors.INVALID_REPLICA_ASSIGNMENT);
        assertThat(reassign("t", 0, null)).isEqualTo(Errors.NO_REASSIGNMENT_IN_PROGRESS);
        assertThat(reassign("t", 0, List.of(1), false)).isEqualTo(Errors.INVALID_REPLICATION_FACTOR);
        assertThat(reassign("t", 0, List.of(1))).isEqualTo(Errors.NONE);
    }

    @Test
    void aPreferredElectionIsAWish() {
        Uuid id = topic("t", List.of(1, 2), List.of(2, 1), List.of(3, 1));
        reassign("t", 0, List.of(2, 1));
        assertThat(elect(ElectionType.PREFERRED, "t", 0, 1, 9))
                .isEqualTo(Map.of(0, Errors.NONE, 1, Errors.ELECTION_NOT_NEEDED, 9, Errors.UNKNOWN_TOPIC_OR_PARTITION));
        assertThat(node.node.manifests().wishes()).containsExactly(new MoveWish(id, 0, 2));
        assertThat(handOver(1, new PartitionHandOver(id, 0, partition("t", 0).leaderEpoch, 2)))
                .containsExactly(true);
        assertThat(list(partition("t", 0).replicas)).containsExactly(2, 1);
        reassign("t", 1, List.of(4, 2));
        beat(4, true);
        assertThat(elect(ElectionType.PREFERRED, "t", 1)).isEqualTo(Map.of(1, Errors.PREFERRED_LEADER_NOT_AVAILABLE));
        assertThat(elect(ElectionType.UNCLEAN, "t", 1)).isEqualTo(Map.of(1, Errors.ELECTION_NOT_NEEDED));
        assertThatThrownBy(() ->
                        get(node.controller.electLeaders(new ElectLeadersRequestData().setElectionType((byte) 7))))
                .isInstanceOf(InvalidRequestException.class);
    }

    @Test
    void onlyThePresentLeaderHandsOverAndOnlyToWhoServes() {
        Uuid id = topic("t", List.of(1), List.of(2));
        assertThat(handOver(
                        1,
                        new PartitionHandOver(id, 1, 0, 3),
                        new PartitionHandOver(id, 0, 0, 99),
                        new PartitionHandOver(id, 0, 7, 1),
                        new PartitionHandOver(Uuid.randomUuid(), 0, 0, 2)))
                .containsExactly(false, false, false, false);
        assertThatThrownBy(() -> get(node.controller.handOver(1, 5, List.of())))
                .isInstanceOfSatisfying(
                        FreshetException.class,
                        error -> assertThat(error.kind()).isEqualTo(ErrorKind.FENCED));
        assertThat(handOver(1, new PartitionHandOver(id, 0, 0, 3))).containsExactly(true);
        assertThat(list(partition("t", 0).replicas)).containsExactly(3);
    }

    @Test
    void aLeaderThatTakesItsPartitionAnewVoidsAnEarlierHandOver() {
        Uuid id = topic("t", List.of(1, 2));
        reassign("t", 0, List.of(3, 4));
        PartitionRegistration before = partition("t", 0);
        PartitionHandOver lost = new PartitionHandOver(id, 0, before.leaderEpoch, 3);
        assertThat(handOver(1, new PartitionHandOver(id, 0, before.leaderEpoch, 1)))
                .containsExactly(true);
        PartitionRegistration now = partition("t", 0);
        assertThat(now.leader).isEqualTo(1);
        assertThat(now.leaderEpoch).isEqualTo(before.leaderEpoch + 1);
        assertThat(list(now.addingReplicas)).containsExactly(3, 4);
        assertThat(list(now.replicas)).isEqualTo(list(before.replicas));
        assertThat(node.node.manifests().wishes()).containsExactly(new MoveWish(id, 0, 3));
        assertThat(handOver(1, lost)).containsExactly(false);
        assertThat(handOver(1, new PartitionHandOver(id, 0, now.leaderEpoch, 3)))
                .containsExactly(true);
    }

    @Test
    void aBrokerCanBeDrainedByItsConfiguration() {
        Uuid id = topic("t", List.of(1, 2));
        ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
        get(node.controller.incrementalAlterConfigs(
                Map.of(broker, Map.of("broker.drained", new ConfigChange(AlterConfigOp.OpType.SET, "true"))), false));
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> !node.node.manifests().wishes().isEmpty());
        assertThat(node.node.manifests().wishes()).containsExactly(new MoveWish(id, 0, 2));
        assertThat(handOver(1, new PartitionHandOver(id, 0, partition("t", 0).leaderEpoch, 2)))
                .containsExactly(true);
        node.createTopic("u", 8);
        assertThat(node.node.image().topics().getTopic("u").partitions().values())
                .noneMatch(partition -> partition.leader == 1);
        get(node.controller.incrementalAlterConfigs(
                Map.of(broker, Map.of("broker.drained", new ConfigChange(AlterConfigOp.OpType.DELETE, null))), false));
        node.createTopic("v", 8);
        assertThat(node.node.image().topics().getTopic("v").partitions().values())
                .anyMatch(partition -> partition.leader == 1);
    }

    @Test
    void aDrainedBrokerGetsNothingAndIsToGiveAwayAll() {
        topic("t", List.of(1, 2), List.of(1, 3), List.of(1, 4), List.of(1), List.of(1), List.of(1), List.of(2));
        get(node.controller.drainBroker(1, true));
        get(node.controller.drainBroker(1, true));
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> node.node.manifests().wishes().size() == 6);
        Map<Integer, Integer> targets = new TreeMap<>();
        node.node.manifests().wishes().forEach(wish -> targets.merge(wish.targetBrokerId(), 1, Integer::sum));
        assertThat(targets).isEqualTo(Map.of(2, 2, 3, 2, 4, 2));
        node.createTopic("u", 6);
        for (int i = 0; i < 6; i++) {
            assertThat(partition("u", i).leader).isNotEqualTo(1);
        }
        for (MoveWish wish : node.node.manifests().wishes()) {
            int epoch = partition("t", wish.partition()).leaderEpoch;
            assertThat(handOver(
                            1, new PartitionHandOver(wish.topicId(), wish.partition(), epoch, wish.targetBrokerId())))
                    .containsExactly(true);
        }
        assertThat(node.node.manifests().wishes()).isEmpty();
        assertThat(node.node.manifests().member(1).orElseThrow().isDrained()).isTrue();
        join(1, null);
        assertThat(node.node.manifests().member(1).orElseThrow().isDrained()).isTrue();
        get(node.controller.drainBroker(1, false));
        assertThat(node.node.manifests().member(1).orElseThrow().isDrained()).isFalse();
        assertThatThrownBy(() -> get(node.controller.drainBroker(99, true)))
                .isInstanceOf(BrokerIdNotRegisteredException.class);
    }

    @Test
    void aSnapshotKeepsBrokersWishesAndLanes() {
        Uuid id = topic("t", List.of(1, 2), List.of(2));
        get(node.controller.drainBroker(3, true));
        reassign("t", 0, List.of(2, 4));
        List<MemberState> members = node.node.manifests().members();
        List<MoveWish> wishes = node.node.manifests().wishes();
        assertThat(members)
                .extracting(MemberState::brokerId, MemberState::isDrained, MemberState::walLanes)
                .contains(tuple(3, true, List.of("s3")), tuple(4, false, List.of("s3")));
        assertThat(wishes).containsExactly(new MoveWish(id, 0, 2));
        assertThat(get(node.node.snapshotNow())).isTrue();
        node.close();
        TestNode.delete(directory.resolve("manifests"));
        node = TestNode.start(directory);
        assertThat(node.node.manifests().members()).isEqualTo(members);
        assertThat(node.node.manifests().wishes()).isEqualTo(wishes);
    }

    @Test
    void forgetsOnlyABrokerThatIsGone() {
        assertThatThrownBy(() -> get(node.controller.unregisterBroker(99)))
                .isInstanceOf(BrokerIdNotRegisteredException.class);
        assertThatThrownBy(() -> get(node.controller.unregisterBroker(4))).isInstanceOf(InvalidRequestException.class);
        assertThat(node.node.image().cluster().broker(4)).isNotNull();
    }

    @Test
    void newPartitionsAreSpreadEvenlyOverBrokersAndRacks() {
        join(1, "a");
        join(2, "a");
        join(3, "b");
        join(4, "b");
        CreateTopicsRequestData request = new CreateTopicsRequestData();
        for (int i = 0; i < 10; i++) {
            request.topics()
                    .add(new CreatableTopic()
                            .setName("s" + i)
                            .setNumPartitions(2)
                            .setReplicationFactor((short) 2));
        }
        get(node.controller.createTopics(request, Set.of()));
        Map<Integer, Integer> led = new TreeMap<>();
        List<Set<String>> racks = new ArrayList<>();
        node.node
                .image()
                .topics()
                .topicsById()
                .values()
                .forEach(topic -> topic.partitions().values().forEach(partition -> {
                    led.merge(partition.leader, 1, Integer::sum);
                    assertThat(partition.replicas[0]).isEqualTo(partition.leader);
                    Set<String> ofPartition = new HashSet<>();
                    list(partition.replicas).forEach(id -> ofPartition.add(id <= 2 ? "a" : "b"));
                    racks.add(ofPartition);
                }));
        assertThat(led).isEqualTo(Map.of(1, 5, 2, 5, 3, 5, 4, 5));
        assertThat(racks).hasSize(20).allMatch(ofPartition -> ofPartition.size() == 2);
        node.createTopic("many", 7);
        assertThat(partition("many", 0).replicas).hasSize(3);
    }
}
