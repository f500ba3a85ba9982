// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.load;

import io.freshet.broker.partition.LoadCounters;
import io.freshet.broker.partition.PartitionQueries;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.balance.Load;
import io.freshet.metadata.balance.LoadReport;
import io.freshet.metadata.balance.PartitionLoad;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.TopicIdPartition;

/**
 * Moving averages of the partitions' loads, over about {@link #WINDOW_MS}. The first average of a partition is that of its
 * first whole interval, not one that climbs from zero, so that a partition that has just moved here is not taken for idle.
 * One thread.
 */
final class LoadAverages {
    /** What is older weighs a third of what is new. */
    static final long WINDOW_MS = 10_000;

    /** Less than that is none: an average never quite gets to zero. */
    private static final double LEAST_BYTES = 1;

    private static final double LEAST_REQUESTS = 0.01;

    private final Clock clock;
    private Map<TopicIdPartition, Average> averages = new HashMap<>();
    private long sampledAtNs;

    LoadAverages(Clock clock) {
        this.clock = clock;
        this.sampledAtNs = clock.nanoTime();
    }

    /** Takes in what has been counted since the last call. */
    void sample(Collection<? extends PartitionQueries> open) {
        long nowNs = clock.nanoTime();
        double seconds = (nowNs - sampledAtNs) / (double) TimeUnit.SECONDS.toNanos(1);
        if (seconds <= 0) {
            return;
        }
        sampledAtNs = nowNs;
        double share = 1 - Math.exp(-1000 * seconds / WINDOW_MS);
        Map<TopicIdPartition, Average> present = new HashMap<>();
        for (PartitionQueries partition : open) {
            Average average = averages.get(partition.id());
            if (average == null || average.counters != partition.load()) {
                average = new Average(partition.load());
            } else {
                average.add(seconds, share);
            }
            present.put(partition.id(), average);
        }
        averages = present;
    }

    /** The averages now, the partitions with most of this broker's load one by one. */
    LoadReport report(int brokerId, long brokerEpoch) {
        Load sum = Load.NONE;
        List<PartitionLoad> loads = new ArrayList<>();
        for (Map.Entry<TopicIdPartition, Average> entry : averages.entrySet()) {
            Load load = entry.getValue().load();
            if (!load.equals(Load.NONE)) {
                loads.add(new PartitionLoad(
                        entry.getKey().topicId(),
                        entry.getKey().topicPartition().partition(),
                        load));
                sum = sum.plus(load);
            }
        }
        Load rest = Load.NONE;
        if (loads.size() > LoadReport.MAX_PARTITIONS) {
            Load all = sum;
            loads.sort(Comparator.comparingDouble((PartitionLoad of) -> -shareOf(of.load(), all)));
            for (PartitionLoad small : loads.subList(LoadReport.MAX_PARTITIONS, loads.size())) {
                rest = rest.plus(small.load());
            }
            loads = loads.subList(0, LoadReport.MAX_PARTITIONS);
        }
        return new LoadReport(brokerId, brokerEpoch, loads, rest);
    }

    private static double shareOf(Load load, Load all) {
        return load.bytesIn() / Math.max(1, all.bytesIn())
                + load.bytesOut() / Math.max(1, all.bytesOut())
                + load.requests() / Math.max(1, all.requests());
    }

    /** One partition's. */
    private static final class Average {
        private final LoadCounters counters;
        private long lastBytesIn;
        private long lastBytesOut;
        private long lastRequests;
        private double bytesIn;
        private double bytesOut;
        private double requests;
        /** Of what was measured; the rest, up to one, is of the time before and unknown. */
        private double weight;

        Average(LoadCounters counters) {
            this.counters = counters;
            this.lastBytesIn = counters.bytesIn();
            this.lastBytesOut = counters.bytesOut();
            this.lastRequests = counters.requests();
        }

        void add(double seconds, double share) {
            long nowIn = counters.bytesIn();
            long nowOut = counters.bytesOut();
            long nowRequests = counters.requests();
            bytesIn += share * ((nowIn - lastBytesIn) / seconds - bytesIn);
            bytesOut += share * ((nowOut - lastBytesOut) / seconds - bytesOut);
            requests += share * ((nowRequests - lastRequests) / seconds - requests);
            weight += share * (1 - weight);
            lastBytesIn = nowIn;
            lastBytesOut = nowOut;
            lastRequests = nowRequests;
        }

        Load load() {
            if (weight == 0) {
                return Load.NONE;
            }
            return new Load(
                    orNone(bytesIn / weight, LEAST_BYTES),
                    orNone(bytesOut / weight, LEAST_BYTES),
                    orNone(requests / weight, LEAST_REQUESTS));
        }

        private static double orNone(double rate, double least) {
            return rate < least ? 0 : rate;
        }
    }
}
