// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static io.freshet.metadata.TestNode.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.ConfigChange;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.PartitionHandOver;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.MetadataFormat.Voter;
import io.freshet.metadata.balance.BalanceDescription;
import io.freshet.metadata.balance.BalanceDescription.BrokerState;
import io.freshet.metadata.balance.Load;
import io.freshet.metadata.balance.LoadReport;
import io.freshet.metadata.balance.PartitionLoad;
import io.freshet.metadata.log.RaftLogSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three voters keep four brokers even, which are played by the test: they report loads and fulfil wishes. */
class BalancingTest {
    private static final int FIRST_PORT = 9193;
    private static final int BROKERS = 4;
    private static final double MIB = 1 << 20;
    private static final Map<String, String> QUICK = Map.of(
            "controller.quorum.election.timeout.ms", "1000",
            "controller.quorum.fetch.timeout.ms", "2000",
            "controller.quorum.election.backoff.max.ms", "500");

    @TempDir
    Path directory;

    private final LocalRaftNetwork raft = new LocalRaftNetwork();
    private final LocalCommandNetwork commands = new LocalCommandNetwork();
    private final Map<Integer, TestNode> nodes = new TreeMap<>();
    private final Map<Integer, RegisteredBroker> registered = new HashMap<>();

    @BeforeEach
    void start() {
        String clusterId = MetadataFormat.newClusterId(Randomness.secure());
        List<Voter> voters = new ArrayList<>();
        for (int id = 1; id <= 3; id++) {
            voters.add(new Voter(id, Uuid.randomUuid(), "localhost", FIRST_PORT + id));
        }
        for (int id = 1; id <= 3; id++) {
            MetadataFormat.format(directory(id), clusterId, id, RaftLogSettings.CONTROLLER_LISTENER, voters);
        }
        for (int id = 1; id <= 3; id++) {
            open(id);
        }
        nodes.values().forEach(node -> get(node.node.ready()));
        for (int id = 1; id <= BROKERS; id++) {
            join(id);
        }
    }

    private Path directory(int id) {
        return directory.resolve("node-" + id);
    }

    private static String address(int id) {
        return "localhost:" + (FIRST_PORT + id);
    }

    private void open(int id) {
        MetadataNodeConfig config = TestNode.voterConfig(directory(id), id, FIRST_PORT + id, QUICK);
        TestNode node = TestNode.vote(
                config,
                new QuorumLink(
                        List.of(address(1), address(2), address(3)), raft.channel(), Optional.of(commands.routing())));
        nodes.put(id, node);
        raft.join(address(id), node.node);
        commands.join(id, node.node);
    }

    private void stop(int id) {
        raft.leave(address(id));
        commands.leave(id);
        Objects.requireNonNull(nodes.remove(id)).close();
    }

    @AfterEach
    void stop() {
        List.copyOf(nodes.keySet()).forEach(this::stop);
        commands.close();
    }

    private void join(int id) {
        ClusterController controller = any().controller;
        RegisteredBroker broker = get(controller.registerBroker(new BrokerSpec(
                id,
                Uuid.randomUuid(),
                List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092 + id)),
                null,
                List.of("s3"))));
        registered.put(id, broker);
        get(controller.heartbeat(new BrokerHeartbeat(id, broker.brokerEpoch(), broker.offset(), true, false)));
        if (id == 2) {
            any().createTopic("t", 40); // two brokers lead all of it
        }
    }

    private TestNode any() {
        return nodes.values().iterator().next();
    }

    private TopicImage topic() {
        return any().node.image().topics().getTopic("t");
    }

    private long epoch(int brokerId) {
        return Objects.requireNonNull(registered.get(brokerId)).brokerEpoch();
    }

    /** Every broker says what its partitions bear: partition p bears p + 10 tenths of a MiB. */
    private void report() {
        for (int id = 1; id <= BROKERS; id++) {
            List<PartitionLoad> loads = new ArrayList<>();
            for (Map.Entry<Integer, PartitionRegistration> entry :
                    topic().partitions().entrySet()) {
                if (entry.getValue().leader == id) {
                    double bytes = (entry.getKey() + 10) * MIB / 10;
                    loads.add(new PartitionLoad(topic().id(), entry.getKey(), new Load(bytes, bytes, 20)));
                }
            }
            get(any().controller.reportLoads(new LoadReport(id, epoch(id), loads, Load.NONE)));
        }
    }

    /** Every broker hands over what it is asked to. */
    private void handOver() {
        for (MoveWish wish : any().node.manifests().wishes()) {
            PartitionRegistration partition = topic().partitions().get(wish.partition());
            if (partition != null && partition.leader != wish.targetBrokerId()) {
                get(any().controller
                        .handOver(
                                partition.leader,
                                epoch(partition.leader),
                                List.of(new PartitionHandOver(
                                        wish.topicId(),
                                        wish.partition(),
                                        partition.leaderEpoch,
                                        wish.targetBrokerId()))));
            }
        }
    }

    private Map<Integer, Integer> led() {
        Map<Integer, Integer> counts = new TreeMap<>();
        topic().partitions().values().forEach(partition -> counts.merge(partition.leader, 1, Integer::sum));
        return counts;
    }

    private BalanceDescription describe() {
        return get(any().controller.describeBalance());
    }

    private void set(String key, String value) {
        ConfigResource everyBroker = new ConfigResource(ConfigResource.Type.BROKER, "");
        assertThat(get(any().controller
                        .incrementalAlterConfigs(
                                Map.of(everyBroker, Map.of(key, new ConfigChange(OpType.SET, value))), false)))
                .allSatisfy((resource, error) -> assertThat(error.isFailure()).isFalse());
    }

    private static void await(Runnable check) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(40))
                .pollInterval(Duration.ofMillis(200))
                .ignoreExceptions()
                .untilAsserted(check::run);
    }

    private void requireEven(BalanceDescription balance) {
        assertThat(balance.brokers()).hasSize(BROKERS);
        for (BrokerState broker : balance.brokers()) {
            assertThat(broker.load().bytesIn())
                    .isBetween(
                            0.9 * balance.mean().bytesIn(), 1.1 * balance.mean().bytesIn());
            assertThat(broker.partitions()).isBetween(9, 11);
        }
    }

    @Test
    void brokersBecomeEvenAndANewControllerWaitsForReports() {
        assertThat(led()).isEqualTo(Map.of(1, 20, 2, 20));
        assertThat(describe().notes()).anyMatch(note -> note.contains("[1, 2, 3, 4] have reported"));
        report();
        BalanceDescription skewed = describe();
        assertThat(skewed.moves()).hasSizeBetween(18, 24);
        assertThat(skewed.movesAllowed()).isEqualTo(skewed.moves().size());
        await(() -> {
            report();
            handOver();
            assertThat(led()).hasSize(BROKERS);
            BalanceDescription now = describe();
            assertThat(now.underWay()).isEmpty();
            assertThat(now.moves()).isEmpty();
            requireEven(now);
        });
        Map<Integer, Integer> even = led();
        assertThat(describe().movesInLastMinute()).isPositive();
        assertThat(describe().notes()).anyMatch(note -> note.contains("nothing has to move"));
        stop(any().node.leaderNode().orElseThrow().id());
        await(() -> assertThat(describe().notes()).anyMatch(note -> note.contains("[1, 2, 3, 4] have reported")));
        report();
        BalanceDescription anew = describe();
        assertThat(anew.movesInLastMinute()).isZero();
        requireEven(anew);
        assertThat(led()).isEqualTo(even);
        assertThatThrownBy(() -> get(any().controller.reportLoads(new LoadReport(1, 3, List.of(), Load.NONE))))
                .isInstanceOfSatisfying(
                        FreshetException.class,
                        error -> assertThat(error.kind()).isEqualTo(ErrorKind.FENCED));
    }

    @Test
    void keepsToItsSettingsAndTakesBackWhatNobodyDoes() {
        set("balance.enabled", "false");
        set("balance.moves.per.minute", "3");
        set("balance.exclude.brokers", "4");
        report();
        BalanceDescription paused = describe();
        assertThat(paused.settings().isEnabled()).isFalse();
        assertThat(paused.moves()).hasSizeGreaterThan(10).allMatch(move -> move.toBrokerId() != 4);
        assertThat(paused.movesAllowed()).isZero();
        assertThat(paused.notes()).anyMatch(note -> note.contains("paused")).anyMatch(note -> note.contains("limit"));
        assertThat(paused.brokers().get(3).whyNot()).contains("balance.exclude.brokers");
        set("balance.enabled", "true");
        await(() -> {
            report();
            assertThat(any().node.manifests().wishes()).hasSize(3).allMatch(wish -> wish.targetBrokerId() != 4);
        });
        report();
        BalanceDescription limited = describe();
        assertThat(limited.underWay()).hasSize(3);
        assertThat(limited.movesInLastMinute()).isEqualTo(3);
        assertThat(limited.movesAllowed()).isZero();
        assertThat(limited.restingPartitions()).isEqualTo(3);
        set("balance.enabled", "false");
        await(() -> assertThat(any().node.manifests().wishes()).isEmpty());
        PartitionRegistration other =
                Objects.requireNonNull(topic().partitions().get(0));
        assertThat(get(any().controller
                        .handOver(
                                other.leader,
                                epoch(other.leader),
                                List.of(new PartitionHandOver(topic().id(), 0, other.leaderEpoch, 3 - other.leader)))))
                .containsExactly(true);
        await(() -> assertThat(describe().restingPartitions()).isEqualTo(4));
        assertThat(describe().movesInLastMinute()).isEqualTo(3);
        set("balance.exclude.topics", "t");
        assertThat(describe().moves()).isEmpty();
        assertThat(describe().excludedPartitions()).isEqualTo(40);
    }
}
