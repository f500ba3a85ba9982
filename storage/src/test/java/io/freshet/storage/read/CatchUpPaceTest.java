// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.storage.fake.SimRuntime;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class CatchUpPaceTest {
    private static final int MIB = 1 << 20;

    private final SimRuntime sim = new SimRuntime(1000);
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private static final double[] BOUNDS_MS = {1, 2, 4, 8, 16, 32};

    private long requests;
    private final double[] within = new double[BOUNDS_MS.length];
    private final double[] probesWithin = new double[BOUNDS_MS.length];
    private long probes;
    private double probeMs = 0.1;
    private final CatchUpPace pace = new CatchUpPace(
            sim,
            sim,
            List.of(
                    () -> new CatchUpPace.TailRequests(requests, within.clone()),
                    () -> new CatchUpPace.TailRequests(probes, probesWithin.clone())),
            registry);

    private static void count(double latencyMs, double[] into) {
        for (int i = 0; i < BOUNDS_MS.length; i++) {
            into[i] += latencyMs <= BOUNDS_MS[i] ? 1 : 0;
        }
    }

    private void request(double latencyMs) {
        requests++;
        count(latencyMs, within);
        probes++;
        count(probeMs, probesWithin);
    }

    /** Lets {@code ms} pass with one request of the tail each 5 ms, and a slow one of 7 ms each half second. */
    private void tail(long ms, double latencyMs) {
        for (long passed = 0; passed < ms; passed += 5) {
            request(requests % 100 == 99 ? Math.max(7, latencyMs) : latencyMs);
            sim.advance(5);
        }
    }

    /** One reader that takes all it can for {@code ms} while the tail's latency depends on the rate; bytes that it got. */
    private long replay(long ms, java.util.function.ToDoubleFunction<Double> latencyMs) {
        long bytes = 0;
        CompletableFuture<Void> turn = pace.admit(MIB);
        for (long passed = 0; passed < ms; passed += 10) {
            while (turn.isDone()) {
                bytes += MIB;
                turn = pace.admit(MIB);
            }
            tail(10, latencyMs.applyAsDouble(pace.bytesPerSecond()));
        }
        return bytes;
    }

    @Test
    void withoutATailThereIsHardlyALimit() {
        sim.advance(3000);
        assertThat(pace.bytesPerSecond()).isEqualTo(CatchUpPace.GREATEST_RATE);
    }

    @Test
    void shrinksWhenTheTailSlowsDownAndGrowsAgain() {
        tail(3000, 2);
        replay(5000, rate -> 10);
        assertThat(pace.bytesPerSecond()).isEqualTo(CatchUpPace.LEAST_RATE);
        assertThat(registry.counter("freshet.catchup.delayed.reads").count()).isPositive();
        replay(10_000, rate -> 2);
        assertThat(pace.bytesPerSecond()).isGreaterThan(10 * CatchUpPace.LEAST_RATE);
    }

    @Test
    void whatIsRareWithoutAReplayIsNotItsFault() {
        tail(10_000, 2);
        replay(10_000, rate -> requests % 100 == 99 ? 7 : 2);
        assertThat(pace.bytesPerSecond()).isGreaterThan(CatchUpPace.FIRST_RATE);
    }

    @Test
    void aFewMoreSlowRequestsAreEnoughToShrink() {
        tail(10_000, 2);
        replay(10_000, rate -> requests % 25 == 24 ? 30 : 2);
        assertThat(pace.bytesPerSecond()).isLessThan(CatchUpPace.FIRST_RATE * 0.75);
    }

    @Test
    void whatIsSlowAtTheLeastRateBecomesUsual() {
        tail(3000, 2);
        replay(10_000, rate -> 10);
        assertThat(pace.bytesPerSecond()).isEqualTo(CatchUpPace.LEAST_RATE);
        replay(300_000, rate -> 10);
        assertThat(pace.bytesPerSecond()).isGreaterThan(2 * CatchUpPace.LEAST_RATE);
    }

    @Test
    void loopsThatComeLateCountToo() {
        tail(10_000, 2);
        probeMs = 10;
        replay(5000, rate -> 2);
        assertThat(pace.bytesPerSecond()).isEqualTo(CatchUpPace.LEAST_RATE);
    }

    @Test
    void aStalledTailIsNoMissingTail() {
        tail(3000, 2);
        replay(5000, rate -> 10);
        sim.advance(500);
        assertThat(pace.bytesPerSecond()).isEqualTo(CatchUpPace.LEAST_RATE);
        sim.advance(5000);
        assertThat(pace.bytesPerSecond()).isGreaterThan(10 * CatchUpPace.LEAST_RATE);
    }

    @Test
    void settlesAroundWhatTheTailBears() {
        tail(3000, 2);
        double bearable = 60 * MIB;
        replay(3000, rate -> rate > bearable ? 12 : 2);
        long bytes = replay(10_000, rate -> rate > bearable ? 12 : 2);
        assertThat(bytes / 10.0).isBetween(bearable * 0.5, bearable * 1.2);
    }

    @Test
    void readersInTurnGetEqualShares() {
        tail(20_000, 2);
        replay(3000, rate -> 10);
        long[] bytes = new long[8];
        CompletableFuture<?>[] turns = new CompletableFuture<?>[8];
        for (int i = 0; i < 8; i++) {
            turns[i] = pace.admit(MIB);
        }
        for (int passed = 0; passed < 10_000; passed += 10) {
            for (int i = 0; i < 8; i++) {
                if (turns[i].isDone()) {
                    bytes[i] += MIB;
                    turns[i] = pace.admit(MIB);
                }
            }
            tail(10, 10);
        }
        for (long one : bytes) {
            assertThat(one).isBetween(10L * MIB, 40L * MIB);
        }
    }

    @Test
    void whatWasNotTakenIsGivenBack() {
        tail(3000, 2);
        replay(3000, rate -> 10);
        for (int i = 0; i < 1000; i++) {
            CompletableFuture<Void> turn = pace.admit(MIB);
            pace.taken(MIB, 100);
            if (!turn.isDone()) {
                tail(10, 10);
            }
            assertThat(turn.isDone() || i < 200).as("read " + i).isTrue();
        }
    }
}
