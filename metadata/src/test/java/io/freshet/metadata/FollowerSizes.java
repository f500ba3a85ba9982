// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.follow.ManifestFollower;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.Uuid;

/** Prints how much a voter and a broker that leads a tenth of the streams keep. Not a test: run its main. */
final class FollowerSizes {
    private static final int FOLLOWER_ID = 2;
    private static final int BROKERS = 10;
    private static final int STREAMS = 1_000;
    private static final int OBJECTS = 300;

    private FollowerSizes() {}

    public static void main(String[] args) throws IOException {
        Path directory = Files.createTempDirectory("follower-sizes");
        LocalRaftNetwork raft = new LocalRaftNetwork();
        TestNode.format(directory.resolve("voter"));
        try (LocalCommandNetwork commands = new LocalCommandNetwork();
                TestNode voter = TestNode.start(directory.resolve("voter"))) {
            raft.join("localhost:9093", voter.node);
            commands.join(TestNode.NODE_ID, voter.node);
            voter.register();
            for (int id = FOLLOWER_ID; id <= BROKERS; id++) {
                register(voter, id);
            }
            fill(voter, voter.createTopic("t", STREAMS).topicId());
            MetadataFormat.formatObserver(
                    directory.resolve("follower"), voter.node.clusterId(), FOLLOWER_ID, Uuid.randomUuid());
            MetadataNodeConfig config = TestNode.config(
                    directory.resolve("follower"),
                    FOLLOWER_ID,
                    MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES,
                    Map.of());
            QuorumLink link =
                    new QuorumLink(List.of("localhost:9093"), raft.channel(), Optional.of(commands.routing()));
            try (TestNode follower = TestNode.follow(config, link, ManifestFollower.Settings.DEFAULT)) {
                TestNode.get(follower.node.awaitOffset(voter.node.image().offset()));
                print("voter", voter);
                print("broker that leads a tenth", follower);
            }
        } finally {
            TestNode.delete(directory);
        }
    }

    private static void register(TestNode voter, int id) {
        RegisteredBroker registered = TestNode.get(voter.controller.registerBroker(new BrokerSpec(
                id, Uuid.randomUuid(), List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092)), null)));
        TestNode.get(voter.controller.heartbeat(
                new BrokerHeartbeat(id, registered.brokerEpoch(), registered.offset(), true, false)));
    }

    /** Every object holds a segment of every stream. */
    private static void fill(TestNode voter, Uuid topic) {
        for (int i = 0; i < OBJECTS; i++) {
            long object = voter.reserveId();
            List<SegmentCommit> segments = new ArrayList<>();
            for (int partition = 0; partition < STREAMS; partition++) {
                long stream = voter.stream(topic, partition);
                segments.add(new SegmentCommit(
                        new StreamSegment(stream, 10L * i, 10L * i + 10, object, 10, 5, 6), voter.leaderEpoch(stream)));
            }
            voter.commit(object, segments.toArray(SegmentCommit[]::new));
        }
    }

    private static void print(String name, TestNode node) {
        Map<String, TableSize> sizes = node.node.tableSizes();
        long rows = sizes.values().stream().mapToLong(TableSize::rows).sum();
        long bytes = sizes.values().stream().mapToLong(TableSize::bytes).sum();
        System.out.println(name + ": " + rows + " rows, " + bytes + " bytes; " + sizes);
    }
}
