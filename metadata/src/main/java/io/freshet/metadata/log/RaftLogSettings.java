// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.HashMap;
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

    /**
     * Half of Kafka's default: candidates that took each other's votes try again after one to two of these. Asking for a vote takes a flush
     * and a round trip.
     */
    private static final int ELECTION_TIMEOUT_MS = 500;

    /** Shorter than Kafka's 2 s, so that those who live have found the next controller when the sessions of those who died with this one end. */
    private static final int FETCH_TIMEOUT_MS = 1500;

    /** What voters' fetch timeouts differ by, so that not all of them stand for election at once when their leader dies. */
    private static final int FETCH_TIMEOUT_STEP_MS = 50;

    /** A prime: ids that follow each other by any other step differ in it. */
    private static final int FETCH_TIMEOUT_STEPS = 7;

    /** The listener's name in the voter set, unless the configuration has another. */
    public static final String CONTROLLER_LISTENER = "CONTROLLER";

    public RaftLogSettings {
        bootstrapServers = List.copyOf(bootstrapServers);
        overrides = Map.copyOf(overrides);
    }

    /**
     * Raft's timeouts. Unless the configuration says how long a voter hears nothing of its leader before it stands for election, that
     * differs from voter to voter: those that do so at the same moment would split the votes.
     */
    public QuorumConfig quorumConfig() {
        Map<String, String> own = new HashMap<>();
        own.put(QuorumConfig.QUORUM_FETCH_TIMEOUT_MS_CONFIG, Long.toString(FETCH_TIMEOUT_MS + stepMs()));
        own.putAll(overrides);
        return new QuorumConfig(config(own));
    }

    private long stepMs() {
        return (long) Math.floorMod(nodeId.orElse(0), FETCH_TIMEOUT_STEPS) * FETCH_TIMEOUT_STEP_MS;
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
        return new MetadataLogConfig(config(overrides));
    }

    static AbstractConfig config(Map<String, String> overrides) {
        Map<String, Object> values = new HashMap<>();
        values.put(QuorumConfig.QUORUM_LINGER_MS_CONFIG, "0");
        values.put(QuorumConfig.QUORUM_ELECTION_TIMEOUT_MS_CONFIG, Integer.toString(ELECTION_TIMEOUT_MS));
        values.put(MetadataLogConfig.METADATA_LOG_SEGMENT_BYTES_CONFIG, Integer.toString(SEGMENT_BYTES));
        values.putAll(overrides);
        return new AbstractConfig(
                Utils.mergeConfigs(List.of(QuorumConfig.CONFIG_DEF, MetadataLogConfig.CONFIG_DEF)), values, false);
    }
}
