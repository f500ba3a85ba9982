// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.raft.ElectionState;
import org.apache.kafka.raft.QuorumStateStore;
import org.apache.kafka.server.common.KRaftVersion;

/**
 * Votes, of which one for this node itself is forgotten when they are read if another has won that epoch. Kafka's client (4.4.0) starts as a
 * candidate whenever it has voted for itself. If it has followed the winner since, its log holds records of that very epoch, its peers
 * refuse the request for their votes as invalid, and the client stops for good: at each start, until there is a new epoch. The leader that is known
 * keeps it from voting for anybody in the epoch, as the vote does. Voters are in the log, never here.
 */
final class SettledVotes implements QuorumStateStore {
    private final QuorumStateStore stored;
    private final int nodeId;

    SettledVotes(QuorumStateStore stored, int nodeId) {
        this.stored = stored;
        this.nodeId = nodeId;
    }

    @Override
    public Optional<ElectionState> readElectionState() {
        return stored.readElectionState().map(this::settled);
    }

    private ElectionState settled(ElectionState read) {
        boolean hasLost = read.hasLeader()
                && !read.isLeader(nodeId)
                && read.hasVoted()
                && read.votedKey().id() == nodeId;
        return hasLost
                ? ElectionState.withElectedLeader(read.epoch(), read.leaderId(), Optional.empty(), Set.of())
                : read;
    }

    @Override
    public void writeElectionState(ElectionState latest, KRaftVersion version) {
        stored.writeElectionState(latest, version);
    }

    @Override
    public Path path() {
        return stored.path();
    }

    @Override
    public void clear() {
        stored.clear();
    }
}
