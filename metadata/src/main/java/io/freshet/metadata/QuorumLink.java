// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.metadata.log.PeerSockets;
import java.util.List;
import org.apache.kafka.raft.NetworkChannel;

/**
 * How a node reaches the other nodes of its quorum.
 *
 * @param bootstrapServers {@code host:port} of nodes to ask for the leader while the voter set is not known; empty for a
 *     quorum of one
 * @param ownedChannel carries Raft's requests, such as {@link PeerSockets#open} makes; closed with the node
 */
public record QuorumLink(List<String> bootstrapServers, NetworkChannel ownedChannel) {
    public QuorumLink {
        bootstrapServers = List.copyOf(bootstrapServers);
    }
}
