// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.controller;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.ApiVersionsHandler;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.MetadataNodeConfig;
import io.freshet.metadata.MetadataNodes;
import io.freshet.metadata.QuorumLink;
import io.freshet.metadata.QuorumNode;
import io.freshet.metadata.log.PeerSockets;
import io.freshet.metadata.log.RaftLogSettings;
import io.freshet.metadata.remote.CommandRouting;
import io.freshet.metadata.remote.EnvelopeChannel;
import io.freshet.metadata.remote.EnvelopeSettings;
import io.freshet.protocol.EnabledApis;
import io.freshet.protocol.KafkaServer;
import io.freshet.protocol.KafkaServerConfig;
import io.freshet.protocol.KafkaServers;
import io.freshet.protocol.Listener;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.metadata.KafkaConfigSchema;
import org.apache.kafka.server.BrokerFeatures;
import org.apache.kafka.server.common.FinalizedFeatures;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * Not a test: prints how long commands take on the node that leads, and from a node that follows over sockets of this machine.
 * Argument: an empty directory.
 */
final class RemoteCommitLatency {
    private static final int STREAMS = 1000;
    private static final int ROUNDS = 400;
    private static final int VOTER_ID = 1;
    private static final int OBSERVER_ID = 2;

    private final long[] streams = new long[STREAMS];
    private final long[] ends = new long[STREAMS];
    private long brokerEpoch;

    public static void main(String[] args) throws Exception {
        Path directory = Files.createTempDirectory(Path.of(args[0]), "remote-latency");
        new RemoteCommitLatency().run(directory);
    }

    @SuppressWarnings("try")
    private void run(Path directory) throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        String cluster = MetadataFormat.newClusterId(Randomness.secure());
        MetadataFormat.format(directory.resolve("1"), cluster, VOTER_ID, Uuid.randomUuid(), "127.0.0.1", port);
        MetadataFormat.formatObserver(directory.resolve("2"), cluster, OBSERVER_ID, Uuid.randomUuid());
        List<String> voters = List.of("127.0.0.1:" + port);
        Threads.SchedulerThread scheduler = Threads.scheduler("latency");
        ApiRouter router = new ApiRouter();
        try (QuorumNode voter = MetadataNodes.start(
                        config(directory.resolve("1"), VOTER_ID, port),
                        link(VOTER_ID, voters, scheduler),
                        Optional.empty(),
                        Clock.system(),
                        Randomness.secure(),
                        new SimpleMeterRegistry());
                KafkaServer server = serve(voter, router, port);
                QuorumNode observer = MetadataNodes.observe(
                        config(directory.resolve("2"), OBSERVER_ID, port),
                        link(OBSERVER_ID, voters, scheduler),
                        Clock.system(),
                        Randomness.secure(),
                        new SimpleMeterRegistry())) {
            get(voter.ready());
            get(observer.ready());
            prepare(voter);
            for (int pass = 0; pass < 2; pass++) {
                measure("on the leader", voter.controller());
                measure("from a follower", observer.controller());
            }
            throughput("on the leader", voter.controller());
            throughput("from a follower", observer.controller());
        } finally {
            scheduler.close();
        }
    }

    private static QuorumLink link(int nodeId, List<String> voters, Threads.SchedulerThread scheduler) {
        return new QuorumLink(
                voters,
                PeerSockets.open(RaftLogSettings.CONTROLLER_LISTENER, nodeId, Map.of(), Clock.system()),
                Optional.of(new CommandRouting(
                        new EnvelopeChannel(
                                EnvelopeSettings.plaintext(nodeId, RaftLogSettings.CONTROLLER_LISTENER),
                                Clock.system()),
                        Clock.system(),
                        scheduler,
                        Randomness.secure(),
                        new SimpleMeterRegistry())));
    }

    private static KafkaServer serve(QuorumNode node, ApiRouter router, int port) {
        new RaftApis(node).register(router);
        new EnvelopeApi(node::answerCommand).register(router);
        router.register(
                ApiKeys.API_VERSIONS,
                new ApiVersionsHandler(
                        router,
                        node.clusterId(),
                        VOTER_ID,
                        BrokerFeatures.defaultSupportedFeatures(false),
                        () -> FinalizedFeatures.fromMetadataVersion(MetadataVersion.MINIMUM_VERSION)));
        return KafkaServers.start(
                KafkaServerConfig.defaults(
                        List.of(new Listener(RaftLogSettings.CONTROLLER_LISTENER, "127.0.0.1", port))),
                router,
                EnabledApis.controllers(),
                new SimpleMeterRegistry(),
                Clock.system());
    }

    private static MetadataNodeConfig config(Path directory, int nodeId, int port) {
        return new MetadataNodeConfig(
                directory,
                nodeId,
                "127.0.0.1",
                port,
                1,
                (short) 1,
                MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES,
                (resource, values) -> {},
                KafkaConfigSchema.EMPTY,
                Map.of(),
                Map.of());
    }

    private void prepare(QuorumNode voter) {
        ClusterController controller = voter.controller();
        brokerEpoch = get(controller.registerBroker(new ClusterController.BrokerSpec(
                        OBSERVER_ID,
                        Uuid.randomUuid(),
                        List.of(new ClusterController.Endpoint("PLAINTEXT", "PLAINTEXT", "127.0.0.1", 9092)),
                        null)))
                .brokerEpoch();
        CreateTopicsRequestData request = new CreateTopicsRequestData();
        request.topics()
                .add(new CreatableTopic()
                        .setName("wide")
                        .setNumPartitions(STREAMS)
                        .setReplicationFactor((short) 1));
        Uuid topic = get(controller.createTopics(request, Set.of()))
                .topics()
                .find("wide")
                .topicId();
        for (int i = 0; i < STREAMS; i++) {
            streams[i] = voter.manifests().streamId(topic, i).orElseThrow();
        }
    }

    private void measure(String where, ClusterController controller) {
        long[] commitNs = new long[ROUNDS];
        long[] oneNs = new long[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            long beganNs = System.nanoTime();
            long object = get(controller.reserveObjectIds(1)).first();
            oneNs[i] = System.nanoTime() - beganNs;
            ObjectCommit commit = commit(object);
            beganNs = System.nanoTime();
            if (!get(controller.commitObject(commit)).isEmpty()) {
                throw new IllegalStateException("refused");
            }
            commitNs[i] = System.nanoTime() - beganNs;
        }
        print("commit of 1000 segments " + where, commitNs);
        print("reservation of an id " + where, oneNs);
    }

    private static void throughput(String where, ClusterController controller) {
        for (int pass = 0; pass < 2; pass++) {
            int count = 9_000;
            long beganNs = System.nanoTime();
            List<CompletableFuture<?>> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                all.add(controller.reserveObjectIds(1));
            }
            all.forEach(RemoteCommitLatency::get);
            System.out.printf(
                    "%-45s %6.0f /s%n", "reservations at once " + where, count / ((System.nanoTime() - beganNs) / 1e9));
        }
    }

    private ObjectCommit commit(long object) {
        List<SegmentCommit> segments = new ArrayList<>();
        for (int i = 0; i < STREAMS; i++) {
            StreamSegment segment = new StreamSegment(streams[i], ends[i], ends[i] + 1, object, 10, 5, 6);
            segments.add(new SegmentCommit(segment, 0));
            ends[i]++;
        }
        return new ObjectCommit(object, 100, OBSERVER_ID, brokerEpoch, segments);
    }

    private static void print(String what, long[] tookNs) {
        long[] sorted = Arrays.copyOfRange(tookNs, tookNs.length / 3, tookNs.length);
        Arrays.sort(sorted);
        System.out.printf(
                "%-45s p50 %6.2f ms  p99 %6.2f ms%n",
                what, sorted[sorted.length / 2] / 1e6, sorted[sorted.length * 99 / 100] / 1e6);
    }

    private static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(60, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
