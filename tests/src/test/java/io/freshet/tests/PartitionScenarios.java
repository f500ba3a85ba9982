// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.tests.nemesis.Enclosed;
import io.freshet.tests.nemesis.PrivateNetwork;
import io.freshet.tests.nemesis.PrivateNetwork.Link;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.message.MetadataResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.awaitility.Awaitility;

/** The main program of {@link PartitionST}: three brokers that are voters too; exit code 0 if all went as it should. */
public final class PartitionScenarios implements AutoCloseable {
    private static final int BROKERS = 3;
    private static final int PARTITIONS = 4;
    private static final short METADATA_VERSION = 9;
    private static final long BOUND_MS = 15_000;

    /** It registers anew, and makes a topic. */
    private static final long REJOIN_BOUND_MS = 30_000;

    /** An isolated broker is watched for this long after others have taken over. */
    private static final Duration WATCH = Duration.ofSeconds(2);

    private final PrivateNetwork network;
    private final ClusterOnS3 cluster;

    private PartitionScenarios(PrivateNetwork network, Path folder) throws Exception {
        this.network = network;
        this.cluster = ClusterOnS3.start(folder, BROKERS, Map.of(), network.storeHost(), plan -> plan.in(network));
    }

    /** Arguments: the distribution, an empty folder. */
    public static void main(String[] arguments) throws Exception {
        Enclosed.endWithParent();
        System.setProperty("freshet.dist", arguments[0]);
        int code = 0;
        try (PartitionScenarios all = new PartitionScenarios(PrivateNetwork.make(BROKERS), Path.of(arguments[1]))) {
            int follower = all.otherThanController();
            all.cutOff(
                    "cut from its peers, but not from clients and store",
                    follower,
                    () -> all.network.cut(follower, Link.PEERS),
                    () -> all.network.join(follower, Link.PEERS));
            int controller = all.cluster.controller();
            all.cutOff(
                    "the controller, cut from its peers, but not from clients and store",
                    controller,
                    () -> all.network.cut(controller, Link.PEERS),
                    () -> all.network.join(controller, Link.PEERS));
            int mute = all.otherThanController();
            all.cutOff(
                    "heard by none of its peers, but hears them", mute, () -> all.block(mute), () -> all.unblock(mute));
            int lonely = all.otherThanController();
            all.cutOff("cut from all", lonely, () -> all.cutAll(lonely), () -> all.joinAll(lonely));
            all.withoutItsStore(all.otherThanController());
        } catch (Exception | AssertionError e) {
            e.printStackTrace();
            code = 1;
        }
        System.out.flush();
        System.exit(code);
    }

    private int otherThanController() throws InterruptedException {
        int controller = cluster.controller();
        return cluster.nodes().ids().stream()
                .filter(id -> id != controller)
                .findFirst()
                .orElseThrow();
    }

    private void block(int from) throws IOException, InterruptedException {
        for (int other : cluster.nodes().ids()) {
            if (other != from) {
                network.block(from, other);
            }
        }
    }

    private void unblock(int from) throws IOException, InterruptedException {
        for (int other : cluster.nodes().ids()) {
            if (other != from) {
                network.unblock(from, other);
            }
        }
    }

    private void cutAll(int node) throws IOException, InterruptedException {
        for (Link link : Link.values()) {
            network.cut(node, link);
        }
    }

    private void joinAll(int node) throws IOException, InterruptedException {
        for (Link link : Link.values()) {
            network.join(node, link);
        }
    }

    /** What a scenario does to the network. */
    private interface Deed {
        void run() throws Exception;
    }

    /** The others take over; from then on the victim acknowledges nothing, also to clients that go on asking it; healed, it serves again. */
    private void cutOff(String how, int victim, Deed cut, Deed heal) throws Exception {
        String topic = "partitioned-" + System.nanoTime();
        List<TopicPartition> partitions = cluster.createTopicOn(topic, PARTITIONS, victim);
        List<Integer> led = partitions.stream().map(TopicPartition::partition).toList();
        DurableWriters writers = DurableWriters.start(cluster.clients(), partitions, 2, 1, Duration.ofMillis(20));
        writers.awaitProgress();
        Map<Long, String> promised = new HashMap<>();
        try (DirectWrites direct = DirectWrites.start(cluster.nodes().bootstrap(victim), partitions.get(0));
                WriteProbe probe = WriteProbe.start(cluster.clients(), partitions)) {
            probe.acknowledgements().awaitAll(led);
            Awaitility.await("the victim answers")
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> !direct.acknowledged().isEmpty());
            long cutNanos = System.nanoTime();
            cut.run();
            long detectedMs = awaitFencedByOthers(victim, cutNanos);
            probe.mark();
            probe.acknowledgements().awaitAll(led);
            long takenOverNanos = System.nanoTime();
            long worstMs = probe.acknowledgements().worstMs(led, cutNanos);
            LockSupport.parkNanos(WATCH.toNanos());
            long healedNanos = System.nanoTime();
            long late = direct.acknowledgedSince(takenOverNanos);
            heal.run();
            awaitServing(victim);
            long rejoinedMs = ClusterOnS3.msSince(healedNanos);
            long lateAfterHealing = direct.acknowledgedSince(takenOverNanos);
            promised.putAll(direct.acknowledged());
            System.out.printf(
                    "broker %d, %s: noticed after %d ms, its %d partitions took writes after %d ms; it acknowledged for"
                            + " %d ms, %d records after others had taken over, and refused with %s; healed after %d ms, it"
                            + " was back %d ms later%n",
                    victim,
                    how,
                    detectedMs,
                    led.size(),
                    worstMs,
                    direct.lastAcknowledgedMs(cutNanos),
                    late,
                    direct.refusedSince(cutNanos),
                    (healedNanos - cutNanos) / 1_000_000,
                    rejoinedMs);
            assertThat(late).isZero();
            assertThat(lateAfterHealing).as("it leads these partitions no more").isZero();
            assertThat(worstMs).isLessThan(BOUND_MS);
            assertThat(rejoinedMs).isLessThan(REJOIN_BOUND_MS);
            assertThat(probe.finalErrors()).isEmpty();
        }
        cluster.awaitWhole();
        writers.awaitProgress();
        writers.finishAndVerify();
        assertRead(partitions.get(0), promised);
    }

    /** Waits until no other broker tells clients of it any more; a client may go on asking the victim itself, which knows nothing. */
    private long awaitFencedByOthers(int victim, long sinceNanos) throws Exception {
        for (int other : cluster.nodes().ids()) {
            while (other != victim && brokersKnownTo(other).contains(victim)) {
                if (ClusterOnS3.msSince(sinceNanos) > 60_000) {
                    throw new IllegalStateException("Broker " + other + " still names broker " + victim);
                }
                LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
            }
        }
        return ClusterOnS3.msSince(sinceNanos);
    }

    private List<Integer> brokersKnownTo(int id) throws IOException {
        try (DirectConnection connection =
                new DirectConnection(cluster.nodes().bootstrap(id), Duration.ofSeconds(10))) {
            MetadataResponseData answer = (MetadataResponseData)
                    connection.ask(ApiKeys.METADATA, METADATA_VERSION, new MetadataRequestData().setTopics(List.of()));
            return answer.brokers().stream().map(broker -> broker.nodeId()).toList();
        }
    }

    /** It gets a new partition, and takes writes for it; its metadata may be old at first. */
    private void awaitServing(int victim) throws Exception {
        while (true) {
            String topic = "again-" + System.nanoTime();
            try {
                List<TopicPartition> given = cluster.createTopicOn(topic, 1, victim);
                if (!cluster.led(topic, List.of(victim)).isEmpty()) {
                    try (WriteProbe probe = WriteProbe.start(cluster.clients(), given)) {
                        probe.acknowledgements().awaitAll(List.of(0));
                        return;
                    }
                }
            } catch (ExecutionException e) {
                LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
            }
        }
    }

    /** Each acknowledged value is at its offset. */
    private void assertRead(TopicPartition partition, Map<Long, String> promised) {
        Map<Long, String> read = new HashMap<>();
        try (KafkaConsumer<byte[], byte[]> consumer = cluster.clients().consumer(Map.of())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
            while (consumer.position(partition) < end) {
                consumer.poll(Duration.ofSeconds(5))
                        .forEach(record ->
                                read.put(record.offset(), new String(record.value(), StandardCharsets.UTF_8)));
            }
        }
        promised.forEach((offset, value) -> assertThat(read).containsEntry(offset, value));
        System.out.println("  " + promised.size() + " records that it acknowledged itself are where it said");
    }

    /** A leader that does not reach the store keeps its partitions, takes no writes, and takes them again when it does. */
    private void withoutItsStore(int victim) throws Exception {
        String topic = "storeless-" + System.nanoTime();
        List<TopicPartition> partitions = cluster.createTopicOn(topic, PARTITIONS, victim);
        List<Integer> led = partitions.stream().map(TopicPartition::partition).toList();
        DurableWriters writers = DurableWriters.start(cluster.clients(), partitions, 2, 1, Duration.ofMillis(20));
        writers.awaitProgress();
        try (WriteProbe probe = WriteProbe.start(cluster.clients(), partitions)) {
            probe.acknowledgements().awaitAll(led);
            network.cut(victim, Link.STORE);
            LockSupport.parkNanos(Duration.ofSeconds(1).toNanos());
            long atFirst = probe.acknowledged();
            LockSupport.parkNanos(Duration.ofSeconds(5).toNanos());
            long meanwhile = probe.acknowledged() - atFirst;
            long healedNanos = probe.mark();
            network.join(victim, Link.STORE);
            probe.acknowledgements().awaitAll(led);
            long worstMs = probe.acknowledgements().worstMs(led, healedNanos);
            System.out.printf(
                    "broker %d, cut from the store for 6 s: %d records acknowledged meanwhile, refused with %s; all its"
                            + " partitions took writes %d ms after it was healed%n",
                    victim, meanwhile, probe.refusals(), worstMs);
            assertThat(worstMs).isLessThan(BOUND_MS);
            assertThat(probe.finalErrors()).isEmpty();
        }
        cluster.awaitWhole();
        writers.awaitProgress();
        writers.finishAndVerify();
    }

    @Override
    public void close() throws IOException {
        cluster.close();
    }
}
