// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import io.freshet.common.runtime.Clock;
import java.util.Map;
import org.apache.kafka.clients.ApiVersions;
import org.apache.kafka.clients.BootstrapConfiguration;
import org.apache.kafka.clients.ManualMetadataUpdater;
import org.apache.kafka.clients.MetadataRecoveryStrategy;
import org.apache.kafka.clients.NetworkClient;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.network.NetworkReceive;
import org.apache.kafka.common.network.PlaintextChannelBuilder;
import org.apache.kafka.common.network.Selectable;
import org.apache.kafka.common.network.Selector;
import org.apache.kafka.common.utils.internals.LogContext;
import org.apache.kafka.raft.KafkaNetworkChannel;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.QuorumConfig;

/**
 * The way to the controller listeners of the quorum's other nodes: Kafka's network client with the numbers of Kafka's own
 * controllers, but for the time that connecting may take. One thread per channel; connections are made when they are needed and
 * made again after a failure.
 */
public final class PeerSockets {
    private static final long IDLE_MS = 600_000;
    private static final int MAX_IN_FLIGHT = 1;
    private static final long RECONNECT_BACKOFF_MS = 50;
    private static final long RECONNECT_BACKOFF_MAX_MS = 500;
    private static final int RECEIVE_BUFFER_BYTES = 102_400;

    /**
     * The kernel repeats an attempt to connect after 1, 3, 7, 15 and 31 s: one that began while the network was cut would find out late that
     * it is mended, a new one does at once. Kafka's own 10 to 30 s would keep a node away for so long.
     */
    private static final long CONNECT_TIMEOUT_MS = 2_000;

    private static final long CONNECT_TIMEOUT_MAX_MS = 4_000;

    private PeerSockets() {}

    /**
     * Opens a channel, running at once.
     *
     * @param listenerName the controllers' listener, as in the voter set
     * @param overrides as {@link RaftLogSettings#overrides()}
     */
    public static NetworkChannel open(String listenerName, int nodeId, Map<String, String> overrides, Clock clock) {
        ClockTime time = new ClockTime(clock);
        int requestTimeoutMs = new QuorumConfig(RaftLogSettings.config(overrides)).requestTimeoutMs();
        ListenerName listener = new ListenerName(listenerName);
        KafkaNetworkChannel channel = new KafkaNetworkChannel(
                time,
                listener,
                client(listener, "raft-client-" + nodeId, requestTimeoutMs, time),
                requestTimeoutMs,
                "freshet-raft");
        channel.start();
        return channel;
    }

    /** A client of controller listeners, to be polled by one thread and closed by it. */
    static NetworkClient client(ListenerName listener, String clientId, int requestTimeoutMs, ClockTime time) {
        LogContext context = new LogContext("[" + clientId + "] ");
        PlaintextChannelBuilder connections = new PlaintextChannelBuilder(listener);
        connections.configure(Map.of());
        Selector selector = new Selector(
                NetworkReceive.UNLIMITED,
                IDLE_MS,
                new Metrics(),
                time,
                "raft-channel",
                Map.of(),
                false,
                connections,
                context);
        return new NetworkClient(
                selector,
                new ManualMetadataUpdater(),
                clientId,
                MAX_IN_FLIGHT,
                RECONNECT_BACKOFF_MS,
                RECONNECT_BACKOFF_MAX_MS,
                Selectable.USE_DEFAULT_BUFFER_SIZE,
                RECEIVE_BUFFER_BYTES,
                requestTimeoutMs,
                CONNECT_TIMEOUT_MS,
                CONNECT_TIMEOUT_MAX_MS,
                time,
                true,
                new ApiVersions(),
                context,
                MetadataRecoveryStrategy.NONE,
                BootstrapConfiguration.DISABLED,
                false);
    }
}
