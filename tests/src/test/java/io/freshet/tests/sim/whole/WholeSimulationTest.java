// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.whole;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.tests.sim.FaultCounts;
import io.freshet.tests.sim.Outcome;
import io.freshet.tests.sim.Sabotage;
import io.freshet.tests.sim.StatePool;
import io.freshet.tests.sim.quorum.QuorumSabotage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Seeds that found something, a fixed set, and the proof that a seed is all there is to a run. */
class WholeSimulationTest {
    private static final int FIXED_SEEDS = 20;
    private static final int REPEATED_SEEDS = 2;

    @TempDir
    Path directory;

    private static Outcome run(long seed, StatePool states) {
        return WholeSimulation.run(seed, QuorumSabotage.NONE, Sabotage.NONE, states, null);
    }

    @Test
    void seedsThatFoundABugFindNoneAnyMore() throws IOException {
        try (StatePool states = new StatePool(directory)) {
            for (long seed : recordedSeeds()) {
                requireFine(run(seed, states));
            }
        }
    }

    @Test
    void theSameSeedTakesTheSameCourse() {
        try (StatePool states = new StatePool(directory)) {
            for (long seed = 5_000; seed < 5_000 + REPEATED_SEEDS; seed++) {
                Outcome first = run(seed, states);
                Outcome second = run(seed, states);
                assertThat(second.traceHash()).as("trace of seed " + seed).isEqualTo(first.traceHash());
                assertThat(second.events()).isEqualTo(first.events());
            }
        }
    }

    @Test
    void fixedSeedsViolateNothing() {
        FaultCounts counts = new FaultCounts();
        long acknowledged = 0;
        long consumed = 0;
        try (StatePool states = new StatePool(directory)) {
            for (long seed = 1; seed <= FIXED_SEEDS; seed++) {
                Outcome outcome = run(seed, states);
                requireFine(outcome);
                counts.addAll(outcome.counts());
                acknowledged += outcome.acknowledged();
                consumed += outcome.consumed();
            }
        }
        assertThat(acknowledged).isGreaterThan(2_000);
        assertThat(consumed).isGreaterThan(2_000);
        assertThat(List.of(
                        "crash",
                        "pause",
                        "controlled stop",
                        "network is split",
                        "message is lost",
                        "wall clock jumps",
                        "move is asked for",
                        "registration ends",
                        "broker is gone for good",
                        "loads become even",
                        "put loses its answer",
                        "put arrives late, after its failure",
                        "503",
                        "trim",
                        "compaction",
                        "durable when the lease is over",
                        "partition opens with records of a WAL"))
                .as("kinds of things that the fixed seeds must have met: " + counts.all())
                .allMatch(what -> counts.of(what) > 0);
    }

    private static void requireFine(Outcome outcome) {
        assertThat(outcome.violation())
                .as("seed " + outcome.seed() + " (replay it with bin/freshet-sim --kind whole --seed " + outcome.seed()
                        + ")")
                .isNull();
    }

    private List<Long> recordedSeeds() throws IOException {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(getClass().getResourceAsStream("/whole-simulation-seeds.txt")),
                StandardCharsets.UTF_8))) {
            return in.lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(line -> Long.parseLong(line.split(" ", 2)[0]))
                    .toList();
        }
    }
}
