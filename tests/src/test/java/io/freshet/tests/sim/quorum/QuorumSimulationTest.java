// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.tests.sim.FaultCounts;
import io.freshet.tests.sim.Outcome;
import io.freshet.tests.sim.StatePool;
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
class QuorumSimulationTest {
    private static final long FRESH_MS = Long.getLong("freshet.sim.quorum.millis", 15_000);
    private static final int FIXED_SEEDS = 25;
    private static final int REPEATED_SEEDS = 4;

    @TempDir
    Path directory;

    @Test
    void seedsThatFoundABugFindNoneAnyMore() throws IOException {
        try (StatePool states = new StatePool(directory)) {
            for (long seed : recordedSeeds()) {
                requireFine(QuorumSimulation.run(seed, QuorumSabotage.NONE, states, null));
            }
        }
    }

    @Test
    void theSameSeedTakesTheSameCourse() {
        try (StatePool states = new StatePool(directory)) {
            for (long seed = 5_000; seed < 5_000 + REPEATED_SEEDS; seed++) {
                Outcome first = QuorumSimulation.run(seed, QuorumSabotage.NONE, states, null);
                Outcome second = QuorumSimulation.run(seed, QuorumSabotage.NONE, states, null);
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
            for (long seed = 1; seed <= FIXED_SEEDS; seed++) {
                Outcome outcome = QuorumSimulation.run(seed, QuorumSabotage.NONE, states, null);
                requireFine(outcome);
                counts.addAll(outcome.counts());
                acknowledged += outcome.acknowledged();
            }
            long endMs = System.currentTimeMillis() + FRESH_MS;
            long seed = System.currentTimeMillis() * 1_000_003L;
            for (; System.currentTimeMillis() < endMs; seed++) {
                requireFine(QuorumSimulation.run(seed, QuorumSabotage.NONE, states, null));
            }
        }
        assertThat(acknowledged).isGreaterThan(3_000);
        assertThat(List.of(
                        "crash",
                        "pause",
                        "controlled stop",
                        "most voters crash at once",
                        "network is split",
                        "network is split in one direction",
                        "message is late",
                        "message is lost",
                        "request arrives twice",
                        "command is not answered in time",
                        "wall clock jumps",
                        "tables are lost",
                        "move is asked for",
                        "WAL is fenced",
                        "registration ends",
                        "broker is gone for good",
                        "loads become even"))
                .as("kinds of faults that the fixed seeds must have met: " + counts.all())
                .allMatch(what -> counts.of(what) > 0);
        assertThat(counts.of("leader is elected")).isGreaterThan(2 * FIXED_SEEDS);
    }

    private static void requireFine(Outcome outcome) {
        assertThat(outcome.violation())
                .as("seed " + outcome.seed() + " (replay it with bin/freshet-sim --kind quorum --seed " + outcome.seed()
                        + ")")
                .isNull();
    }

    private List<Long> recordedSeeds() throws IOException {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(getClass().getResourceAsStream("/quorum-simulation-seeds.txt")),
                StandardCharsets.UTF_8))) {
            return in.lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(line -> Long.parseLong(line.split(" ", 2)[0]))
                    .toList();
        }
    }
}
