// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.tests.checker.Checker;
import io.freshet.tests.checker.HistoryReader;
import io.freshet.tests.nemesis.Cluster;
import io.freshet.tests.nemesis.Disruption;
import io.freshet.tests.nemesis.FaultProxy;
import io.freshet.tests.nemesis.Nemesis;
import io.freshet.tests.nemesis.Verdicts;
import io.freshet.tests.workload.Workload;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Server processes are killed, paused and restarted and their store fails, while real clients write and read; none of them may
 * see an anomaly. Seconds for each lane: {@code -Dfreshet.check.seconds} (20); seed: {@code -Dfreshet.seed}. A longer run:
 * {@code bin/freshet-check}.
 */
class CheckerST {
    private static final String BUCKET = "checked";

    private final int seconds = Integer.getInteger("freshet.check.seconds", 20);
    private final long seed = Long.getLong("freshet.seed", System.nanoTime());

    @TempDir
    Path folder;

    /** Without those that need a network or clocks of their own, and the one that takes a minute. */
    private static Set<Disruption.Kind> kinds() {
        return EnumSet.complementOf(EnumSet.of(
                Disruption.Kind.PARTITION, Disruption.Kind.SLOW, Disruption.Kind.CLOCK, Disruption.Kind.OUTAGE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"block", "s3"})
    void clientsSeeNoAnomalyWhateverHappens(String lane) throws Exception {
        Set<Disruption.Kind> kinds = kinds();
        kinds.removeAll(EnumSet.of(
                Disruption.Kind.CONTROLLER,
                Disruption.Kind.PAIR,
                Disruption.Kind.VOTERS)); // the only node is all of them
        check(lane, 1, kinds);
    }

    @Test
    void clientsOfAClusterSeeNoAnomalyWhateverHappens() throws Exception {
        check("s3", 3, kinds());
    }

    private void check(String lane, int brokers, Set<Disruption.Kind> kinds) throws Exception {
        System.out.println(lane + " lane, " + brokers + " brokers, seed " + seed);
        Path history = folder.resolve("history.jsonl");
        try (S3Server s3 = S3Server.start(folder.resolve("s3"), BUCKET);
                FaultProxy proxy = FaultProxy.start(s3.port());
                Cluster cluster = Cluster.start(
                        FreshetProcess.distribution(),
                        folder.resolve("fleet"),
                        brokers,
                        Map.of(
                                "storage.uri",
                                s3.uri(BUCKET).replace(":" + s3.port(), ":" + proxy.port()),
                                "wal.lanes",
                                lane,
                                "wal.lane",
                                lane,
                                "storage.upload.interval.ms",
                                "2000"),
                        s3.credentials());
                Workload workload = Workload.start(
                        new Workload.Options(
                                cluster.bootstrap(), "checked", 4, (short) brokers, Map.of(), 400, 3, 3, 10, seed),
                        history)) {
            Nemesis nemesis = new Nemesis(cluster, proxy, workload.availability(), seed, kinds, System.out);
            List<String> problems = new ArrayList<>(nemesis.run(Duration.ofSeconds(seconds)));
            problems.addAll(workload.finish(Duration.ofSeconds(60)));
            Checker.Verdict verdict = HistoryReader.check(history);
            Verdicts.print(System.out, verdict, workload.errors(), problems);
            assertThat(problems).as("seed %d", seed).isEmpty();
            assertThat(verdict.isGood())
                    .as("seed %d: %s", seed, verdict.findings())
                    .isTrue();
            assertThat(verdict.totals().acked()).isGreaterThan(100);
        }
    }
}
