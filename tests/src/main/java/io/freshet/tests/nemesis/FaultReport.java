// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import io.freshet.tests.workload.Availability.Outage;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What was done when, and how long which partitions took no writes. Used by one thread. */
final class FaultReport {
    private final PrintStream out;
    private final long beganNanos;
    private final Map<String, Line> lines = new TreeMap<>();
    private int rounds;

    FaultReport(PrintStream out, long beganNanos) {
        this.out = out;
        this.beganNanos = beganNanos;
    }

    /** Figures of one kind of fault, in all its rounds. */
    private static final class Line {
        private final IntSummaryStatistics lastedMs = new IntSummaryStatistics();
        private final IntSummaryStatistics worstMs = new IntSummaryStatistics();
        private final IntSummaryStatistics worstAloneMs = new IntSummaryStatistics();
        private final IntSummaryStatistics wellAfterMs = new IntSummaryStatistics();
    }

    /**
     * A round is over: all that was {@code chosen} lasted from {@code sinceNanos} to {@code endedNanos}, and now all is well again.
     *
     * @param outages that began in it
     */
    void add(List<Disruption> chosen, long sinceNanos, long endedNanos, List<Outage> outages) {
        rounds++;
        Map<Integer, Long> downMs = new TreeMap<>();
        outages.forEach(outage -> downMs.merge(outage.partition(), outage.ms(), Long::sum));
        int worstMs =
                (int) downMs.values().stream().mapToLong(Long::longValue).max().orElse(0);
        int lastedMs = (int) ((endedNanos - sinceNanos) / 1_000_000);
        int wellAfterMs = (int) ((System.nanoTime() - endedNanos) / 1_000_000);
        List<String> names = chosen.isEmpty()
                ? List.of("nothing")
                : chosen.stream().map(Disruption::name).toList();
        for (String name : names) {
            Line line = lines.computeIfAbsent(withoutNumbers(name), any -> new Line());
            line.lastedMs.accept(lastedMs);
            line.worstMs.accept(worstMs);
            line.wellAfterMs.accept(wellAfterMs);
            if (names.size() == 1) {
                line.worstAloneMs.accept(worstMs);
            }
        }
        out.printf(
                Locale.ROOT,
                "%7.1f s  %-44s for %5d ms, well after %5d ms; no writes (ms): %s%n",
                (sinceNanos - beganNanos) / 1e9,
                String.join(" + ", names),
                lastedMs,
                wellAfterMs,
                downMs.isEmpty() ? "none" : downMs);
    }

    /** All rounds together; {@code outages} are those of the whole run. */
    void print(List<Outage> outages) {
        double seconds = (System.nanoTime() - beganNanos) / 1e9;
        int faults = lines.entrySet().stream()
                .filter(entry -> !entry.getKey().equals("nothing"))
                .mapToInt(entry -> (int) entry.getValue().lastedMs.getCount())
                .sum();
        out.printf(
                Locale.ROOT,
                "%n%d faults in %d rounds, %.0f s. ms without writes, of the worst partition:%n",
                faults,
                rounds,
                seconds);
        out.printf(
                "%-52s %5s %8s | %8s %8s | %8s %8s | %10s %8s%n",
                "fault", "times", "seconds", "mean", "worst", "alone", "worst", "well after", "worst");
        lines.forEach((name, line) -> out.printf(
                Locale.ROOT,
                "%-52s %5d %8.1f | %8.0f %8d | %8s %8s | %10.0f %8d%n",
                name,
                line.lastedMs.getCount(),
                line.lastedMs.getSum() / 1e3,
                line.worstMs.getAverage(),
                line.worstMs.getMax(),
                line.worstAloneMs.getCount() == 0 ? "-" : Math.round(line.worstAloneMs.getAverage()),
                line.worstAloneMs.getCount() == 0 ? "-" : line.worstAloneMs.getMax(),
                line.wellAfterMs.getAverage(),
                line.wellAfterMs.getMax()));
        printPartitions(outages, seconds);
    }

    private void printPartitions(List<Outage> outages, double seconds) {
        Map<Integer, List<Long>> byPartition = new TreeMap<>();
        outages.forEach(outage -> byPartition
                .computeIfAbsent(outage.partition(), any -> new ArrayList<>())
                .add(outage.ms()));
        out.printf("%n%-10s %8s %16s %12s %12s%n", "partition", "outages", "without writes", "longest", "writable");
        byPartition.forEach((partition, all) -> {
            long sumMs = sum(all.stream());
            out.printf(
                    Locale.ROOT,
                    "%-10d %8d %13d ms %9d ms %11.2f%%%n",
                    partition,
                    all.size(),
                    sumMs,
                    all.stream().mapToLong(Long::longValue).max().orElse(0),
                    100 - sumMs / seconds / 10);
        });
        out.println();
    }

    private static String withoutNumbers(String name) {
        return name.replaceAll("node \\d+", "node N").replaceAll("\\[[\\d, ]+]", "[...]");
    }

    private static long sum(Stream<Long> all) {
        return all.mapToLong(Long::longValue).sum();
    }
}
