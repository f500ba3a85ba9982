// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

import io.freshet.metadata.balance.ClusterLoad.Led;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.internals.Topic;
import org.jspecify.annotations.Nullable;

/**
 * Decides which partitions should move so that every broker is near the mean in every resource: a function of its input.
 *
 * <p>Only a broker that is off by more than the tolerance makes anything move, and then until it is off by half of it, so
 * that loads which waver do not move partitions to and fro. The move that makes the cluster more even ({@link Evenness}) than
 * any other goes first. Partitions that alone have more than a broker's share move when no others help; where no single move
 * helps, two partitions change places. A later step may send a partition elsewhere than an earlier one; each step makes the
 * cluster more even, so there is an end.
 */
public final class BalancePlanner {
    /** Below this, a gain is an error of rounding. */
    private static final double NO_GAIN = 1e-9;

    /** A move must mend at least this part of what is wrong with the brokers that it is made for. */
    private static final double LEAST_PART = 2e-4;

    private static final double PREFERENCE = 1e-3;
    private static final int MAX_TRIALS = 50_000;
    private static final int MOST_CANDIDATES = 500;
    private static final int FEWEST_CANDIDATES = 20;
    private static final int SWAP_CANDIDATES = 40;
    private static final int MOST_STEPS_PER_MOVE = 4;
    private static final Resource[] RESOURCES = Resource.values();
    private static final Comparator<Led> BY_ID =
            Comparator.comparing(Led::topicId).thenComparingInt(Led::partition);

    private final double tolerance;
    private final List<ClusterLoad.Broker> brokers;
    private final Evenness evenness;
    private final List<List<Led>> movable = new ArrayList<>();
    private final List<Led> partitions;
    private final Set<Led> oversized = new HashSet<>();
    private final List<BalancePlan.BrokerLoad> loads = new ArrayList<>();
    private final boolean[][] isTriggered;
    private final Map<Led, PlannedMove> moves = new LinkedHashMap<>();

    private BalancePlanner(ClusterLoad cluster, double tolerance) {
        this.tolerance = tolerance;
        this.brokers = cluster.brokers().stream()
                .filter(ClusterLoad.Broker::takesPart)
                .sorted(Comparator.comparingInt(ClusterLoad.Broker::id))
                .toList();
        this.partitions = cluster.partitions();
        this.evenness = new Evenness(brokers, tolerance);
        this.isTriggered = new boolean[RESOURCES.length][brokers.size()];
        addPartitions();
        evenness.fix();
        movable.forEach(list -> list.stream().filter(this::isOversized).forEach(oversized::add));
        for (Resource resource : RESOURCES) {
            for (int i = 0; i < brokers.size(); i++) {
                isTriggered[resource.ordinal()][i] = evenness.isOut(resource, i);
            }
        }
    }

    /** Plans at most {@code maxMoves} moves. */
    public static BalancePlan plan(ClusterLoad cluster, double tolerance, int maxMoves) {
        BalancePlanner planner = new BalancePlanner(cluster, tolerance);
        boolean isComplete = planner.brokers.size() < 2 || planner.moveOn(maxMoves);
        return new BalancePlan(
                planner.loads,
                planner.meanLoad(),
                planner.brokers.isEmpty() ? 0 : planner.evenness.mean(Resource.PARTITIONS),
                List.copyOf(planner.moves.values()),
                isComplete,
                isComplete ? planner.leftOver() : List.of());
    }

    /**
     * Whether a plan could move anything: some broker that takes part is off the mean by more than the tolerance.
     *
     * @param sums what each broker has, by its id; nothing where it is missing
     */
    public static boolean isNeeded(List<ClusterLoad.Broker> brokers, Map<Integer, BrokerSum> sums, double tolerance) {
        List<ClusterLoad.Broker> taking =
                brokers.stream().filter(ClusterLoad.Broker::takesPart).toList();
        Evenness evenness = new Evenness(taking, tolerance);
        for (int i = 0; i < taking.size(); i++) {
            BrokerSum sum = sums.get(taking.get(i).id());
            if (sum != null) {
                evenness.add(i, sum.load(), sum.partitions());
            }
        }
        evenness.fix();
        return taking.size() > 1 && evenness.isAnyOut();
    }

    private Load meanLoad() {
        return brokers.isEmpty()
                ? Load.NONE
                : new Load(
                        evenness.mean(Resource.BYTES_IN),
                        evenness.mean(Resource.BYTES_OUT),
                        evenness.mean(Resource.REQUESTS));
    }

    private void addPartitions() {
        Map<Integer, Integer> indexes = new HashMap<>();
        for (int i = 0; i < brokers.size(); i++) {
            indexes.put(brokers.get(i).id(), i);
            movable.add(new ArrayList<>());
        }
        for (Led partition : partitions) {
            Integer broker = indexes.get(partition.leader());
            if (broker == null) {
                continue;
            }
            evenness.add(broker, partition.load());
            if (partition.isMovable()) {
                movable.get(broker).add(partition);
            }
        }
        for (int i = 0; i < brokers.size(); i++) {
            Load load = new Load(
                    evenness.sum(Resource.BYTES_IN, i),
                    evenness.sum(Resource.BYTES_OUT, i),
                    evenness.sum(Resource.REQUESTS, i));
            loads.add(
                    new BalancePlan.BrokerLoad(brokers.get(i).id(), load, (int) evenness.sum(Resource.PARTITIONS, i)));
            movable.set(i, candidates(movable.get(i)));
        }
    }

    private static Load greatest(Load one, Load other) {
        return new Load(
                Math.max(one.bytesIn(), other.bytesIn()),
                Math.max(one.bytesOut(), other.bytesOut()),
                Math.max(one.requests(), other.requests()));
    }

    /** Those with most of each resource and those with least of all, in an order that is the same everywhere. */
    private List<Led> candidates(List<Led> all) {
        int perKind =
                Math.max(FEWEST_CANDIDATES, Math.min(MOST_CANDIDATES, MAX_TRIALS / (brokers.size() * brokers.size())));
        all.sort(BY_ID);
        if (all.size() <= 4 * perKind) {
            return all;
        }
        Set<Led> chosen = new LinkedHashSet<>();
        for (Resource resource : RESOURCES) {
            Comparator<Led> order = resource == Resource.PARTITIONS
                    ? Comparator.comparingDouble(
                            led -> led.load().bytesIn() + led.load().bytesOut())
                    : Comparator.comparingDouble((Led led) -> led.load().of(resource))
                            .reversed();
            all.stream().sorted(order.thenComparing(BY_ID)).limit(perKind).forEach(chosen::add);
        }
        List<Led> sorted = new ArrayList<>(chosen);
        sorted.sort(BY_ID);
        return sorted;
    }

    /** A move that could be made; {@code back} moves the other way in exchange. */
    private record Trial(
            int from, int to, Led out, @Nullable Led back, double score) {}

    private boolean isOversized(Led partition) {
        for (Resource resource : RESOURCES) {
            if (resource != Resource.PARTITIONS
                    && partition.load().of(resource) > Math.max(resource.slack(), evenness.mean(resource))) {
                return true;
            }
        }
        return false;
    }

    /** Whether nothing more would follow. */
    private boolean moveOn(int maxMoves) {
        for (int steps = 0; steps < MOST_STEPS_PER_MOVE * maxMoves + 1; steps++) {
            Trial best = bestMove(false);
            if (best == null) {
                best = bestMove(true);
            }
            if (best == null) {
                best = bestSwap();
            }
            if (best == null) {
                return true;
            }
            Led back = best.back;
            if (moves.size() + added(best.out) + (back == null ? 0 : added(back)) > maxMoves) {
                return false;
            }
            Resource why = mostHelped(best);
            String reason = reason(why, indexOf(best.out), best.to);
            apply(best.from, best.to, best.out, reason);
            if (back != null) {
                apply(
                        best.to,
                        best.from,
                        back,
                        "in exchange for " + best.out.topic() + "-" + best.out.partition() + ", which is heavier in "
                                + why.label() + ": either move alone would not help");
            }
        }
        return false;
    }

    private int added(Led partition) {
        return moves.containsKey(partition) ? 0 : 1;
    }

    private int indexOf(Led partition) {
        for (int i = 0; i < brokers.size(); i++) {
            if (brokers.get(i).id() == partition.leader()) {
                return i;
            }
        }
        throw new IllegalStateException("Broker " + partition.leader() + " takes no part");
    }

    private void apply(int from, int to, Led partition, String reason) {
        evenness.move(from, to, partition.load());
        movable.get(from).remove(partition);
        movable.get(to).add(partition);
        if (brokers.get(to).id() == partition.leader()) {
            moves.remove(partition);
            return;
        }
        moves.put(
                partition,
                new PlannedMove(
                        partition.topicId(),
                        partition.topic(),
                        partition.partition(),
                        partition.leader(),
                        brokers.get(to).id(),
                        partition.load(),
                        reason));
    }

    private @Nullable Trial bestMove(boolean withOversized) {
        Trial best = null;
        boolean[] isWanting = wanting();
        for (int from = 0; from < brokers.size(); from++) {
            for (int to = 0; to < brokers.size(); to++) {
                if (from == to || !(isWanting[from] || isWanting[to])) {
                    continue;
                }
                int target = brokers.get(to).id();
                for (Led partition : movable.get(from)) {
                    double gain = evenness.gain(from, to, partition.load(), Load.NONE, false);
                    if (gain <= NO_GAIN || oversized.contains(partition) != withOversized) {
                        continue;
                    }
                    double score = gain * preference(partition, target);
                    if ((best == null || score > best.score * (1 + NO_GAIN))
                            && isWorth(from, to, partition.load(), Load.NONE, false, gain)) {
                        best = new Trial(from, to, partition, null, score);
                    }
                }
            }
        }
        return best;
    }

    /** Brokers that a move may be made for. */
    private boolean[] wanting() {
        boolean[] isWanting = new boolean[brokers.size()];
        for (Resource resource : RESOURCES) {
            for (int i = 0; i < isWanting.length; i++) {
                isWanting[i] |= isTriggered[resource.ordinal()][i] && evenness.uneven(resource, i) > 0;
            }
        }
        return isWanting;
    }

    /** Equal moves: to a broker that is named as a replica already; and rather not of what consumers' groups live in. */
    private static double preference(Led partition, int target) {
        double preference = partition.replicas().contains(target) ? 1 + PREFERENCE : 1;
        return Topic.isInternal(partition.topic()) ? preference - PREFERENCE / 2 : preference;
    }

    /** Whether it brings a broker nearer to the mean that was out of balance when the plan began, by enough. */
    private boolean isWorth(int from, int to, Load out, Load back, boolean isSwap, double gain) {
        for (Resource resource : RESOURCES) {
            double amount = Evenness.amount(resource, out, back, isSwap);
            if (helps(resource, from, -amount, gain) || helps(resource, to, amount, gain)) {
                return true;
            }
        }
        return false;
    }

    private boolean helps(Resource resource, int broker, double amount, double gain) {
        return isTriggered[resource.ordinal()][broker]
                && evenness.gain(resource, broker, amount) > NO_GAIN
                && gain >= LEAST_PART * evenness.uneven(resource, broker);
    }

    /** Two partitions of which the heavier one goes away from the broker that has too much. */
    private @Nullable Trial bestSwap() {
        double leastGain = tolerance * tolerance / 64;
        Trial best = null;
        for (Resource resource : RESOURCES) {
            if (resource == Resource.PARTITIONS) {
                continue;
            }
            for (int from = 0; from < brokers.size(); from++) {
                for (int to = 0; to < brokers.size(); to++) {
                    boolean isWanted = from != to
                            && (wants(resource, from, evenness.deviation(resource, from))
                                    || wants(resource, to, -evenness.deviation(resource, to)));
                    if (isWanted) {
                        best = bestSwap(resource, from, to, leastGain, best);
                    }
                }
            }
        }
        return best;
    }

    private boolean wants(Resource resource, int broker, double surplus) {
        return isTriggered[resource.ordinal()][broker] && surplus > 0 && evenness.uneven(resource, broker) > 0;
    }

    private @Nullable Trial bestSwap(Resource resource, int from, int to, double leastGain, @Nullable Trial known) {
        Trial best = known;
        List<Led> there = sample(movable.get(to), resource);
        for (Led out : sample(movable.get(from), resource)) {
            for (Led back : there) {
                if (out.load().of(resource) <= back.load().of(resource)) {
                    continue;
                }
                double gain = evenness.gain(from, to, out.load(), back.load(), true);
                if (gain > leastGain
                        && (best == null || gain > best.score * (1 + NO_GAIN))
                        && isWorth(from, to, out.load(), back.load(), true, gain)) {
                    best = new Trial(from, to, out, back, gain);
                }
            }
        }
        return best;
    }

    /** A few of all sizes. */
    private static List<Led> sample(List<Led> all, Resource resource) {
        if (all.size() <= SWAP_CANDIDATES) {
            return all;
        }
        List<Led> sorted = all.stream()
                .sorted(Comparator.comparingDouble((Led led) -> led.load().of(resource))
                        .thenComparing(BY_ID))
                .toList();
        List<Led> some = new ArrayList<>();
        for (int i = 0; i < SWAP_CANDIDATES; i++) {
            some.add(sorted.get(i * (sorted.size() - 1) / (SWAP_CANDIDATES - 1)));
        }
        return some;
    }

    private Resource mostHelped(Trial trial) {
        Led back = trial.back;
        Resource most = Resource.PARTITIONS;
        double mostGain = Double.NEGATIVE_INFINITY;
        for (Resource resource : RESOURCES) {
            double amount =
                    Evenness.amount(resource, trial.out.load(), back == null ? Load.NONE : back.load(), back != null);
            double gain = evenness.gain(resource, trial.from, -amount) + evenness.gain(resource, trial.to, amount);
            if (gain > mostGain) {
                mostGain = gain;
                most = resource;
            }
        }
        return most;
    }

    private String reason(Resource resource, int from, int to) {
        return resource.label() + ": broker " + brokers.get(from).id() + " has "
                + Amounts.text(resource, evenness, from)
                + ", broker " + brokers.get(to).id() + " " + Amounts.text(resource, evenness, to) + ", the mean is "
                + Amounts.text(resource, evenness.mean(resource));
    }

    private List<String> leftOver() {
        Map<Integer, Load> heaviest = new HashMap<>();
        for (Led partition : partitions) {
            PlannedMove move = moves.get(partition);
            heaviest.merge(
                    move == null ? partition.leader() : move.toBrokerId(), partition.load(), BalancePlanner::greatest);
        }
        List<String> left = new ArrayList<>();
        for (Resource resource : RESOURCES) {
            for (int i = 0; i < brokers.size(); i++) {
                if (evenness.isOut(resource, i)) {
                    left.add(Amounts.leftOver(
                            resource,
                            evenness,
                            i,
                            brokers.get(i).id(),
                            heaviest.getOrDefault(brokers.get(i).id(), Load.NONE)));
                }
            }
        }
        return left;
    }
}
