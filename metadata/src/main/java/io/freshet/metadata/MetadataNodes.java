// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.control.Inputs;
import io.freshet.metadata.log.LonelyChannel;
import io.freshet.metadata.log.RaftLogSettings;
import io.freshet.metadata.log.RaftMetadataLog;
import io.freshet.metadata.state.ManifestStore;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.OptionalInt;
import org.apache.kafka.metadata.properties.MetaProperties;

/** Starts metadata nodes. */
public final class MetadataNodes {
    private MetadataNodes() {}

    /**
     * Starts a quorum of one on a formatted directory. Returns at once; {@link MetadataNode#ready()} says when it serves.
     *
     * @throws FreshetException INVALID if the directory is not formatted, or for another node; UNAVAILABLE if another
     *     process has it open
     */
    public static QuorumNode start(
            MetadataNodeConfig config, Clock clock, Randomness randomness, MeterRegistry registry) {
        MetaProperties properties = MetadataFormat.properties(config.directory());
        if (properties.nodeId().getAsInt() != config.nodeId()) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Directory " + config.directory() + " was formatted for node "
                            + properties.nodeId().getAsInt() + ", but node.id is " + config.nodeId()
                            + "; correct node.id or the directory");
        }
        String clusterId = properties.clusterId().orElseThrow();
        RaftLogSettings settings = new RaftLogSettings(
                config.directory(),
                clusterId,
                properties.directoryId().orElseThrow(),
                OptionalInt.of(config.nodeId()),
                true,
                config.controllerHost(),
                config.controllerPort(),
                List.of(),
                config.logOverrides());
        Inputs inputs = new Inputs(
                clock,
                randomness,
                config.defaultPartitions(),
                config.defaultReplicationFactor(),
                config.validator(),
                config.schema(),
                config.staticConfig());
        ManifestStore store = ManifestStore.open(config.directory().resolve("manifests"), clusterId);
        RaftMetadataLog log;
        try {
            log = new RaftMetadataLog(settings, clock, new LonelyChannel(RaftLogSettings.CONTROLLER_LISTENER));
        } catch (RuntimeException e) {
            store.close();
            throw e;
        }
        QuorumNode node = new QuorumNode(clusterId, log, store, inputs, registry, config.snapshotAfterBytes());
        try {
            node.start();
            return node;
        } catch (RuntimeException e) {
            node.close();
            throw e;
        }
    }
}
