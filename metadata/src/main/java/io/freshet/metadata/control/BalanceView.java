// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.MoveWish;
import io.freshet.metadata.balance.BalanceDescription.BrokerState;
import io.freshet.metadata.balance.BalanceDescription.UnderWay;
import io.freshet.metadata.balance.BalanceSettings;
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

    /** Every partition with the broker that leads it or is about to, and its load. */
    Gathered gather() {
        Map<PartitionKey, Integer> targets = new HashMap<>();
        wishes.forEach(wish -> targets.put(new PartitionKey(wish.topicId(), wish.partition()), wish.targetBrokerId()));
        Map<PartitionKey, Known> loads = new HashMap<>();
        reports.forEach(report -> report.forEach((key, known) -> loads.merge(key, known, Known::newer)));
        Map<Integer, Integer> unnamed = new HashMap<>();
        forEach((topic, key, partition) -> {
            if (!loads.containsKey(key)) {
                unnamed.merge(partition.leader, 1, Integer::sum);
            }
        });
        Gathered gathered = new Gathered();
        forEach((topic, key, partition) -> {
            Known known = loads.get(key);
            Load load = known == null
                    ? rests.getOrDefault(partition.leader, Load.NONE)
                            .dividedBy(unnamed.getOrDefault(partition.leader, 1))
                    : known.load();
            gathered.add(this, topic, key, partition, targets.get(key), load);
        });
        return gathered;
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
        private final Map<Integer, Load> loads = new HashMap<>();
        private final Map<Integer, Integer> counts = new HashMap<>();
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
            loads.merge(leader, load, Load::plus);
            counts.merge(leader, 1, Integer::sum);
        }

        ClusterLoad cluster(BalanceView view) {
            return new ClusterLoad(
                    view.standings.values().stream()
                            .map(broker -> new ClusterLoad.Broker(
                                    broker.brokerId(),
                                    broker.rack(),
                                    view.whyNot(broker).isEmpty()))
                            .toList(),
                    partitions);
        }

        List<BrokerState> brokers(BalanceView view) {
            return view.standings.values().stream()
                    .filter(broker -> view.image.cluster().broker(broker.brokerId()) != null)
                    .map(broker -> new BrokerState(
                            broker.brokerId(),
                            broker.rack(),
                            view.whyNot(broker),
                            loads.getOrDefault(broker.brokerId(), Load.NONE),
                            counts.getOrDefault(broker.brokerId(), 0)))
                    .toList();
        }
    }
}
