// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.server.WalDevices;
import io.freshet.tests.checker.Anomaly;
import io.freshet.tests.checker.Checker;
import io.freshet.tests.checker.HistoryReader;
import io.freshet.tests.nemesis.LyingProxy;
import io.freshet.tests.nemesis.LyingProxy.Lie;
import io.freshet.tests.workload.Workload;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The checker and its clients against a broker that breaks its promises: each lie is caught within a minute, and the truth is
 * not taken for a lie. Seed: {@code -Dfreshet.seed}.
 */
@Timeout(300)
class LyingBrokerIT {
    private static final Map<Lie, Set<Anomaly>> SIGNS = new EnumMap<>(Map.of(
            Lie.DROP_PRODUCE, Set.of(Anomaly.LOST_WRITE, Anomaly.UNSEEN),
            Lie.OFFSET_ZERO, Set.of(Anomaly.INCONSISTENT_OFFSETS, Anomaly.DUPLICATE, Anomaly.NONMONOTONIC_SEND),
            Lie.REPLAY_PRODUCE, Set.of(Anomaly.DUPLICATE),
            Lie.SKIP_FETCHED, Set.of(Anomaly.POLL_SKIP, Anomaly.INT_POLL_SKIP)));

    private final long seed = Long.getLong("freshet.seed", 20261121);

    @TempDir
    Path folder;

    @Test
    void everyLieIsCaught() throws Exception {
        int port = FreshetProcess.freePort();
        try (LyingProxy proxy = LyingProxy.listen(seed, 0.02);
                SmallServer server = SmallServer.start(
                        folder.resolve("data"),
                        port,
                        WalDevices.ofThisMachine(),
                        Map.of("advertised.listeners", "PLAINTEXT://127.0.0.1:" + proxy.port()))) {
            proxy.serve(port);
            for (Lie lie : Lie.values()) {
                long began = System.nanoTime();
                Checker.Verdict verdict = workThrough(proxy, lie);
                long tookMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
                System.out.println(lie + ": " + verdict.findings().kinds() + " after " + tookMs + " ms");
                if (lie == Lie.NONE) {
                    assertThat(verdict.isGood())
                            .as(verdict.findings().toString())
                            .isTrue();
                } else {
                    assertThat(verdict.findings().kinds())
                            .as("%s, seed %d", lie, seed)
                            .containsAnyElementsOf(SIGNS.getOrDefault(lie, Set.of()));
                    assertThat(tookMs).isLessThan(60_000);
                }
            }
            assertThat(server.hasGivenUp()).isFalse();
        }
    }

    private Checker.Verdict workThrough(LyingProxy proxy, Lie lie) throws Exception {
        Path history = folder.resolve(lie + ".jsonl");
        Workload.Options options = new Workload.Options(
                "127.0.0.1:" + proxy.port(), "lie-" + lie, 3, (short) 1, Map.of(), 500, 2, 3, 5, seed);
        try (Workload workload = Workload.start(options, history)) {
            long before = proxy.told();
            proxy.tell(lie);
            await().during(Duration.ofSeconds(5))
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> lie == Lie.NONE || proxy.told() > before);
            proxy.tell(Lie.NONE);
            workload.finish(Duration.ofSeconds(5));
            return HistoryReader.check(history);
        }
    }
}
