// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three voters and a broker without a vote, under load: one voter is killed, then a second one, then the last; all are started again.
 * Prints how long what took no writes; what was acknowledged is read back once, in order.
 */
class VotersST {
    private static final int PARTITIONS = 12;
    private static final long BOUND_MS = 15_000;
    private static final Duration SESSION = Duration.ofSeconds(3);

    @TempDir
    Path folder;

    @Test
    void votersAreKilledOneByOneAndComeBack() throws Exception {
        try (ClusterOnS3 cluster = ClusterOnS3.start(folder, 4, Map.of())) {
            List<TopicPartition> partitions = cluster.createTopic("voted", PARTITIONS);
            List<Integer> all =
                    partitions.stream().map(TopicPartition::partition).toList();
            DurableWriters writers = DurableWriters.start(cluster.clients(), partitions, 3, 1, Duration.ofMillis(25));
            writers.awaitProgress();
            try (WriteProbe probe = WriteProbe.start(cluster.clients(), partitions)) {
                probe.acknowledgements().awaitAll(all);
                int first = cluster.controller();
                List<Integer> others = cluster.nodes().voters().stream()
                        .filter(id -> id != first)
                        .toList();
                minority(cluster, probe, all, first);
                long lostNanos = System.nanoTime();
                majority(cluster, probe, others);
                long restartedNanos = System.nanoTime();
                cluster.nodes().voters().forEach(cluster.nodes()::start);
                cluster.nodes().awaitReady();
                long readyNanos = probe.mark();
                probe.acknowledgements().awaitAll(all);
                long worstMs = probe.acknowledgements().worstMs(all, readyNanos);
                System.out.printf(
                        "all voters started %d ms after the majority was lost: ready after %d ms, all %d partitions took"
                                + " writes %d ms later%n",
                        (restartedNanos - lostNanos) / 1_000_000,
                        (readyNanos - restartedNanos) / 1_000_000,
                        all.size(),
                        worstMs);
                assertThat(worstMs).isLessThan(BOUND_MS);
                assertThat(probe.finalErrors()).isEmpty();
            }
            cluster.awaitWhole();
            writers.awaitProgress();
            writers.finishAndVerify();
        }
    }

    /** Two of three are left: its partitions move to others. */
    private static void minority(ClusterOnS3 cluster, WriteProbe probe, List<Integer> all, int first) throws Exception {
        int led = cluster.led("voted", List.of(first)).size();
        long killedNanos = System.nanoTime();
        cluster.nodes().kill(first);
        long detectedMs = cluster.awaitFenced(List.of(first), killedNanos);
        probe.mark();
        probe.acknowledgements().awaitAll(all);
        long worstMs = probe.acknowledgements().worstMs(all, killedNanos);
        System.out.printf(
                "kill -9 of voter %d, which led the quorum and %d of %d partitions: noticed after %d ms, all took writes"
                        + " %d ms after the kill%n",
                first, led, all.size(), detectedMs, worstMs);
        assertThat(worstMs).isLessThan(BOUND_MS);
    }

    /** One of three is left, then none: the brokers that live take writes while their leases last. */
    private static void majority(ClusterOnS3 cluster, WriteProbe probe, List<Integer> others) throws Exception {
        long killedNanos = System.nanoTime();
        cluster.nodes().kill(others.get(0));
        long atKill = probe.acknowledged();
        long lastMs = 0;
        long acknowledged = atKill;
        while (ClusterOnS3.msSince(killedNanos) < lastMs + SESSION.toMillis()) {
            assertThat(lastMs).isLessThan(BOUND_MS);
            LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
            if (probe.acknowledged() > acknowledged) {
                acknowledged = probe.acknowledged();
                lastMs = ClusterOnS3.msSince(killedNanos);
            }
        }
        cluster.nodes().kill(others.get(1));
        LockSupport.parkNanos(SESSION.dividedBy(2).toNanos());
        System.out.printf(
                "kill -9 of voter %d, seconds later of %d: without a majority %d more records acknowledged, the last one"
                        + " %d ms after the kill, %d without any voter; refused with %s%n",
                others.get(0),
                others.get(1),
                acknowledged - atKill,
                lastMs,
                probe.acknowledged() - acknowledged,
                probe.refusals());
        assertThat(probe.acknowledged()).isEqualTo(acknowledged);
    }
}
