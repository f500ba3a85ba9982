// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.runtime.Clock;
import io.freshet.metadata.balance.Load;
import io.freshet.metadata.balance.LoadReport;
import io.freshet.metadata.balance.PartitionLoad;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.kafka.common.Uuid;

/**
 * What brokers have said about their partitions' loads: soft state of the active controller, bounded by what reports may
 * hold. A partition that has just moved is known by what its old leader said until the new one says more. Metadata thread.
 */
final class ClusterLoads {
    /** A report counts for so long; brokers report every few seconds. */
    static final long REPORT_LIFE_NS = TimeUnit.SECONDS.toNanos(20);

    private static final long MEMORY_NS = TimeUnit.SECONDS.toNanos(45);

    private final Clock clock;
    private final Map<Integer, Heard> heard = new HashMap<>();
    private final Map<Integer, Map<PartitionKey, Known>> known = new HashMap<>();

    ClusterLoads(Clock clock) {
        this.clock = clock;
    }

    /** A partition. */
    record PartitionKey(Uuid topicId, int partition) {}

    /** What is known of a partition, and since when. */
    record Known(Load load, long heardAtNs) {
        Known newer(Known other) {
            return other.heardAtNs - heardAtNs > 0 ? other : this;
        }
    }

    private record Heard(long brokerEpoch, Load rest, long atNs) {}

    void clear() {
        heard.clear();
        known.clear();
    }

    /** @param isLed whether the broker leads a partition now: then what it names no more is one of the rest */
    void take(LoadReport report, Predicate<PartitionKey> isLed) {
        long nowNs = clock.nanoTime();
        heard.put(report.brokerId(), new Heard(report.brokerEpoch(), report.rest(), nowNs));
        Map<PartitionKey, Known> named = new HashMap<>();
        for (PartitionLoad load : report.hottest()) {
            named.put(new PartitionKey(load.topicId(), load.partition()), new Known(load.load(), nowNs));
        }
        known.getOrDefault(report.brokerId(), Map.of()).forEach((key, of) -> {
            if (nowNs - of.heardAtNs <= MEMORY_NS && !isLed.test(key)) {
                named.putIfAbsent(key, of);
            }
        });
        known.put(report.brokerId(), named);
    }

    /** Whether the registration has reported lately. */
    boolean hasReport(int brokerId, long brokerEpoch) {
        Heard report = heard.get(brokerId);
        return report != null && report.brokerEpoch == brokerEpoch && clock.nanoTime() - report.atNs <= REPORT_LIFE_NS;
    }

    /** The sum over the partitions that the broker's newest report does not name. */
    Load rest(int brokerId) {
        return Optional.ofNullable(heard.get(brokerId)).map(Heard::rest).orElse(Load.NONE);
    }

    /** What each broker has said of partitions; maps that do not change any more. */
    List<Map<PartitionKey, Known>> partitions() {
        long nowNs = clock.nanoTime();
        known.keySet().removeIf(id -> {
            Heard report = heard.get(id);
            return report == null || nowNs - report.atNs > MEMORY_NS;
        });
        return List.copyOf(known.values());
    }
}
