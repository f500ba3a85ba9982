// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.FreshetException;
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
import io.freshet.metadata.QuorumNode;
import io.freshet.metadata.mirror.MirrorMode;
import io.freshet.metadata.mirror.MirrorReading;
import io.freshet.metadata.mirror.MirrorSession;
import io.freshet.metadata.mirror.MirrorSettings;
import io.freshet.metadata.mirror.MirrorStart;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStores;
import io.freshet.objectstore.fault.Faults;
import io.freshet.objectstore.fault.FaultyDriver;
import io.freshet.objectstore.memory.MemoryDriver;
import io.freshet.objectstore.retry.RetryPolicy;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.metadata.KafkaConfigSchema;

/** A bucket in memory, and metadata nodes on directories that mirror into it, each through faults of its own. */
final class MirroredCluster implements AutoCloseable {
    static final int NODE_ID = 1;

    final MemoryDriver bucket = new MemoryDriver("bucket", Clock.system());
    private final Threads.SchedulerThread scheduler = Threads.scheduler("test-mirror");

    /** A way to the bucket. */
    ObjectMirrorStore store(Faults faults) {
        FaultyDriver driver = new FaultyDriver(bucket, faults, scheduler, Randomness.secure());
        ObjectStore store = ObjectStores.over(
                driver, RetryPolicy.NONE, new SimpleMeterRegistry(), Clock.system(), scheduler, Randomness.secure());
        return new ObjectMirrorStore(store);
    }

    List<String> keys(String part) {
        return store(Faults.none()).list("meta/").join().stream()
                .filter(key -> key.contains(part))
                .toList();
    }

    byte[] bytes(String key) {
        return store(Faults.none()).read(key).join();
    }

    void overwrite(String key, byte[] bytes) {
        store(Faults.none()).store().put(key, List.of(ByteBuffer.wrap(bytes))).join();
    }

    void delete(String key) {
        store(Faults.none()).delete(List.of(key)).join();
    }

    static void format(Path directory, String clusterId) {
        MetadataFormat.format(directory, clusterId, NODE_ID, Uuid.randomUuid(), "localhost", 9093);
    }

    /** Starts on a directory as it is: formatted, or to be restored. Without a mirror, snapshots are written all the time. */
    Node start(Path directory, MirrorMode mode, Faults faults) {
        return start(directory, mode, faults, 512);
    }

    Node start(Path directory, MirrorMode mode, Faults faults, int piecesPerSnapshot) {
        if (mode == MirrorMode.OFF) {
            return ready(launch(directory, Optional.empty(), 1));
        }
        ObjectMirrorStore store = store(faults);
        MirrorSession session;
        if (MetadataFormat.isFormatted(directory)) {
            session = MirrorStart.join(store, directory, Randomness.secure());
        } else if (MirrorReading.clusterId(store).isPresent()) {
            session = restore(store, directory);
        } else {
            format(directory, Uuid.randomUuid().toString());
            session = MirrorStart.join(store, directory, Randomness.secure());
        }
        return ready(launch(directory, Optional.of(settings(mode, session, piecesPerSnapshot))));
    }

    MirrorSession restore(ObjectMirrorStore store, Path directory) {
        return MirrorStart.restore(
                store,
                directory,
                new MetadataFormat.Voter(NODE_ID, Uuid.randomUuid(), "localhost", 9093),
                Randomness.secure());
    }

    MirrorSettings settings(MirrorMode mode, MirrorSession session, int piecesPerSnapshot) {
        return new MirrorSettings(mode, session, scheduler, 20, 300, 50, piecesPerSnapshot, 64 << 20);
    }

    QuorumNode launch(Path directory, Optional<MirrorSettings> mirror) {
        return launch(directory, mirror, MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES);
    }

    private static QuorumNode launch(Path directory, Optional<MirrorSettings> mirror, long snapshotAfterBytes) {
        MetadataNodeConfig config = new MetadataNodeConfig(
                directory,
                NODE_ID,
                "localhost",
                9093,
                1,
                (short) 1,
                snapshotAfterBytes,
                (resource, values) -> {},
                KafkaConfigSchema.EMPTY,
                Map.of(),
                Map.of(),
                TimeUnit.HOURS.toMillis(1));
        return MetadataNodes.start(config, mirror, Clock.system(), Randomness.secure(), new SimpleMeterRegistry());
    }

    private static Node ready(QuorumNode node) {
        try {
            get(node.ready());
            return new Node(node, register(node));
        } catch (RuntimeException e) {
            node.close();
            throw e;
        }
    }

    private static long register(QuorumNode node) {
        ClusterController.RegisteredBroker registered = get(node.controller()
                .registerBroker(new ClusterController.BrokerSpec(
                        NODE_ID,
                        Uuid.randomUuid(),
                        List.of(new ClusterController.Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092)),
                        null)));
        get(node.controller()
                .heartbeat(new ClusterController.BrokerHeartbeat(
                        NODE_ID, registered.brokerEpoch(), registered.offset(), true, false)));
        return registered.brokerEpoch();
    }

    static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(30, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw FreshetException.of(e);
        } catch (InterruptedException | TimeoutException e) {
            throw new IllegalStateException(e);
        }
    }

    static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void copy(Path from, Path to) {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(file, target);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        scheduler.close();
    }

    /** A node that serves, with short ways to command it. */
    record Node(QuorumNode quorum, long brokerEpoch) implements AutoCloseable {
        CompletableFuture<CreateTopicsResponseData> createTopic(String name) {
            CreateTopicsRequestData request = new CreateTopicsRequestData();
            request.topics()
                    .add(new CreatableTopic().setName(name).setNumPartitions(2).setReplicationFactor((short) 1));
            return quorum.controller().createTopics(request, Set.of(name));
        }

        Uuid topic(String name) {
            var made = get(createTopic(name)).topics().find(name);
            if (made.errorCode() != 0) {
                throw new IllegalStateException("Not made: " + made);
            }
            return made.topicId();
        }

        Set<String> topics() {
            return Set.copyOf(quorum.image().topics().topicsByName().keySet());
        }

        long reserveId() {
            return get(quorum.controller().reserveObjectIds(1)).first();
        }

        /** Adds an object with the next ten offsets of a stream. */
        long append(long stream) {
            var state = quorum.manifests().stream(stream).orElseThrow();
            long object = reserveId();
            StreamSegment segment =
                    new StreamSegment(stream, state.endOffset(), state.endOffset() + 10, object, 10, 5, 6);
            Set<Long> refused = get(quorum.controller()
                    .commitObject(new ObjectCommit(
                            object,
                            100,
                            NODE_ID,
                            brokerEpoch,
                            List.of(new SegmentCommit(segment, state.leaderEpoch())))));
            if (!refused.isEmpty()) {
                throw new IllegalStateException("Refused " + refused);
            }
            return object;
        }

        @Override
        public void close() {
            quorum.close();
        }
    }
}
