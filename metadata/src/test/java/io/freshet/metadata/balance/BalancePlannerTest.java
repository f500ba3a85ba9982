// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.metadata.balance.ClusterLoad.Broker;
import io.freshet.metadata.balance.ClusterLoad.Led;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigException;
import org.junit.jupiter.api.Test;

class BalancePlannerTest {
    private static final long SEED = Long.getLong("freshet.test.seed", 20260101L);
    private static final double TOLERANCE = 0.1;
    private static final double MIB = 1 << 20;
    private static final Uuid TOPIC = new Uuid(7, 7);

    private static List<Broker> brokers(int count) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(id -> new Broker(id, null, true))
                .toList();
    }

    private static Led led(int partition, int leader, double bytesIn) {
        return new Led(TOPIC, "t", partition, leader, new Load(bytesIn, 2 * bytesIn, 10), true, List.of(leader));
    }

    private static ClusterLoad after(ClusterLoad before, List<PlannedMove> moves) {
        Map<Integer, Integer> targets = new HashMap<>();
        moves.forEach(move -> targets.put(move.partition(), move.toBrokerId()));
        return new ClusterLoad(
                before.brokers(),
                before.partitions().stream()
                        .map(led -> targets.containsKey(led.partition())
                                ? new Led(
                                        led.topicId(),
                                        led.topic(),
                                        led.partition(),
                                        targets.get(led.partition()),
                                        led.load(),
                                        led.isMovable(),
                                        led.replicas())
                                : led)
                        .toList());
    }

    private static double worst(ClusterLoad cluster) {
        BalancePlan plan = BalancePlanner.plan(cluster, TOLERANCE, 0);
        double worst = 0;
        for (BalancePlan.BrokerLoad broker : plan.loads()) {
            worst = Math.max(
                    worst, Math.abs(broker.load().bytesIn() / plan.mean().bytesIn() - 1));
            worst = Math.max(
                    worst, Math.abs(broker.load().bytesOut() / plan.mean().bytesOut() - 1));
            worst = Math.max(
                    worst, Math.abs(broker.load().requests() / plan.mean().requests() - 1));
            worst = Math.max(worst, Math.abs(broker.partitions() / plan.meanPartitions() - 1));
        }
        return worst;
    }

    @Test
    void spreadsASkewedClusterWithFewMoves() {
        List<Led> partitions = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            partitions.add(led(i, 1 + i % 2, MIB / 4));
        }
        ClusterLoad skewed = new ClusterLoad(brokers(5), partitions);
        assertThat(worst(skewed)).isGreaterThan(0.9);
        BalancePlan plan = BalancePlanner.plan(skewed, TOLERANCE, 1000);
        assertThat(plan.isComplete()).isTrue();
        assertThat(plan.leftOver()).isEmpty();
        assertThat(plan.moves()).hasSizeBetween(55, 60);
        assertThat(worst(after(skewed, plan.moves()))).isLessThanOrEqualTo(TOLERANCE);
        assertThat(plan.moves().get(0).reason()).contains("broker", "mean");
    }

    @Test
    void movesHotPartitionsFirstAndKeepsCountsEven() {
        List<Led> partitions = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            partitions.add(led(i, 1 + i / 8, i < 8 ? MIB : 1024));
        }
        ClusterLoad skewed = new ClusterLoad(brokers(5), partitions);
        BalancePlan plan = BalancePlanner.plan(skewed, 0.3, 1000);
        assertThat(plan.moves().subList(0, 4)).allSatisfy(move -> {
            assertThat(move.fromBrokerId()).isEqualTo(1);
            assertThat(move.partition()).isLessThan(8);
        });
        ClusterLoad even = after(skewed, plan.moves());
        Map<Integer, Integer> hot = new HashMap<>();
        even.partitions().stream()
                .filter(led -> led.partition() < 8)
                .forEach(led -> hot.merge(led.leader(), 1, Integer::sum));
        assertThat(hot.values()).allMatch(count -> count == 1 || count == 2);
        assertThat(BalancePlanner.plan(even, 0.3, 0).loads())
                .extracting(BalancePlan.BrokerLoad::partitions)
                .allMatch(count -> count >= 6 && count <= 10);
    }

    @Test
    void fillsANewBroker() {
        List<Led> partitions = new ArrayList<>();
        for (int i = 0; i < 90; i++) {
            partitions.add(led(i, 1 + i % 3, MIB / 10 * (1 + i % 5)));
        }
        BalancePlan plan = BalancePlanner.plan(new ClusterLoad(brokers(4), partitions), TOLERANCE, 1000);
        assertThat(plan.moves()).isNotEmpty().hasSizeLessThan(28);
        assertThat(plan.moves().stream().filter(move -> move.toBrokerId() == 4))
                .hasSizeGreaterThan(plan.moves().size() - 3);
        assertThat(plan.leftOver()).isEmpty();
    }

    @Test
    void leavesAPartitionThatIsMoreThanTheMeanAlone() {
        List<Led> partitions = new ArrayList<>(List.of(led(0, 1, 10 * MIB), led(1, 2, 10), led(2, 3, 10)));
        BalancePlan plan = BalancePlanner.plan(new ClusterLoad(brokers(3), partitions), TOLERANCE, 1000);
        assertThat(plan.moves()).isEmpty();
        assertThat(plan.leftOver()).anyMatch(left -> left.contains("broker 1") && left.contains("alone"));
        partitions.add(led(3, 1, 2 * MIB));
        partitions.add(led(4, 1, 2 * MIB));
        plan = BalancePlanner.plan(new ClusterLoad(brokers(3), partitions), TOLERANCE, 1000);
        assertThat(plan.moves()).extracting(PlannedMove::partition).containsExactlyInAnyOrder(3, 4);
        assertThat(plan.moves()).extracting(PlannedMove::toBrokerId).containsExactlyInAnyOrder(2, 3);
    }

    @Test
    void swapsWhereNoSingleMoveHelps() {
        List<Led> partitions = List.of(led(0, 1, 5 * MIB), led(1, 1, 3 * MIB), led(2, 2, 4 * MIB), led(3, 2, 2 * MIB));
        BalancePlan plan = BalancePlanner.plan(new ClusterLoad(brokers(2), partitions), TOLERANCE, 1000);
        assertThat(plan.moves()).hasSize(2);
        assertThat(plan.moves().get(1).reason()).contains("in exchange for t-");
        assertThat(plan.leftOver()).isEmpty();
        assertThat(BalancePlanner.plan(new ClusterLoad(brokers(2), partitions), TOLERANCE, 1)
                        .moves())
                .isEmpty();
    }

    @Test
    void evensTheRacksOut() {
        List<Broker> racked = List.of(
                new Broker(1, "a", true), new Broker(2, "a", true), new Broker(3, "b", true), new Broker(4, "b", true));
        List<Led> partitions = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            partitions.add(led(i, i < 4 ? 1 : 3, MIB));
        }
        partitions.add(led(8, 1, MIB));
        partitions.add(led(9, 1, MIB));
        // 6 in rack a, 4 in rack b: an even cluster has 5 and 5.
        ClusterLoad even = after(
                new ClusterLoad(racked, partitions),
                BalancePlanner.plan(new ClusterLoad(racked, partitions), TOLERANCE, 100)
                        .moves());
        assertThat(even.partitions().stream().filter(led -> led.leader() <= 2)).hasSize(5);
    }

    @Test
    void brokersThatTakeNoPartAndTopicsThatStayAreLeftAlone() {
        List<Broker> some = List.of(new Broker(1, null, true), new Broker(2, null, true), new Broker(3, null, false));
        List<Led> partitions = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            partitions.add(
                    new Led(TOPIC, "t", i, i < 16 ? 1 : 3, new Load(MIB, MIB, 10), i % 2 == 0, List.of(1, 2, 3)));
        }
        BalancePlan plan = BalancePlanner.plan(new ClusterLoad(some, partitions), TOLERANCE, 100);
        assertThat(plan.moves()).hasSize(8).allSatisfy(move -> {
            assertThat(move.fromBrokerId()).isEqualTo(1);
            assertThat(move.toBrokerId()).isEqualTo(2);
            assertThat(move.partition()).isEven().isLessThan(16);
        });
        assertThat(BalancePlanner.plan(new ClusterLoad(List.of(), partitions), TOLERANCE, 100)
                        .moves())
                .isEmpty();
        assertThat(BalancePlanner.plan(new ClusterLoad(brokers(1), partitions), TOLERANCE, 100)
                        .moves())
                .isEmpty();
    }

    @Test
    void loadsThatWaverMoveNothing() {
        Random random = new Random(SEED);
        List<Led> partitions = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            partitions.add(led(i, 1 + i % 2, MIB * (1 + i % 7)));
        }
        ClusterLoad cluster = new ClusterLoad(brokers(5), partitions);
        cluster = after(cluster, BalancePlanner.plan(cluster, TOLERANCE, 1000).moves());
        for (int round = 0; round < 100; round++) {
            List<Led> wavering = cluster.partitions().stream()
                    .map(led -> led(
                            led.partition(), led.leader(), led.load().bytesIn() * (0.85 + 0.3 * random.nextDouble())))
                    .toList();
            assertThat(BalancePlanner.plan(new ClusterLoad(cluster.brokers(), wavering), TOLERANCE, 1000)
                            .moves())
                    .as("seed %s, round %s", SEED, round)
                    .isEmpty();
        }
    }

    @Test
    void littleLoadIsNoReasonToMove() {
        List<Led> partitions = List.of(led(0, 1, 100), led(1, 1, 4000), led(2, 2, 0), led(3, 2, 0));
        assertThat(BalancePlanner.plan(new ClusterLoad(brokers(2), partitions), TOLERANCE, 100)
                        .moves())
                .isEmpty();
    }

    @Test
    void randomClustersSettle() {
        int settled = 0;
        for (int run = 0; run < 100; run++) {
            Random random = new Random(SEED + run);
            ClusterLoad cluster = randomCluster(random);
            int limit = 1 + random.nextInt(20);
            int rounds = 0;
            while (true) {
                BalancePlan plan = BalancePlanner.plan(cluster, TOLERANCE, limit);
                assertThat(BalancePlanner.plan(cluster, TOLERANCE, limit)).isEqualTo(plan);
                assertThat(isNeeded(cluster) || plan.moves().isEmpty())
                        .as("seed %s", SEED + run)
                        .isTrue();
                requireAllowed(cluster, plan, limit, SEED + run);
                if (plan.isComplete() && plan.moves().isEmpty()) {
                    assertThat(isNeeded(cluster)).isNotEqualTo(plan.leftOver().isEmpty());
                    settled += plan.leftOver().isEmpty() ? 1 : 0;
                    requireNoBetterMove(cluster, SEED + run);
                    break;
                }
                if (plan.moves().isEmpty()) {
                    assertThat(limit).as("a swap takes two").isEqualTo(1);
                    break;
                }
                ClusterLoad next = after(cluster, plan.moves());
                assertThat(uneven(next)).as("seed %s", SEED + run).isLessThan(uneven(cluster));
                cluster = next;
                assertThat(++rounds).as("rounds, seed %s", SEED + run).isLessThan(500);
            }
        }
        assertThat(settled).as("clusters within the tolerance in everything").isGreaterThan(60);
    }

    private static boolean isNeeded(ClusterLoad cluster) {
        Map<Integer, BrokerSum> sums = new HashMap<>();
        cluster.partitions()
                .forEach(led -> sums.computeIfAbsent(led.leader(), id -> new BrokerSum())
                        .add(led.load()));
        return BalancePlanner.isNeeded(cluster.brokers(), sums, TOLERANCE);
    }

    @Test
    void aPlanIsNeededWhereABrokerIsOut() {
        List<Led> even =
                IntStream.range(0, 30).mapToObj(i -> led(i, i % 3 + 1, MIB)).toList();
        assertThat(isNeeded(new ClusterLoad(brokers(3), even))).isFalse();
        List<Led> heavy = IntStream.range(0, 30)
                .mapToObj(i -> led(i, i % 3 + 1, i % 3 == 0 ? 2 * MIB : MIB))
                .toList();
        assertThat(isNeeded(new ClusterLoad(brokers(3), heavy))).isTrue();
        assertThat(isNeeded(new ClusterLoad(brokers(4), even)))
                .as("a new broker")
                .isTrue();
        assertThat(isNeeded(new ClusterLoad(brokers(1), even))).isFalse();
    }

    private static ClusterLoad randomCluster(Random random) {
        int count = 2 + random.nextInt(8);
        List<Broker> brokers = new ArrayList<>();
        for (int id = 1; id <= count; id++) {
            brokers.add(new Broker(
                    id, random.nextInt(3) == 0 ? null : "r" + random.nextInt(3), random.nextInt(6) > 0 || id <= 2));
        }
        int favourites = 1 + random.nextInt(count);
        boolean isHeavyTailed = random.nextInt(3) == 0;
        List<Led> partitions = new ArrayList<>();
        for (int i = random.nextInt(300); i >= 0; i--) {
            double size = isHeavyTailed ? 1 / (0.01 + random.nextDouble()) : 1 + random.nextDouble();
            partitions.add(new Led(
                    TOPIC,
                    "t",
                    i,
                    1 + random.nextInt(favourites),
                    new Load(size * 50_000, size * 50_000 * random.nextInt(3), 5 * random.nextDouble()),
                    random.nextInt(10) > 0,
                    List.of(1 + random.nextInt(count), 1 + random.nextInt(count))));
        }
        return new ClusterLoad(brokers, partitions);
    }

    private static void requireAllowed(ClusterLoad cluster, BalancePlan plan, int limit, long seed) {
        assertThat(plan.moves()).as("seed %s", seed).hasSizeLessThanOrEqualTo(limit);
        Map<Integer, Broker> brokers = new HashMap<>();
        cluster.brokers().forEach(broker -> brokers.put(broker.id(), broker));
        Map<Integer, Led> partitions = new HashMap<>();
        cluster.partitions().forEach(led -> partitions.put(led.partition(), led));
        assertThat(plan.moves()).extracting(PlannedMove::partition).doesNotHaveDuplicates();
        for (PlannedMove move : plan.moves()) {
            Led led = Objects.requireNonNull(partitions.get(move.partition()));
            assertThat(led.isMovable()).isTrue();
            assertThat(move.fromBrokerId()).isEqualTo(led.leader()).isNotEqualTo(move.toBrokerId());
            assertThat(Objects.requireNonNull(brokers.get(move.fromBrokerId())).takesPart())
                    .isTrue();
            assertThat(Objects.requireNonNull(brokers.get(move.toBrokerId())).takesPart())
                    .isTrue();
        }
    }

    private static Evenness sums(ClusterLoad cluster, List<Broker> brokers) {
        Evenness sums = new Evenness(brokers, TOLERANCE);
        for (Led led : cluster.partitions()) {
            IntStream.range(0, brokers.size())
                    .filter(i -> brokers.get(i).id() == led.leader())
                    .forEach(i -> sums.add(i, led.load()));
        }
        sums.fix();
        return sums;
    }

    private static double uneven(ClusterLoad cluster) {
        List<Broker> brokers = takingPart(cluster);
        Evenness sums = sums(cluster, brokers);
        return sums.unevenness();
    }

    private static List<Broker> takingPart(ClusterLoad cluster) {
        return cluster.brokers().stream().filter(Broker::takesPart).toList();
    }

    /** Tried by brute force: no move of one partition, for a broker that is out, gains anything worth mentioning. */
    private static void requireNoBetterMove(ClusterLoad cluster, long seed) {
        List<Broker> brokers = takingPart(cluster);
        Evenness sums = sums(cluster, brokers);
        double before = sums.unevenness();
        for (Led led : cluster.partitions()) {
            for (int from = 0; from < brokers.size(); from++) {
                for (int to = 0; to < brokers.size(); to++) {
                    if (from == to || !led.isMovable() || brokers.get(from).id() != led.leader()) {
                        continue;
                    }
                    boolean helps = false;
                    for (Resource resource : Resource.values()) {
                        helps |= sums.isOut(resource, from)
                                && sums.gain(resource, from, -led.load().of(resource)) > 1e-6;
                        helps |= sums.isOut(resource, to)
                                && sums.gain(resource, to, led.load().of(resource)) > 1e-6;
                    }
                    sums.move(from, to, led.load());
                    double after = sums.unevenness();
                    sums.move(to, from, led.load());
                    assertThat(helps && after < before * 0.999)
                            .as("seed %s: moving %s to %s helps", seed, led, brokers.get(to))
                            .isFalse();
                }
            }
        }
    }

    @Test
    void settingsComeFromTheClusterThenFromTheFile() {
        assertThat(BalanceSettings.DEFAULT).isEqualTo(new BalanceSettings(true, 200, 0.1, List.of(), List.of()));
        BalanceSettings settings = BalanceSettings.of(
                Map.of("balance.exclude.topics", "a,b-*", "balance.exclude.brokers", "3", "retention.ms", "5"),
                Map.of("balance.enabled", false, "balance.exclude.brokers", List.of("1", "2")));
        assertThat(settings).isEqualTo(new BalanceSettings(false, 200, 0.1, List.of("a", "b-*"), List.of(3)));
        assertThat(settings.isExcluded("a")).isTrue();
        assertThat(settings.isExcluded("ab")).isFalse();
        assertThat(settings.isExcluded("b-1")).isTrue();
        assertThat(settings.isExcluded(3)).isTrue();
        assertThatThrownBy(() -> BalanceSettings.validate(Map.of("balance.exclude.brokers", "1,x")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("broker ids");
        assertThatThrownBy(() -> BalanceSettings.validate(Map.of("balance.tolerance", "7")))
                .isInstanceOf(ConfigException.class);
        BalanceSettings.validate(Map.of("something.else", "7"));
    }
}
