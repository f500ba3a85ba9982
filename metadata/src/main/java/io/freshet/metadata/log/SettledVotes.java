// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import org.apache.kafka.raft.ElectionState;
import org.apache.kafka.raft.QuorumStateStore;
import org.apache.kafka.raft.ReplicaKey;
import org.apache.kafka.server.common.KRaftVersion;

/**
 * What a node knows of the last election when it starts, without two things from which Kafka's client (4.4.0) would stop for good, at each start
 * until there is a new epoch. Voters are in the log, never here.
 *
 * <ul>
 *   <li>A vote for this node itself in an epoch that another has won: the client would start as a candidate. If it has followed the winner
 *       since, its log holds records of that very epoch, and its peers refuse the request for their votes as invalid. The leader that is known
 *       keeps it from voting for anybody in the epoch, as the vote does.
 *   <li>A leader that the voters in the log do not have: a broker without a vote flushes nothing, so a power failure may take the records that
 *       made the leader a voter, and leave this file. The client would know the leader but not where it is, and take the leader's first answer
 *       for impossible. A leader that is not known is found anew; it was elected without this node's vote, or with the one that is kept, so
 *       nobody else can be elected in its epoch.
 * </ul>
 */
final class SettledVotes implements QuorumStateStore {
    private final QuorumStateStore stored;
    private final int nodeId;
    private final IntPredicate isVoter;

    /** {@code isVoter}: whether the last voters in the log have the node of this id; asked when the election is read. */
    SettledVotes(QuorumStateStore stored, int nodeId, IntPredicate isVoter) {
        this.stored = stored;
        this.nodeId = nodeId;
        this.isVoter = isVoter;
    }

    @Override
    public Optional<ElectionState> readElectionState() {
        return stored.readElectionState().map(this::settled);
    }

    private ElectionState settled(ElectionState read) {
        if (!read.hasLeader() || read.isLeader(nodeId)) {
            return read;
        }
        Optional<ReplicaKey> vote = read.optionalVotedKey().filter(voted -> voted.id() != nodeId);
        if (isVoter.test(read.leaderId())) {
            return ElectionState.withElectedLeader(read.epoch(), read.leaderId(), vote, Set.of());
        }
        return vote.map(voted -> ElectionState.withVotedCandidate(read.epoch(), voted, Set.of()))
                .orElseGet(() -> ElectionState.withUnknownLeader(read.epoch(), Set.of()));
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
