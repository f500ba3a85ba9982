// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.MoveWish;
import io.freshet.metadata.balance.BalanceDescription.BrokerState;
import io.freshet.metadata.balance.BalanceDescription.UnderWay;
import io.freshet.metadata.balance.BalancePlanner;
import io.freshet.metadata.balance.BalanceSettings;
import io.freshet.metadata.balance.BrokerSum;
import io.freshet.metadata.balance.ClusterLoad;
import io.freshet.metadata.balance.ClusterLoad.Led;
import io.freshet.metadata.balance.Load;
import io.freshet.metadata.control.ClusterLoads.Known;
import io.freshet.metadata.control.ClusterLoads.PartitionKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.jspecify.annotations.Nullable;

/**
 * All that a plan is made from, as it was at one moment. Immutable: made on the metadata thread, used by the one that plans.
 *
 * @param reports what each broker has said of partitions; the newest counts
 * @param rests per broker, the sum over the partitions that are not in {@code reports}
 * @param silent serving brokers that have not reported lately
 * @param resting partitions that have moved within the last minute
 * @param begun how many moves balancing has begun within the last minute
 */
record BalanceView(
        MetadataImage image,
        BalanceSettings settings,
        Map<Integer, Standing> standings,
        List<MoveWish> wishes,
        List<Map<PartitionKey, Known>> reports,
        Map<Integer, Load> rests,
        Set<Integer> silent,
        Set<PartitionKey> resting,
        int begun) {

    /** Why a broker takes no part; empty if it does. */
    String whyNot(Standing broker) {
        if (!broker.isServing()) {
            return "it is not in service";
        }
        if (broker.isStopping()) {
            return "it is stopping";
        }
        if (broker.isLeaving()) {
            return "it is drained";
        }
        if (settings.isExcluded(broker.brokerId())) {
            return "it is excluded by " + BalanceSettings.EXCLUDE_BROKERS;
        }
        return silent.contains(broker.brokerId()) ? "it has not reported its load" : "";
    }

    /**
     * Whether a plan could move anything. To be asked before {@link #gather}, which takes some hundred bytes for each partition: in
     * a large cluster that is worth a pause of the collector, again and again.
     */
    boolean isUneven() {
        Map<PartitionKey, Integer> targets = targets();
        Shares shares = shares();
        Map<Integer, BrokerSum> sums = new HashMap<>();
        forEach((topic, key, partition) -> {
            Integer target = targets.get(key);
            sums.computeIfAbsent(target == null ? partition.leader : target, id -> new BrokerSum())
                    .add(shares.of(key, partition.leader));
        });
        return BalancePlanner.isNeeded(brokers(), sums, settings.tolerance());
    }

    /** Every partition with the broker that leads it or is about to, and its load. */
    Gathered gather() {
        Map<PartitionKey, Integer> targets = targets();
        Shares shares = shares();
        Gathered gathered = new Gathered();
        forEach((topic, key, partition) ->
                gathered.add(this, topic, key, partition, targets.get(key), shares.of(key, partition.leader)));
        return gathered;
    }

    private Map<PartitionKey, Integer> targets() {
        Map<PartitionKey, Integer> targets = new HashMap<>();
        wishes.forEach(wish -> targets.put(new PartitionKey(wish.topicId(), wish.partition()), wish.targetBrokerId()));
        return targets;
    }

    /** The load of each partition: what was said of it, or an even share of its leader's rest. */
    private record Shares(Map<PartitionKey, Known> named, Map<Integer, Load> others) {
        Load of(PartitionKey key, int leader) {
            Known known = named.get(key);
            return known == null ? others.getOrDefault(leader, Load.NONE) : known.load();
        }
    }

    private Shares shares() {
        Map<PartitionKey, Known> named = new HashMap<>();
        reports.forEach(report -> report.forEach((key, known) -> named.merge(key, known, Known::newer)));
        Map<Integer, BrokerSum> unnamed = new HashMap<>();
        forEach((topic, key, partition) -> {
            if (!named.containsKey(key)) {
                unnamed.computeIfAbsent(partition.leader, id -> new BrokerSum()).add(Load.NONE);
            }
        });
        Map<Integer, Load> others = new HashMap<>();
        unnamed.forEach(
                (id, sum) -> others.put(id, rests.getOrDefault(id, Load.NONE).dividedBy(sum.partitions())));
        return new Shares(named, others);
    }

    private List<ClusterLoad.Broker> brokers() {
        return standings.values().stream()
                .map(broker -> new ClusterLoad.Broker(
                        broker.brokerId(), broker.rack(), whyNot(broker).isEmpty()))
                .toList();
    }

    private interface Visitor {
        void visit(TopicImage topic, PartitionKey key, PartitionRegistration partition);
    }

    private void forEach(Visitor visitor) {
        for (TopicImage topic : image.topics().topicsById().values()) {
            topic.partitions()
                    .forEach((id, partition) -> visitor.visit(topic, new PartitionKey(topic.id(), id), partition));
        }
    }

    /** What {@link #gather} has found; one thread. */
    static final class Gathered {
        private final List<Led> partitions = new ArrayList<>();
        private final Map<Integer, BrokerSum> sums = new HashMap<>();
        final List<UnderWay> underWay = new ArrayList<>();
        int excluded;
        int resting;

        private void add(
                BalanceView view,
                TopicImage topic,
                PartitionKey key,
                PartitionRegistration partition,
                @Nullable Integer target,
                Load load) {
            boolean isExcluded = view.settings.isExcluded(topic.name());
            boolean isResting = view.resting.contains(key);
            excluded += isExcluded ? 1 : 0;
            resting += isResting ? 1 : 0;
            int leader = target == null ? partition.leader : target;
            if (target != null) {
                underWay.add(new UnderWay(topic.id(), topic.name(), key.partition(), partition.leader, leader));
            }
            boolean isMovable = target == null && !isExcluded && !isResting && !LeaderMoves.isReassigning(partition);
            partitions.add(new Led(
                    topic.id(),
                    topic.name(),
                    key.partition(),
                    leader,
                    load,
                    isMovable,
                    LeaderMoves.boxed(partition.replicas)));
            sums.computeIfAbsent(leader, id -> new BrokerSum()).add(load);
        }

        ClusterLoad cluster(BalanceView view) {
            return new ClusterLoad(view.brokers(), partitions);
        }

        List<BrokerState> brokers(BalanceView view) {
            return view.standings.values().stream()
                    .filter(broker -> view.image.cluster().broker(broker.brokerId()) != null)
                    .map(broker -> state(view, broker))
                    .toList();
        }

        private BrokerState state(BalanceView view, Standing broker) {
            BrokerSum sum = sums.getOrDefault(broker.brokerId(), new BrokerSum());
            return new BrokerState(broker.brokerId(), broker.rack(), view.whyNot(broker), sum.load(), sum.partitions());
        }
    }
}
