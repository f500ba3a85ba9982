// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.follow.ManifestFollower;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicResult;
import org.apache.kafka.metadata.KafkaConfigSchema;
import org.apache.kafka.raft.NetworkChannel;

/** A metadata node on a directory, with short ways to command it. */
final class TestNode implements AutoCloseable {
    static final int NODE_ID = 1;
    private static final ConfigDef TOPIC_KEYS = new ConfigDef()
            .define("cleanup.policy", ConfigDef.Type.LIST, "delete", ConfigDef.Importance.LOW, "policy")
            .define("retention.ms", ConfigDef.Type.LONG, 1000L, ConfigDef.Importance.LOW, "retention");

    final QuorumNode node;
    final ClusterController controller;
    long brokerEpoch = -1;

    private TestNode(QuorumNode node) {
        this.node = node;
        this.controller = node.controller();
    }

    static void format(Path directory) {
        MetadataFormat.format(
                directory,
                MetadataFormat.newClusterId(Randomness.secure()),
                NODE_ID,
                Uuid.randomUuid(),
                "localhost",
                9093);
    }

    static TestNode start(Path directory) {
        return start(directory, NODE_ID);
    }

    static TestNode start(Path directory, int nodeId) {
        return start(directory, nodeId, MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES);
    }

    static TestNode start(Path directory, int nodeId, long snapshotAfterBytes) {
        return start(config(directory, nodeId, snapshotAfterBytes, Map.of()), Clock.system());
    }

    static TestNode start(MetadataNodeConfig config, Clock clock) {
        return ready(MetadataNodes.start(config, clock, Randomness.secure(), new SimpleMeterRegistry()));
    }

    static TestNode observe(MetadataNodeConfig config, List<String> voters, NetworkChannel channel) {
        return ready(MetadataNodes.observe(
                config, voters, channel, Clock.system(), Randomness.secure(), new SimpleMeterRegistry()));
    }

    static TestNode observe(MetadataNodeConfig config, QuorumLink link) {
        return ready(
                MetadataNodes.observe(config, link, Clock.system(), Randomness.secure(), new SimpleMeterRegistry()));
    }

    static TestNode follow(MetadataNodeConfig config, QuorumLink link, ManifestFollower.Settings following) {
        return ready(MetadataNodes.follow(
                config, link, following, Clock.system(), Randomness.secure(), new SimpleMeterRegistry()));
    }

    /** Returns at once; a quorum of several voters is ready when most of them run. */
    static TestNode vote(MetadataNodeConfig config, QuorumLink link) {
        return new TestNode(MetadataNodes.start(
                config, link, Optional.empty(), Clock.system(), Randomness.secure(), new SimpleMeterRegistry()));
    }

    private static TestNode ready(QuorumNode node) {
        try {
            get(node.ready());
        } catch (RuntimeException e) {
            node.close();
            throw e;
        }
        return new TestNode(node);
    }

    static MetadataNodeConfig config(
            Path directory, int nodeId, long snapshotAfterBytes, Map<String, String> logOverrides) {
        return config(directory, nodeId, 9093, snapshotAfterBytes, logOverrides);
    }

    /** For one of several voters of a machine. */
    static MetadataNodeConfig voterConfig(Path directory, int nodeId, int port, Map<String, String> logOverrides) {
        return config(directory, nodeId, port, MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES, logOverrides);
    }

    private static MetadataNodeConfig config(
            Path directory, int nodeId, int port, long snapshotAfterBytes, Map<String, String> logOverrides) {
        return new MetadataNodeConfig(
                directory,
                nodeId,
                "localhost",
                port,
                1,
                (short) 1,
                snapshotAfterBytes,
                TestNode::validate,
                new KafkaConfigSchema(Map.of(ConfigResource.Type.TOPIC, TOPIC_KEYS), Map.of()),
                Map.of(),
                logOverrides,
                TimeUnit.HOURS.toMillis(1));
    }

    private static void validate(ConfigResource resource, Map<String, String> values) {
        values.forEach((name, value) -> {
            if (resource.type() == ConfigResource.Type.TOPIC
                    && !TOPIC_KEYS.names().contains(name)) {
                throw new ConfigException("Unknown topic config name: " + name);
            }
        });
    }

    TestNode register() {
        ClusterController.RegisteredBroker registered = get(controller.registerBroker(new ClusterController.BrokerSpec(
                NODE_ID,
                Uuid.randomUuid(),
                List.of(new ClusterController.Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092)),
                null)));
        brokerEpoch = registered.brokerEpoch();
        get(controller.heartbeat(
                new ClusterController.BrokerHeartbeat(NODE_ID, brokerEpoch, registered.offset(), true, false)));
        return this;
    }

    CreatableTopicResult createTopic(String name, int partitions) {
        CreateTopicsRequestData request = new CreateTopicsRequestData();
        request.topics()
                .add(new CreatableTopic()
                        .setName(name)
                        .setNumPartitions(partitions)
                        .setReplicationFactor((short) 3));
        return get(controller.createTopics(request, Set.of(name)))
                .topics()
                .iterator()
                .next();
    }

    long stream(Uuid topicId, int partition) {
        return node.manifests().streamId(topicId, partition).orElseThrow();
    }

    int leaderEpoch(long streamId) {
        return node.manifests().stream(streamId).orElseThrow().leaderEpoch();
    }

    long reserveId() {
        return get(controller.reserveObjectIds(1)).first();
    }

    Set<Long> commit(long objectId, SegmentCommit... segments) {
        return get(commitAsync(objectId, segments));
    }

    CompletableFuture<Set<Long>> commitAsync(long objectId, SegmentCommit... segments) {
        return controller.commitObject(new ObjectCommit(objectId, 100, NODE_ID, brokerEpoch, Arrays.asList(segments)));
    }

    SegmentCommit segment(long streamId, long start, long end, long objectId) {
        return new SegmentCommit(new StreamSegment(streamId, start, end, objectId, 10, 5, 6), leaderEpoch(streamId));
    }

    static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(30, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException e) {
            throw e.getCause() instanceof RuntimeException known ? known : new IllegalStateException(e);
        } catch (InterruptedException | java.util.concurrent.TimeoutException e) {
            throw new IllegalStateException(e);
        }
    }

    static void copy(Path from, Path to) {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else if (Files.exists(file)) {
                    Files.copy(file, target);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        node.close();
    }
}
