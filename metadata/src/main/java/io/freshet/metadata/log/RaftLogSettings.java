// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.raft.Endpoints;
import org.apache.kafka.raft.MetadataLogConfig;
import org.apache.kafka.raft.QuorumConfig;

/**
 * What the Raft log needs to know.
 *
 * @param directory the formatted metadata directory
 * @param clusterId as formatted
 * @param directoryId as formatted: with the node id it names this voter
 * @param nodeId this node; empty for an observer without an id
 * @param isVoterCapable whether this node may vote, and flushes as a voter must; an observer only follows
 * @param controllerHost where voters reach this one; an observer has no such place
 * @param controllerPort 0 or more; a quorum of one may leave it unbound
 * @param bootstrapServers host:port of voters to ask first; empty means this node itself
 * @param overrides Kafka's {@code controller.quorum.*} and {@code metadata.*} keys
 */
public record RaftLogSettings(
        Path directory,
        String clusterId,
        Uuid directoryId,
        OptionalInt nodeId,
        boolean isVoterCapable,
        String controllerHost,
        int controllerPort,
        List<String> bootstrapServers,
        Map<String, String> overrides) {
    /** Smaller than Kafka's default: a start reads every segment, and whole ones only are deleted after a snapshot. */
    private static final int SEGMENT_BYTES = 64 << 20;

    /** The listener's name in the voter set, unless the configuration has another. */
    public static final String CONTROLLER_LISTENER = "CONTROLLER";

    public RaftLogSettings {
        bootstrapServers = List.copyOf(bootstrapServers);
        overrides = Map.copyOf(overrides);
    }

    /** Raft's timeouts. */
    public QuorumConfig quorumConfig() {
        return new QuorumConfig(config());
    }

    private InetSocketAddress ownAddress() {
        return InetSocketAddress.createUnresolved(controllerHost, controllerPort);
    }

    /** Where this node is reached; only one that may vote is ever asked something by its peers. */
    public Endpoints ownEndpoints(ListenerName listener) {
        return isVoterCapable ? Endpoints.fromInetSocketAddresses(Map.of(listener, ownAddress())) : Endpoints.empty();
    }

    /** Whom to ask first. */
    public List<InetSocketAddress> bootstrapAddresses() {
        return bootstrapServers.isEmpty()
                ? List.of(ownAddress())
                : QuorumConfig.parseBootstrapServers(bootstrapServers);
    }

    MetadataLogConfig logConfig() {
        return new MetadataLogConfig(config());
    }

    private AbstractConfig config() {
        return config(overrides);
    }

    static AbstractConfig config(Map<String, String> overrides) {
        Map<String, Object> values = new java.util.HashMap<>();
        values.put(QuorumConfig.QUORUM_LINGER_MS_CONFIG, "0");
        values.put(MetadataLogConfig.METADATA_LOG_SEGMENT_BYTES_CONFIG, Integer.toString(SEGMENT_BYTES));
        values.putAll(overrides);
        return new AbstractConfig(
                Utils.mergeConfigs(List.of(QuorumConfig.CONFIG_DEF, MetadataLogConfig.CONFIG_DEF)), values, false);
    }
}
