// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.tests.nemesis.FakeClocks;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * Wall clocks of running servers jump by minutes and hours, each on its own. Who leads what depends on monotonic clocks only, so nobody
 * loses a partition, and the store, which refuses requests of wrong times, is still written to.
 */
class ClockST {
    private static final int PARTITIONS = 12;
    private static final long BOUND_MS = 15_000;

    /** Longer than a broker's session. */
    private static final Duration AFTERWARDS = Duration.ofSeconds(4);

    @TempDir
    Path folder;

    private ClusterOnS3 cluster;
    private FakeClocks clocks;

    @Test
    void clocksJumpAndNobodyLosesAPartition() throws Exception {
        Optional<String> refusal = FakeClocks.refusal();
        if (refusal.isPresent()) {
            LoggerFactory.getLogger(ClockST.class).warn(refusal.get());
            Assumptions.abort(refusal.get());
        }
        clocks = FakeClocks.in(folder.resolve("clocks"));
        cluster = ClusterOnS3.start(folder, 3, Map.of(), "127.0.0.1", plan -> plan.with(clocks));
        try {
            int controller = cluster.controller();
            List<Integer> others = cluster.nodes().ids().stream()
                    .filter(id -> id != controller)
                    .toList();
            List<TopicPartition> partitions = cluster.createTopic("timeless", PARTITIONS);
            DurableWriters writers = DurableWriters.start(cluster.clients(), partitions, 3, 1, Duration.ofMillis(25));
            writers.awaitProgress();
            try (WriteProbe probe = WriteProbe.start(cluster.clients(), partitions)) {
                jump(probe, others.get(0), Duration.ofHours(11));
                killAndStart(others.get(0));
                jump(probe, others.get(1), Duration.ofMinutes(-50));
                jump(probe, controller, Duration.ofMinutes(50));
                jump(probe, controller, Duration.ofMinutes(-55));
                for (int id : cluster.nodes().ids()) {
                    jump(probe, id, Duration.ZERO);
                }
                assertThat(probe.finalErrors()).isEmpty();
            }
            cluster.awaitWhole();
            writers.awaitProgress();
            writers.finishAndVerify();
        } finally {
            cluster.close();
        }
    }

    private void jump(WriteProbe probe, int id, Duration ahead) throws Exception {
        List<Integer> all = probe.partitions();
        List<List<Integer>> leadersBefore = leaders();
        long acknowledgedBefore = probe.acknowledged();
        clocks.set(id, ahead);
        LockSupport.parkNanos(Duration.ofMillis(1_500).toNanos()); // by now the process has looked at its file
        long jumpedNanos = probe.mark();
        probe.acknowledgements().awaitAll(all);
        long worstMs = probe.acknowledgements().worstMs(all, jumpedNanos);
        LockSupport.parkNanos(AFTERWARDS.toNanos());
        System.out.printf(
                "clock of broker %d now %s from the true time: all partitions took writes within %d ms, %d records in all; its log"
                        + " now says %s, the true time is %s; refusals so far %s%n",
                id,
                ahead,
                worstMs,
                probe.acknowledged() - acknowledgedBefore,
                lastTime(id),
                Instant.now(),
                probe.refusals());
        assertThat(worstMs).isLessThan(BOUND_MS);
        assertThat(leaders()).as("who leads what").isEqualTo(leadersBefore);
    }

    /** Its next process knows nothing of the store's time, and is refused until it does. */
    private void killAndStart(int id) throws Exception {
        cluster.nodes().kill(id);
        long killedNanos = System.nanoTime();
        cluster.awaitFenced(List.of(id), killedNanos);
        cluster.nodes().start(id);
        cluster.awaitWhole();
        System.out.printf(
                "broker %d, killed and started with that clock, serves again %d ms after the kill%n",
                id, ClusterOnS3.msSince(killedNanos));
    }

    private List<List<Integer>> leaders() throws Exception {
        List<List<Integer>> led = new ArrayList<>();
        for (int id : cluster.nodes().ids()) {
            led.add(cluster.led("timeless", List.of(id)));
        }
        return led;
    }

    /** The time of the last line of a node's log that has one. */
    private String lastTime(int id) throws Exception {
        return cluster.nodes()
                .log(id)
                .lines()
                .filter(line -> line.startsWith("20") || line.startsWith("[20"))
                .reduce("", (before, line) -> line)
                .replaceFirst("^(.{19}).*", "$1");
    }
}
