// SPDX-License-Identifier: Apache-2.0
package org.apache.kafka.raft;

import io.freshet.metadata.log.RaftGround.ClientParts;
import io.freshet.metadata.log.RaftLogSettings;
import io.freshet.metadata.record.MetadataLogSerde;
import java.util.Random;
import org.apache.kafka.common.memory.MemoryPool;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.Feature;

/** A bridge to the constructor of Kafka's Raft client that takes its queue and its chance from outside. */
public final class SimulatedRaft {
    /** As in the client's public constructor. */
    private static final int FETCH_MAX_WAIT_MS = 500;

    private SimulatedRaft() {}

    /** What a simulation adds to a client's parts. */
    public record Means(RaftMessageQueue queue, ExpirationService expiration, MemoryPool memory, Random random) {}

    /** A client like a server's, but for {@code means}. */
    public static KafkaRaftClient<ApiMessageAndVersion> client(ClientParts parts, Means means) {
        RaftLogSettings settings = parts.settings();
        return new KafkaRaftClient<>(
                settings.nodeId(),
                settings.directoryId(),
                new MetadataLogSerde(),
                parts.channel(),
                means.queue(),
                parts.log(),
                means.memory(),
                parts.time(),
                means.expiration(),
                FETCH_MAX_WAIT_MS,
                settings.isVoterCapable(),
                settings.clusterId(),
                settings.bootstrapAddresses(),
                settings.ownEndpoints(parts.channel().listenerName()),
                Feature.KRAFT_VERSION.supportedVersionRange(),
                parts.context(),
                means.random(),
                settings.quorumConfig());
    }
}
