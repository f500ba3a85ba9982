// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import java.nio.file.Path;
import java.util.Optional;
import org.apache.kafka.raft.ElectionState;
import org.apache.kafka.raft.QuorumStateStore;
import org.apache.kafka.server.common.KRaftVersion;
import org.jspecify.annotations.Nullable;

/** The votes on one disk: durable when they are written. */
final class SimVotes implements QuorumStateStore {
    private @Nullable ElectionState written;

    /** The disk is found as if nothing had ever been written. */
    void forget() {
        written = null;
    }

    @Override
    public Optional<ElectionState> readElectionState() {
        return Optional.ofNullable(written);
    }

    @Override
    public void writeElectionState(ElectionState latest, KRaftVersion version) {
        // As in a file of this version: static voters are not written.
        written = ElectionState.fromQuorumStateData(latest.toQuorumStateData(version.quorumStateVersion()));
    }

    @Override
    public Path path() {
        return Path.of("simulated-votes");
    }

    @Override
    public void clear() {
        written = null;
    }
}
