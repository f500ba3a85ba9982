// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The server is killed again and again under load. What was acknowledged is read back once, in order, byte for byte; what
 * was not is read at most once. Rounds: {@code -Dfreshet.kill.rounds} (5); seed: {@code -Dfreshet.seed}.
 */
class KillNineST {
    private static final int PARTITIONS = 4;
    private static final int PRODUCERS = 3;
    private static final String TOPIC = "survivors";

    @TempDir
    Path folder;

    @Test
    void acknowledgedRecordsSurviveKillNine() throws Exception {
        int rounds = Integer.getInteger("freshet.kill.rounds", 5);
        long seed = Long.getLong("freshet.seed", System.nanoTime());
        System.out.println("kill -9, " + rounds + " rounds, seed " + seed);
        Random random = new Random(seed);
        try (FreshetProcess server = FreshetProcess.start(
                folder.resolve("data"),
                "--override=storage.upload.bytes=8388608",
                "--override=storage.upload.interval.ms=1000")) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic(TOPIC, PARTITIONS, Map.of());
            DurableWriters writers =
                    DurableWriters.start(clients, DurableWriters.partitionsOf(TOPIC, PARTITIONS), PRODUCERS, seed);
            for (int round = 0; round < rounds; round++) {
                writers.awaitProgress();
                LockSupport.parkNanos(Duration.ofMillis(random.nextInt(2500)).toNanos());
                server.kill9();
                server.start();
                System.out.println("round " + round + ": ready again after " + server.readyMs() + " ms");
            }
            writers.awaitProgress();
            writers.finishAndVerify();
            assertThat(server.stop()).isIn(0, 143);
        }
    }
}
