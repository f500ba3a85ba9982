// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import io.freshet.tests.workload.Availability;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Every few seconds begins a random subset of disruptions, sometimes none, ends them a little later, waits until all partitions take
 * writes again, and says how long which of them did not. One thread; one seed draws everything but the times that things take.
 */
public final class Nemesis {
    private static final Duration HEAL_TIMEOUT = Duration.ofSeconds(120);

    private final Cluster cluster;
    private final FaultProxy store;
    private final Availability availability;
    private final Random random;
    private final List<Disruption.Kind> kinds;
    private final PrintStream out;
    private final long beganNanos = System.nanoTime();
    private final List<String> problems = new ArrayList<>();
    private final Map<String, IntSummaryStatistics> worstMs = new TreeMap<>();

    public Nemesis(
            Cluster cluster,
            FaultProxy store,
            Availability availability,
            long seed,
            Set<Disruption.Kind> kinds,
            PrintStream out) {
        this.cluster = cluster;
        this.store = store;
        this.availability = availability;
        this.random = new Random(seed);
        this.kinds = List.copyOf(EnumSet.copyOf(kinds));
        this.out = out;
    }

    /**
     * Disrupts until {@code length} has passed, and leaves everything well.
     *
     * @return what went worse than disruptions may; empty if nothing did
     */
    public List<String> run(Duration length) throws IOException, InterruptedException {
        long endNanos = beganNanos + length.toNanos();
        while (System.nanoTime() < endNanos && problems.isEmpty()) {
            rest(1000 + random.nextInt(3000));
            List<Disruption> chosen = choose();
            long sinceNanos = System.nanoTime();
            for (Disruption disruption : chosen) {
                disruption.begin();
            }
            rest(500 + random.nextInt(5500));
            for (Disruption disruption : chosen) {
                disruption.end();
            }
            long endedNanos = System.nanoTime();
            awaitHealed(endedNanos);
            report(chosen, sinceNanos, endedNanos);
            if (problems.isEmpty()) {
                cluster.awaitReady(); // else the next fault would meet one that is not over
            }
        }
        summarize();
        return problems;
    }

    /** At most one of those that concern processes for each node, and one of the store. */
    private List<Disruption> choose() throws InterruptedException {
        List<Disruption.Kind> shuffled = new ArrayList<>(kinds);
        Collections.shuffle(shuffled, random);
        List<Disruption> chosen = new ArrayList<>();
        boolean isProcessChosen = false;
        for (Disruption.Kind kind : shuffled) {
            boolean isProcess = kind != Disruption.Kind.STORE;
            if (random.nextInt(5) < 2 && !(isProcess && isProcessChosen)) {
                chosen.add(Disruption.draw(kind, cluster, store, random));
                isProcessChosen |= isProcess;
            }
        }
        return chosen;
    }

    private void awaitHealed(long healedNanos) throws IOException {
        long deadlineNanos = healedNanos + HEAL_TIMEOUT.toNanos();
        while (!availability.isAllUpSince(healedNanos)) {
            List<Integer> fallen = cluster.fallen();
            if (!fallen.isEmpty()) {
                problems.add("nodes " + fallen + " have ended by themselves");
                return;
            }
            if (System.nanoTime() > deadlineNanos) {
                problems.add("not all partitions take writes " + HEAL_TIMEOUT.toSeconds() + " s after the last fault");
                return;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    private void report(List<Disruption> chosen, long sinceNanos, long endedNanos) {
        String what = chosen.isEmpty()
                ? "nothing"
                : String.join(" + ", chosen.stream().map(Disruption::name).toList());
        Map<Integer, Long> downMs = new TreeMap<>();
        for (Availability.Outage outage :
                availability.outagesSince(sinceNanos - Duration.ofMillis(300).toNanos())) {
            downMs.merge(outage.partition(), outage.ms(), Long::sum);
        }
        long worst = downMs.values().stream().mapToLong(Long::longValue).max().orElse(0);
        String kind = chosen.isEmpty()
                ? "nothing"
                : String.join(
                        " + ",
                        chosen.stream()
                                .map(each -> each.name().replaceAll("(node )\\d+", "$1N"))
                                .sorted()
                                .toList());
        worstMs.computeIfAbsent(kind, any -> new IntSummaryStatistics()).accept((int) worst);
        out.printf(
                Locale.ROOT,
                "%7.1f s  %-44s for %5d ms, well after %5d ms; no writes (ms): %s%n",
                (sinceNanos - beganNanos) / 1e9,
                what,
                (endedNanos - sinceNanos) / 1_000_000,
                (System.nanoTime() - endedNanos) / 1_000_000,
                downMs.isEmpty() ? "none" : downMs);
    }

    private void summarize() {
        out.printf("%n%-44s %5s %12s %12s%n", "worst partition, ms without writes", "times", "mean", "worst");
        worstMs.forEach((kind, ms) ->
                out.printf(Locale.ROOT, "%-44s %5d %12.0f %12d%n", kind, ms.getCount(), ms.getAverage(), ms.getMax()));
        out.println();
    }

    private static void rest(int ms) {
        long untilNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ms);
        while (System.nanoTime() < untilNanos) {
            LockSupport.parkNanos(untilNanos - System.nanoTime());
        }
    }
}
