// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import io.freshet.common.FreshetException;
import io.freshet.tests.workload.Availability;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Every few seconds begins a random subset of disruptions, sometimes none, ends them a little later, waits until all partitions take
 * writes again, and says how long which of them did not. One thread; one seed draws everything but the times that things take.
 */
public final class Nemesis {
    /** Above what a start of all nodes takes on a machine that is busy with other things too. */
    private static final Duration HEAL_TIMEOUT = Duration.ofSeconds(300);

    /** There are many ways to cut a network, each of which should have its turn. */
    private static final int MORE_PARTITIONS = 3;

    /** A probe that a fault hits may have been sent before it. */
    private static final long BEFORE_NANOS = Duration.ofMillis(300).toNanos();

    private final Cluster cluster;
    private final FaultProxy store;
    private final Availability availability;
    private final Random random;
    private final List<Disruption.Kind> kinds;
    private final long beganNanos = System.nanoTime();
    private final List<String> problems = new ArrayList<>();
    private final FaultReport report;

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
        this.report = new FaultReport(out, beganNanos);
    }

    /**
     * Disrupts until {@code length} has passed, and leaves everything well.
     *
     * @return what went worse than disruptions may; empty if nothing did
     */
    public List<String> run(Duration length) throws InterruptedException {
        long endNanos = beganNanos + length.toNanos();
        while (System.nanoTime() < endNanos && problems.isEmpty()) {
            try {
                round();
            } catch (IOException | FreshetException e) {
                problems.add(String.valueOf(e.getMessage()));
            }
        }
        report.print(availability.outagesSince(beganNanos));
        return problems;
    }

    private void round() throws IOException, InterruptedException {
        Disruption.rest(Duration.ofMillis(1000 + random.nextInt(3000)));
        List<Disruption> chosen = choose();
        long lengthMs = random.nextInt(4) == 0 ? 6000 + random.nextInt(8000) : 500 + random.nextInt(5500);
        long sinceNanos = System.nanoTime();
        for (Disruption disruption : chosen) {
            disruption.begin();
        }
        Disruption.rest(Duration.ofMillis(Math.max(lengthMs, longest(chosen).toMillis())));
        for (Disruption disruption : chosen) {
            disruption.end();
        }
        long endedNanos = System.nanoTime();
        awaitHealed(endedNanos);
        report.add(chosen, sinceNanos, endedNanos, availability.outagesSince(sinceNanos - BEFORE_NANOS));
        if (problems.isEmpty()) {
            cluster.awaitReady(); // else the next fault would meet one that is not over
        }
    }

    private static Duration longest(List<Disruption> chosen) {
        return chosen.stream().map(Disruption::atLeast).max(Duration::compareTo).orElse(Duration.ZERO);
    }

    /** At most one for each victim: nodes, store, clocks. */
    private List<Disruption> choose() throws IOException, InterruptedException {
        List<Disruption.Kind> shuffled = new ArrayList<>(kinds);
        if (kinds.contains(Disruption.Kind.PARTITION)) {
            shuffled.addAll(Collections.nCopies(MORE_PARTITIONS, Disruption.Kind.PARTITION));
        }
        Collections.shuffle(shuffled, random);
        List<Disruption> chosen = new ArrayList<>();
        Set<Disruption.Victim> victims = EnumSet.noneOf(Disruption.Victim.class);
        for (Disruption.Kind kind : shuffled) {
            boolean isDrawn = random.nextInt(5) < 2 && (kind != Disruption.Kind.OUTAGE || random.nextInt(6) == 0);
            if (isDrawn && victims.add(kind.victim())) {
                chosen.add(Disruption.draw(kind, cluster, store, random));
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
}
