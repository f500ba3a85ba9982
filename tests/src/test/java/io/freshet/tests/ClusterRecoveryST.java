// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.metadata.MetadataNodeConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deaths that need clusters of their own: two of five brokers at once, a controller that says nothing, and a broker whose WAL nobody else can read. */
class ClusterRecoveryST {
    private static final long SESSION_MS = MetadataNodeConfig.DEFAULT_BROKER_SESSION_TIMEOUT_MS;
    private static final long DETECTED_MS = 5 * SESSION_MS;
    private static final long WRITABLE_MS = 15_000;

    @TempDir
    Path folder;

    @Test
    void twoOfFiveBrokersDieAtOnceAndAreRecoveredSideBySide() throws Exception {
        try (ClusterOnS3 cluster = ClusterOnS3.start(folder, 5, Map.of())) {
            killAtOnce(cluster, List.of(4, 5)); // not voters: no election comes between
        }
    }

    @Test
    void theControllerDiesAtTheMomentOfAnotherBroker() throws Exception {
        try (ClusterOnS3 cluster = ClusterOnS3.start(folder, 5, Map.of())) {
            killAtOnce(cluster, List.of(cluster.controller(), 5));
        }
    }

    private static void killAtOnce(ClusterOnS3 cluster, List<Integer> dead) throws Exception {
        List<TopicPartition> partitions = cluster.createTopic("five", 100);
        DurableWriters writers = startWriters(cluster, partitions);
        writers.awaitProgress();
        List<Integer> led = cluster.led("five", dead);
        try (WriteProbe probe = WriteProbe.start(cluster.clients(), partitions)) {
            probe.acknowledgements().awaitAll(led);
            long killedNanos = probe.mark();
            dead.forEach(cluster.nodes()::kill);
            long detectedMs = cluster.awaitFenced(dead, killedNanos);
            probe.acknowledgements().awaitAll(led);
            long worstMs = probe.acknowledgements().worstMs(led, killedNanos);
            System.out.printf(
                    "kill -9 of brokers %s of five, which led %d of %d partitions: noticed after %d ms, all take writes %d ms"
                            + " later%n",
                    dead, led.size(), partitions.size(), detectedMs, worstMs - detectedMs);
            assertThat(led).hasSizeGreaterThan(20);
            assertThat(detectedMs).isLessThan(DETECTED_MS);
            assertThat(worstMs - detectedMs).isLessThan(WRITABLE_MS);
            assertThat(probe.finalErrors()).isEmpty();
        }
        writers.awaitProgress();
        writers.finishAndVerify();
        assertThat(cluster.fenced()).containsExactlyInAnyOrderElementsOf(dead);
    }

    /** It keeps its connections and says nothing; brokers 4 and 5 have no vote, so nobody tells them who was elected. */
    @Test
    void brokersFindTheNextControllerWhenOneIsStopped() throws Exception {
        try (ClusterOnS3 cluster = ClusterOnS3.start(folder, 5, Map.of())) {
            DurableWriters writers = startWriters(cluster, cluster.createTopic("stopped", 20));
            writers.awaitProgress();
            int controller = cluster.controller();
            long stoppedNanos = System.nanoTime();
            cluster.nodes().pause(controller);
            long detectedMs = cluster.awaitFenced(List.of(controller), stoppedNanos);
            writers.awaitProgress();
            System.out.printf("SIGSTOP of the controller, broker %d: noticed after %d ms%n", controller, detectedMs);
            assertThat(cluster.fenced()).containsExactly(controller);
            cluster.nodes().resume(controller);
            cluster.awaitWhole();
            writers.awaitProgress();
            writers.finishAndVerify();
        }
    }

    @Test
    void aBlockWalWaitsForItsBroker() throws Exception {
        try (ClusterOnS3 cluster = ClusterOnS3.start(
                folder, 3, Map.of("wal.lanes", "block", "wal.lane", "block", "wal.capacity.bytes", "67108864"))) {
            List<TopicPartition> partitions = cluster.createTopic("block", 12);
            DurableWriters writers = startWriters(cluster, partitions);
            writers.awaitProgress();
            int controller = cluster.nodes().controller().orElseThrow();
            int victim = cluster.nodes().ids().stream()
                    .filter(id -> id != controller)
                    .findFirst()
                    .orElseThrow();
            List<Integer> led = cluster.led("block", List.of(victim));
            List<Integer> others = partitions.stream()
                    .map(TopicPartition::partition)
                    .filter(id -> !led.contains(id))
                    .toList();
            try (WriteProbe probe = WriteProbe.start(cluster.clients(), partitions)) {
                probe.acknowledgements().awaitAll(led);
                cluster.nodes().kill(victim);
                long killedNanos = probe.mark();
                long detectedMs = cluster.awaitFenced(List.of(victim), killedNanos);
                probe.acknowledgements().awaitAll(others);
                LockSupport.parkNanos(Duration.ofMillis(SESSION_MS).toNanos());
                List<Integer> takenOver =
                        led.stream().filter(probe.acknowledgements()::isSeen).toList();
                long startedNanos = System.nanoTime();
                cluster.nodes().start(victim);
                probe.acknowledgements().awaitAll(led);
                System.out.printf(
                        "kill -9 of broker %d with a block WAL, which led %d of %d partitions: noticed after %d ms, %d taken"
                                + " over %d ms after the kill; started again then, all took writes %d ms later%n",
                        victim,
                        led.size(),
                        partitions.size(),
                        detectedMs,
                        takenOver.size(),
                        (startedNanos - killedNanos) / 1_000_000,
                        probe.acknowledgements().worstMs(led, startedNanos));
                assertThat(takenOver).isEmpty();
                assertThat(probe.finalErrors()).isEmpty();
            }
            assertThat(cluster.led("block", List.of(victim))).containsExactlyInAnyOrderElementsOf(led);
            writers.awaitProgress();
            writers.finishAndVerify();
        }
    }

    @Test
    void aBlockWalThatOthersCanOpenIsBroughtIn() throws Exception {
        Map<String, String> settings = Map.of(
                "wal.lanes", "block",
                "wal.lane", "block",
                "wal.capacity.bytes", "67108864",
                "wal.takeover.path", folder.resolve("shared-{broker}.wal").toString());
        try (ClusterOnS3 cluster = ClusterOnS3.start(folder, 3, settings)) {
            List<TopicPartition> partitions = cluster.createTopic("shared", 12);
            DurableWriters writers = startWriters(cluster, partitions);
            writers.awaitProgress();
            int controller = cluster.nodes().controller().orElseThrow();
            int victim = controller % 3 + 1;
            List<Integer> led = cluster.led("shared", List.of(victim));
            assertThat(led).isNotEmpty();
            try (WriteProbe probe = WriteProbe.start(cluster.clients(), partitions)) {
                probe.acknowledgements().awaitAll(led);
                cluster.nodes().pause(victim);
                cluster.awaitFenced(List.of(victim), probe.mark());
                LockSupport.parkNanos(Duration.ofMillis(2 * SESSION_MS).toNanos());
                assertThat(led)
                        .as("a stopped process still holds the lock of its WAL")
                        .noneMatch(probe.acknowledgements()::isSeen);
                long killedNanos = probe.mark();
                cluster.nodes().kill(victim);
                probe.acknowledgements().awaitAll(led);
                System.out.printf(
                        "broker %d, whose block WAL others can open and which led %d of %d partitions, was stopped and fenced;"
                                + " then kill -9: all took writes elsewhere %d ms later%n",
                        victim,
                        led.size(),
                        partitions.size(),
                        probe.acknowledgements().worstMs(led, killedNanos));
                assertThat(cluster.led("shared", List.of(victim))).isEmpty();
                assertThat(probe.finalErrors()).isEmpty();
            }
            cluster.nodes().start(victim);
            cluster.awaitWhole();
            writers.awaitProgress();
            writers.finishAndVerify();
        }
    }

    private static DurableWriters startWriters(ClusterOnS3 cluster, List<TopicPartition> partitions) {
        return DurableWriters.start(cluster.clients(), partitions, 3, 1, Duration.ofMillis(5));
    }
}
