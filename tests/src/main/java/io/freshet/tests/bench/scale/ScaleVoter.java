// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench.scale;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.stream.LiveObject;
import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.MetadataNodeConfig;
import io.freshet.metadata.MetadataNodes;
import io.freshet.metadata.QuorumNode;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.KafkaConfigSchema;

/** A voter, the only one of its quorum, in this process, and what can be measured of it from outside. Used by one thread. */
final class ScaleVoter implements AutoCloseable {
    private static final int NODE_ID = 100;
    private static final long SESSION_TIMEOUT_MS = 9000;
    private static final long GET_TIMEOUT_SECONDS = 300;

    final QuorumNode node;
    private final Path directory;
    private final SimpleMeterRegistry registry;

    private ScaleVoter(QuorumNode node, Path directory, SimpleMeterRegistry registry) {
        this.node = node;
        this.directory = directory;
        this.registry = registry;
    }

    static void format(Path directory) {
        Randomness randomness = Randomness.secure();
        MetadataFormat.format(
                directory, MetadataFormat.newClusterId(randomness), NODE_ID, Uuid.randomUuid(), "localhost", 9093);
    }

    /** Starts it and waits until it leads with all its state loaded. */
    static ScaleVoter start(Path directory) {
        MetadataNodeConfig config = new MetadataNodeConfig(
                directory,
                NODE_ID,
                "localhost",
                9093,
                1,
                (short) 3,
                MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES,
                (resource, values) -> {},
                KafkaConfigSchema.EMPTY,
                Map.of(),
                Map.of(),
                SESSION_TIMEOUT_MS);
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        QuorumNode node = MetadataNodes.start(config, Clock.system(), Randomness.secure(), registry);
        get(node.ready());
        return new ScaleVoter(node, directory, registry);
    }

    static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(GET_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException("The voter failed", e);
        }
    }

    /** The heap that is in use after a full collection. */
    static long heapAfterGcBytes() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    /** The process' resident memory, heap and all. */
    static long residentBytes() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) << 10;
            }
        }
        throw new IOException("/proc/self/status has no VmRSS");
    }

    static long committedHeapBytes() {
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getCommitted();
    }

    long diskBytes(String below) throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve(below))) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }

    /** All objects that manifests name, counted one by one. */
    long objectCount() {
        long count = 0;
        long after = 0;
        while (true) {
            List<LiveObject> page = node.manifests().objects(after, 10_000);
            if (page.isEmpty()) {
                return count;
            }
            count += page.size();
            after = page.get(page.size() - 1).objectId();
        }
    }

    double counted(String metric) {
        return registry.get(metric).counter().count();
    }

    /** The sum of a gauge over its tags; 0 if there is none. */
    double gauged(String metric) {
        return registry.find(metric).gauges().stream().mapToDouble(Gauge::value).sum();
    }

    @Override
    public void close() {
        node.close();
    }
}
