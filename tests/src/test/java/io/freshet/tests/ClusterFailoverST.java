// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.metadata.MetadataNodeConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three brokers that are voters too, with default settings, on one S3 server: they are killed and stopped under the load of idempotent
 * producers. Each test prints what was done and how long what did not take writes, leaves the cluster whole, and checks that what was
 * acknowledged is read back once, in order. Bounds are far above the targets, for machines that do something else besides.
 */
class ClusterFailoverST {
    private static final int WRITERS = 3;
    private static final long SESSION_MS = MetadataNodeConfig.DEFAULT_BROKER_SESSION_TIMEOUT_MS;

    /** Detection within the session. */
    private static final long DETECTED_MS = 5 * SESSION_MS;

    /** All partitions of a dead broker take writes this long after its death was noticed. */
    private static final long WRITABLE_MS = 15_000;

    /** An election comes before detection when the one that would notice is dead itself. */
    private static final long DETECTED_BY_THE_NEXT_MS = DETECTED_MS + 3 * 2_000;

    @TempDir
    static Path folder;

    private static ClusterOnS3 cluster;

    @BeforeAll
    static void start() throws Exception {
        cluster = ClusterOnS3.start(folder, 3, Map.of());
    }

    @AfterAll
    static void stop() throws Exception {
        if (cluster != null) {
            cluster.close();
        }
    }

    @Test
    void aKilledBrokersPartitionsAreTakenOver(TestInfo test) throws Exception {
        int victim = otherThanController();
        killUnderLoad(test, 12, victim, DETECTED_MS);
    }

    @Test
    void aKilledControllersPartitionsAreTakenOver(TestInfo test) throws Exception {
        killUnderLoad(test, 12, controller(), DETECTED_BY_THE_NEXT_MS);
    }

    @Test
    void aThousandPartitionsOfAKilledBrokerAreTakenOver(TestInfo test) throws Exception {
        int victim = otherThanController();
        String topic = "thousand";
        List<TopicPartition> all = cluster.createTopicOn(topic, 1_000, victim);
        List<Integer> led = all.stream().map(TopicPartition::partition).toList();
        try (WriteProbe probe = WriteProbe.start(cluster.clients(), all)) {
            probe.acknowledgements().awaitAll(led);
            long killedNanos = probe.mark();
            cluster.nodes().kill(victim);
            long detectedMs = cluster.awaitFenced(List.of(victim), killedNanos);
            probe.acknowledgements().awaitAll(led);
            long worstMs = probe.acknowledgements().worstMs(led, killedNanos);
            report(
                    test,
                    "kill -9 of broker %d, which led %d partitions: noticed after %d ms, all take writes %d ms later (the"
                            + " first %d ms)",
                    victim,
                    led.size(),
                    detectedMs,
                    worstMs - detectedMs,
                    probe.acknowledgements().bestMs(led, killedNanos) - detectedMs);
            assertThat(detectedMs).isLessThan(DETECTED_MS);
            assertThat(worstMs - detectedMs).isLessThan(WRITABLE_MS);
            assertThat(probe.finalErrors()).isEmpty();
        }
        restart(List.of(victim));
    }

    @Test
    void aStoppedBrokerAcknowledgesNothingAndComesBackByItself(TestInfo test) throws Exception {
        int victim = otherThanController();
        List<TopicPartition> partitions = cluster.createTopicOn("stopped", 4, victim);
        DurableWriters writers = startWriters(partitions);
        List<Integer> led = partitions.stream().map(TopicPartition::partition).toList();
        writers.awaitProgress();
        try (KafkaProducer<byte[], byte[]> stubborn = stubbornProducer();
                WriteProbe probe = WriteProbe.start(cluster.clients(), partitions)) {
            for (TopicPartition partition : partitions) {
                stubborn.send(record(partition)).get();
            }
            probe.acknowledgements().awaitAll(led);
            cluster.nodes().pause(victim);
            long stoppedNanos = probe.mark();
            List<Future<RecordMetadata>> late = new ArrayList<>();
            partitions.forEach(partition -> late.add(stubborn.send(record(partition))));
            long detectedMs = cluster.awaitFenced(List.of(victim), stoppedNanos);
            probe.acknowledgements().awaitAll(led);
            long worstMs = probe.acknowledgements().worstMs(led, stoppedNanos);
            LockSupport.parkNanos(Duration.ofMillis(SESSION_MS / 3).toNanos());
            long resumedNanos = System.nanoTime();
            cluster.nodes().resume(victim);
            int acknowledgedLate = 0;
            for (Future<RecordMetadata> answer : late) {
                acknowledgedLate += isAcknowledged(answer) ? 1 : 0;
            }
            cluster.awaitWhole();
            report(
                    test,
                    "SIGSTOP of broker %d for %d ms: noticed after %d ms, its %d partitions took writes after %d ms; of %d"
                            + " requests that it got while stopped it acknowledged %d; it served again %d ms after SIGCONT",
                    victim,
                    (resumedNanos - stoppedNanos) / 1_000_000,
                    detectedMs,
                    led.size(),
                    worstMs,
                    late.size(),
                    acknowledgedLate,
                    ClusterOnS3.msSince(resumedNanos));
            assertThat(acknowledgedLate).isZero();
            assertThat(probe.finalErrors()).isEmpty();
        }
        List<TopicPartition> again = cluster.createTopicOn("again", 1, victim);
        try (WriteProbe probe = WriteProbe.start(cluster.clients(), again)) {
            probe.acknowledgements().awaitAll(List.of(0));
        }
        writers.awaitProgress();
        writers.finishAndVerify();
    }

    @Test
    void withoutAMajorityWritesAreRefusedForAWhile(TestInfo test) throws Exception {
        List<TopicPartition> partitions = cluster.createTopic("minority", 12);
        DurableWriters writers = startWriters(partitions);
        writers.awaitProgress();
        int survivor = otherThanController();
        List<Integer> dead =
                cluster.nodes().ids().stream().filter(id -> id != survivor).toList();
        List<Integer> survivors = cluster.led("minority", List.of(survivor));
        List<TopicPartition> probed =
                survivors.stream().map(id -> new TopicPartition("minority", id)).toList();
        try (WriteProbe probe = WriteProbe.start(new Clients(cluster.nodes().bootstrap()), probed)) {
            probe.acknowledgements().awaitAll(survivors);
            long killedNanos = System.nanoTime();
            dead.forEach(cluster.nodes()::kill);
            long atKill = probe.acknowledged();
            LockSupport.parkNanos(Duration.ofMillis(2 * SESSION_MS).toNanos());
            long atRefusal = probe.acknowledged();
            LockSupport.parkNanos(Duration.ofMillis(SESSION_MS / 2).toNanos());
            long after = probe.acknowledged();
            long restartedNanos = System.nanoTime();
            writers.acknowledgements().reset();
            dead.forEach(cluster.nodes()::start);
            List<Integer> all =
                    partitions.stream().map(TopicPartition::partition).toList();
            writers.acknowledgements().awaitAll(all);
            report(
                    test,
                    "kill -9 of brokers %s, two of three voters: broker %d acknowledged %d more records to its %d"
                            + " partitions while its lease lasted, %d after that, and refused with %s; started again %d ms"
                            + " later, all partitions took writes %d ms after that",
                    dead,
                    survivor,
                    atRefusal - atKill,
                    survivors.size(),
                    after - atRefusal,
                    probe.refusals(),
                    (restartedNanos - killedNanos) / 1_000_000,
                    writers.acknowledgements().worstMs(all, restartedNanos));
            assertThat(atRefusal - atKill).isPositive();
            assertThat(after - atRefusal).isZero();
            assertThat(probe.finalErrors()).isEmpty();
        }
        cluster.awaitWhole();
        writers.awaitProgress();
        writers.finishAndVerify();
    }

    @Test
    void withoutItsStoreTheClusterWaits(TestInfo test) throws Exception {
        Duration outage = Duration.ofSeconds(Integer.getInteger("freshet.outage.seconds", 10));
        List<TopicPartition> partitions = cluster.createTopic("storeless", 12);
        List<Integer> all = partitions.stream().map(TopicPartition::partition).toList();
        DurableWriters writers = startWriters(partitions);
        writers.awaitProgress();
        try (WriteProbe probe = WriteProbe.start(cluster.clients(), partitions)) {
            probe.acknowledgements().awaitAll(all);
            cluster.s3().interrupt();
            long goneNanos = System.nanoTime();
            LockSupport.parkNanos(Duration.ofSeconds(1).toNanos());
            long atFirst = probe.acknowledged();
            LockSupport.parkNanos(outage.toNanos());
            long meanwhile = probe.acknowledged() - atFirst;
            long backNanos = probe.mark();
            writers.acknowledgements().reset();
            cluster.s3().restart();
            probe.acknowledgements().awaitAll(all);
            writers.acknowledgements().awaitAll(all);
            report(
                    test,
                    "no store for %d ms: %d records acknowledged meanwhile, refused with %s; all partitions took writes"
                            + " %d ms after its return, all that waited was acknowledged %d ms after it",
                    (backNanos - goneNanos) / 1_000_000,
                    meanwhile,
                    probe.refusals(),
                    probe.acknowledgements().worstMs(all, backNanos),
                    writers.acknowledgements().worstMs(all, backNanos));
            assertThat(meanwhile).isZero();
            assertThat(probe.finalErrors()).isEmpty();
        }
        cluster.awaitWhole();
        writers.awaitProgress();
        writers.finishAndVerify();
    }

    private static DurableWriters startWriters(List<TopicPartition> partitions) {
        return DurableWriters.start(cluster.clients(), partitions, WRITERS, 1, Duration.ofMillis(25));
    }

    private static void killUnderLoad(TestInfo test, int partitionCount, int victim, long detectionBoundMs)
            throws Exception {
        String topic = "killed-" + victim + "-" + System.nanoTime();
        List<TopicPartition> partitions = cluster.createTopic(topic, partitionCount);
        DurableWriters writers = startWriters(partitions);
        writers.awaitProgress();
        List<Integer> led = cluster.led(topic, List.of(victim));
        List<Integer> others = partitions.stream()
                .map(TopicPartition::partition)
                .filter(id -> !led.contains(id))
                .toList();
        try (WriteProbe probe = WriteProbe.start(cluster.clients(), partitions)) {
            probe.acknowledgements().awaitAll(led);
            long killedNanos = probe.mark();
            writers.acknowledgements().reset();
            cluster.nodes().kill(victim);
            long detectedMs = cluster.awaitFenced(List.of(victim), killedNanos);
            probe.acknowledgements().awaitAll(led);
            long probedMs = probe.acknowledgements().worstMs(led, killedNanos);
            writers.acknowledgements().awaitAll(led);
            probe.acknowledgements().awaitAll(others);
            report(
                    test,
                    "kill -9 of broker %d, which led %d of %d partitions: noticed after %d ms, all take writes %d ms later;"
                            + " idempotent producers were answered by all %d ms after the kill; the others' partitions"
                            + " answered after %d ms at the latest",
                    victim,
                    led.size(),
                    partitionCount,
                    detectedMs,
                    probedMs - detectedMs,
                    writers.acknowledgements().worstMs(led, killedNanos),
                    probe.acknowledgements().worstMs(others, killedNanos));
            assertThat(led).isNotEmpty();
            assertThat(detectedMs).isLessThan(detectionBoundMs);
            assertThat(probedMs - detectedMs).isLessThan(WRITABLE_MS);
            assertThat(probe.finalErrors()).isEmpty();
        }
        restart(List.of(victim));
        writers.awaitProgress();
        writers.finishAndVerify();
    }

    private static void restart(List<Integer> ids) throws Exception {
        long startedNanos = System.nanoTime();
        ids.forEach(cluster.nodes()::start);
        cluster.awaitWhole();
        System.out.printf("  brokers %s serve again %d ms after their start%n", ids, ClusterOnS3.msSince(startedNanos));
    }

    private static int controller() throws InterruptedException {
        return cluster.nodes().controller().orElseThrow();
    }

    private static int otherThanController() throws InterruptedException {
        int controller = controller();
        return cluster.nodes().ids().stream()
                .filter(id -> id != controller)
                .findFirst()
                .orElseThrow();
    }

    private static ProducerRecord<byte[], byte[]> record(TopicPartition partition) {
        byte[] value = DurableWriters.unnamedValue();
        return new ProducerRecord<>(partition.topic(), partition.partition(), null, value);
    }

    /** Sends at once, and waits for the answer of the one it sent to however long that takes. */
    private static KafkaProducer<byte[], byte[]> stubbornProducer() {
        return cluster.clients()
                .producer(Map.of(
                        "enable.idempotence", "false",
                        "retries", "0",
                        "linger.ms", "0",
                        "max.in.flight.requests.per.connection", "100",
                        "request.timeout.ms", "60000",
                        "delivery.timeout.ms", "60000"));
    }

    private static boolean isAcknowledged(Future<RecordMetadata> answer) throws Exception {
        try {
            answer.get(70, TimeUnit.SECONDS);
            return true;
        } catch (ExecutionException e) {
            return false;
        }
    }

    private static void report(TestInfo test, String format, Object... values) {
        System.out.println(test.getTestMethod().orElseThrow().getName() + ": " + String.format(format, values));
    }
}
