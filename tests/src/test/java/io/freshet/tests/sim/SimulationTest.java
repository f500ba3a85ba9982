// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Seeds that found something, a fixed set, fresh ones for a while, and the proof that a seed is all there is to a run. */
class SimulationTest {
    private static final long FRESH_MS = Long.getLong("freshet.sim.millis", 40_000);
    private static final int FIRST_FIXED_SEED = 141;
    private static final int FIXED_SEEDS = 80;
    private static final int REPEATED_SEEDS = 30;

    @TempDir
    Path directory;

    @Test
    void seedsThatFoundABugFindNoneAnyMore() throws IOException {
        try (StatePool states = new StatePool(directory)) {
            for (long seed : recordedSeeds()) {
                requireFine(Simulation.run(seed, Sabotage.NONE, states, null));
            }
        }
    }

    @Test
    void theSameSeedTakesTheSameCourse() {
        try (StatePool states = new StatePool(directory)) {
            for (long seed = 5_000; seed < 5_000 + REPEATED_SEEDS; seed++) {
                Outcome first = Simulation.run(seed, Sabotage.NONE, states, null);
                Outcome second = Simulation.run(seed, Sabotage.NONE, states, null);
                assertThat(second.traceHash()).as("trace of seed " + seed).isEqualTo(first.traceHash());
                assertThat(second.events()).isEqualTo(first.events());
            }
        }
    }

    @Test
    void fixedAndFreshSeedsViolateNothing() {
        FaultCounts counts = new FaultCounts();
        long acknowledged = 0;
        try (StatePool states = new StatePool(directory)) {
            for (long seed = FIRST_FIXED_SEED; seed < FIRST_FIXED_SEED + FIXED_SEEDS; seed++) {
                Outcome outcome = Simulation.run(seed, Sabotage.NONE, states, null);
                requireFine(outcome);
                counts.addAll(outcome.counts());
                acknowledged += outcome.acknowledged();
            }
            long endMs = System.currentTimeMillis() + FRESH_MS;
            long seed = System.currentTimeMillis() * 1_000_003L;
            for (; System.currentTimeMillis() < endMs; seed++) {
                requireFine(Simulation.run(seed, Sabotage.NONE, states, null));
            }
        }
        assertThat(acknowledged).isGreaterThan(10_000);
        assertThat(List.of(
                        "crash",
                        "trim",
                        "stream is moved",
                        "put loses its answer",
                        "put arrives late, after its failure",
                        "read is corrupt",
                        "503",
                        "quorum loses its leader",
                        "follower falls behind",
                        "paused, replaced, and back as a zombie",
                        "disk write is torn by a crash",
                        "wall clock jumps",
                        "compaction",
                        "compaction is refused in part",
                        "disk cache is read",
                        "disk cache is damaged",
                        "broker is taken for dead",
                        "living broker is taken for dead",
                        "stream is taken over"))
                .as("kinds of faults that the fixed seeds must have met: " + counts.all())
                .allMatch(what -> counts.of(what) > 0);
    }

    private static void requireFine(Outcome outcome) {
        assertThat(outcome.violation())
                .as("seed " + outcome.seed() + " (replay it with bin/freshet-sim --seed " + outcome.seed() + ")")
                .isNull();
    }

    private List<Long> recordedSeeds() throws IOException {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(getClass().getResourceAsStream("/simulation-seeds.txt")),
                StandardCharsets.UTF_8))) {
            return in.lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(line -> Long.parseLong(line.split(" ", 2)[0]))
                    .toList();
        }
    }
}
