// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.metadata.log.PeerSockets;
import io.freshet.metadata.remote.CommandRouting;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.raft.NetworkChannel;

/**
 * How a node reaches the other nodes of its quorum.
 *
 * @param bootstrapServers {@code host:port} of nodes to ask for the leader while the voter set is not known; empty for a
 *     quorum of one
 * @param ownedChannel carries Raft's requests, such as {@link PeerSockets#open} makes; closed with the node
 * @param routing has commands run by the leader wherever it is; without, a node that does not lead refuses them
 */
public record QuorumLink(List<String> bootstrapServers, NetworkChannel ownedChannel, Optional<CommandRouting> routing) {
    public QuorumLink {
        bootstrapServers = List.copyOf(bootstrapServers);
    }

    /** Without a way for commands. */
    public QuorumLink(List<String> bootstrapServers, NetworkChannel ownedChannel) {
        this(bootstrapServers, ownedChannel, Optional.empty());
    }
}
