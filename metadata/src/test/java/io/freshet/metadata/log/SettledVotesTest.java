// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.raft.ElectionState;
import org.apache.kafka.raft.FileQuorumStateStore;
import org.apache.kafka.raft.ReplicaKey;
import org.apache.kafka.server.common.KRaftVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettledVotesTest {
    private static final int NODE_ID = 4;

    @TempDir
    Path directory;

    private final Optional<ReplicaKey> self = Optional.of(ReplicaKey.of(NODE_ID, Uuid.randomUuid()));
    private final Optional<ReplicaKey> other = Optional.of(ReplicaKey.of(3, Uuid.randomUuid()));

    private ElectionState readAfterWriting(ElectionState state) {
        return readAfterWriting(state, true);
    }

    private ElectionState readAfterWriting(ElectionState state, boolean isVoter) {
        SettledVotes votes = new SettledVotes(
                new FileQuorumStateStore(directory.resolve("votes").toFile()), NODE_ID, id -> isVoter);
        votes.writeElectionState(state, KRaftVersion.LATEST_PRODUCTION);
        return votes.readElectionState().orElseThrow();
    }

    @Test
    void aVoteForItselfIsOverOnceAnotherHasWonTheEpoch() {
        assertThat(readAfterWriting(ElectionState.withElectedLeader(9, 3, self, Set.of())))
                .isEqualTo(ElectionState.withElectedLeader(9, 3, Optional.empty(), Set.of()));
    }

    @Test
    void allElseIsKept() {
        for (ElectionState state : new ElectionState[] {
            ElectionState.withVotedCandidate(9, self.orElseThrow(), Set.of()),
            ElectionState.withElectedLeader(9, NODE_ID, self, Set.of()),
            ElectionState.withElectedLeader(9, 3, other, Set.of()),
            ElectionState.withElectedLeader(9, 3, Optional.empty(), Set.of()),
            ElectionState.withUnknownLeader(9, Set.of())
        }) {
            assertThat(readAfterWriting(state)).isEqualTo(state);
        }
    }

    @Test
    void aLeaderThatIsNoVoterInTheLogIsFoundAnew() {
        ElectionState unknown = ElectionState.withUnknownLeader(9, Set.of());
        assertThat(readAfterWriting(ElectionState.withElectedLeader(9, 3, Optional.empty(), Set.of()), false))
                .isEqualTo(unknown);
        assertThat(readAfterWriting(ElectionState.withElectedLeader(9, 3, self, Set.of()), false))
                .isEqualTo(unknown);
    }

    @Test
    void aVoteForAnotherOutlastsTheLog() {
        assertThat(readAfterWriting(ElectionState.withElectedLeader(9, 3, other, Set.of()), false))
                .isEqualTo(ElectionState.withVotedCandidate(9, other.orElseThrow(), Set.of()));
    }

    @Test
    void allElseIsKeptWhereItIsNoVoter() {
        for (ElectionState state : new ElectionState[] {
            ElectionState.withVotedCandidate(9, self.orElseThrow(), Set.of()),
            ElectionState.withElectedLeader(9, NODE_ID, self, Set.of()),
            ElectionState.withUnknownLeader(9, Set.of())
        }) {
            assertThat(readAfterWriting(state, false)).isEqualTo(state);
        }
    }
}
