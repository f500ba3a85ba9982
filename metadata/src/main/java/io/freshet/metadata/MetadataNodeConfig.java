// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.metadata.control.ActiveController;
import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.metadata.KafkaConfigSchema;

/**
 * How to run a metadata node that is voter (and broker, perhaps) in one process.
 *
 * @param directory a directory that {@link MetadataFormat} has formatted
 * @param nodeId must be the one it was formatted with
 * @param controllerHost as formatted
 * @param controllerPort as formatted; not bound by a quorum of one
 * @param defaultPartitions {@code num.partitions}
 * @param defaultReplicationFactor {@code default.replication.factor}, reported to creators that name none
 * @param snapshotAfterBytes a snapshot is written when the log grew by this since the last
 * @param validator judges configurations
 * @param schema types, defaults and synonyms of configuration keys ({@link KafkaConfigSchema#EMPTY}: no lists, no answers)
 * @param staticConfig this node's own configuration, parsed
 * @param logOverrides Kafka's {@code controller.quorum.*} and {@code metadata.*} keys
 * @param brokerSessionTimeoutMs how long a broker may be silent before this node, when it leads, fences it
 * @param versions the levels of {@code freshet.version} that this node knows
 */
public record MetadataNodeConfig(
        Path directory,
        int nodeId,
        String controllerHost,
        int controllerPort,
        int defaultPartitions,
        short defaultReplicationFactor,
        long snapshotAfterBytes,
        ConfigValidator validator,
        KafkaConfigSchema schema,
        Map<String, Object> staticConfig,
        Map<String, String> logOverrides,
        long brokerSessionTimeoutMs,
        FreshetVersion.Range versions) {
    /** Default of {@link #snapshotAfterBytes()}. */
    public static final long DEFAULT_SNAPSHOT_AFTER_BYTES = 20L << 20;

    /** Default of {@link #brokerSessionTimeoutMs()}. */
    public static final long DEFAULT_BROKER_SESSION_TIMEOUT_MS = ActiveController.DEFAULT_SESSION_TIMEOUT_MS;

    /** The same with the default session of brokers. */
    public MetadataNodeConfig(
            Path directory,
            int nodeId,
            String controllerHost,
            int controllerPort,
            int defaultPartitions,
            short defaultReplicationFactor,
            long snapshotAfterBytes,
            ConfigValidator validator,
            KafkaConfigSchema schema,
            Map<String, Object> staticConfig,
            Map<String, String> logOverrides) {
        this(
                directory,
                nodeId,
                controllerHost,
                controllerPort,
                defaultPartitions,
                defaultReplicationFactor,
                snapshotAfterBytes,
                validator,
                schema,
                staticConfig,
                logOverrides,
                DEFAULT_BROKER_SESSION_TIMEOUT_MS);
    }

    /** The same for a node of this version. */
    public MetadataNodeConfig(
            Path directory,
            int nodeId,
            String controllerHost,
            int controllerPort,
            int defaultPartitions,
            short defaultReplicationFactor,
            long snapshotAfterBytes,
            ConfigValidator validator,
            KafkaConfigSchema schema,
            Map<String, Object> staticConfig,
            Map<String, String> logOverrides,
            long brokerSessionTimeoutMs) {
        this(
                directory,
                nodeId,
                controllerHost,
                controllerPort,
                defaultPartitions,
                defaultReplicationFactor,
                snapshotAfterBytes,
                validator,
                schema,
                staticConfig,
                logOverrides,
                brokerSessionTimeoutMs,
                FreshetVersion.SUPPORTED);
    }

    /** The same with other levels. */
    public MetadataNodeConfig withVersions(FreshetVersion.Range others) {
        return new MetadataNodeConfig(
                directory,
                nodeId,
                controllerHost,
                controllerPort,
                defaultPartitions,
                defaultReplicationFactor,
                snapshotAfterBytes,
                validator,
                schema,
                staticConfig,
                logOverrides,
                brokerSessionTimeoutMs,
                others);
    }

    public MetadataNodeConfig {
        staticConfig = Map.copyOf(staticConfig);
        logOverrides = Map.copyOf(logOverrides);
    }
}
