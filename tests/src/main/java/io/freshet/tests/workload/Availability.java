// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.workload;

import java.util.ArrayList;
import java.util.List;

/** When which partition took writes, as probes saw it. Safe for use by many threads. Times are {@link System#nanoTime}. */
public final class Availability {
    private final List<List<Probe>> probes = new ArrayList<>();

    Availability(int partitions) {
        for (int i = 0; i < partitions; i++) {
            probes.add(new ArrayList<>());
        }
    }

    /** One probe; guarded by the availability. */
    static final class Probe {
        private final long sentNanos;
        private long answeredNanos;
        private boolean isFailed;

        private Probe(long sentNanos) {
            this.sentNanos = sentNanos;
        }

        private boolean isAcknowledged() {
            return answeredNanos != 0 && !isFailed;
        }
    }

    /**
     * A time in which a partition took no writes.
     *
     * @param beginNanos when the first probe that failed was sent
     * @param endNanos when the first one sent after it that did not fail was acknowledged
     * @param isOver false: none has been acknowledged yet, and the end is now
     */
    public record Outage(int partition, long beginNanos, long endNanos, boolean isOver) {
        public long ms() {
            return (endNanos - beginNanos) / 1_000_000;
        }
    }

    synchronized Probe sent(int partition) {
        Probe probe = new Probe(System.nanoTime());
        probes.get(partition).add(probe);
        return probe;
    }

    synchronized void acknowledged(Probe probe) {
        probe.answeredNanos = System.nanoTime();
    }

    synchronized void failed(Probe probe) {
        probe.answeredNanos = System.nanoTime();
        probe.isFailed = true;
    }

    /** All outages that began at {@code sinceNanos} or later. */
    public synchronized List<Outage> outagesSince(long sinceNanos) {
        List<Outage> outages = new ArrayList<>();
        for (int partition = 0; partition < probes.size(); partition++) {
            Probe failed = null;
            for (Probe probe : probes.get(partition)) {
                if (probe.sentNanos - sinceNanos < 0) {
                    continue;
                }
                if (failed == null && probe.isFailed) {
                    failed = probe;
                } else if (failed != null && probe.isAcknowledged()) {
                    outages.add(new Outage(partition, failed.sentNanos, probe.answeredNanos, true));
                    failed = null;
                }
            }
            if (failed != null) {
                outages.add(new Outage(partition, failed.sentNanos, System.nanoTime(), false));
            }
        }
        return outages;
    }

    /** Whether every partition has acknowledged a probe sent at {@code sinceNanos} or later. */
    public synchronized boolean isAllUpSince(long sinceNanos) {
        return probes.stream().allMatch(each -> {
            for (int i = each.size() - 1; i >= 0 && each.get(i).sentNanos - sinceNanos >= 0; i--) {
                if (each.get(i).isAcknowledged()) {
                    return true;
                }
            }
            return false;
        });
    }

    /** Probes sent and acknowledged so far. */
    public synchronized long[] counts() {
        long sent = 0;
        long acknowledged = 0;
        for (List<Probe> each : probes) {
            sent += each.size();
            acknowledged += each.stream().filter(Probe::isAcknowledged).count();
        }
        return new long[] {sent, acknowledged};
    }
}
