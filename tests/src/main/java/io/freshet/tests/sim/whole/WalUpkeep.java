// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.whole;

import io.freshet.broker.server.QuorumWals;
import io.freshet.common.stream.StreamState;
import io.freshet.metadata.QuorumNode;
import io.freshet.tests.sim.ProcessStorage;
import io.freshet.tests.sim.World;
import io.freshet.tests.sim.quorum.Member;
import io.freshet.wal.s3.WalReclaim;
import io.freshet.wal.s3.WalSealer;
import java.util.OptionalLong;

/** What a broker does with S3 WALs that others wrote: ends those of the dead, and frees the sealed ones. */
final class WalUpkeep implements AutoCloseable {
    private static final long RECLAIM_PERIOD_MS = 5_000;

    private final QuorumNode quorum;
    private final WalSealer sealer;
    private final WalReclaim reclaim;

    WalUpkeep(Member member, ProcessStorage storage) {
        this.quorum = member.run().quorum();
        QuorumWals wals = new QuorumWals(quorum);
        this.sealer = new WalSealer(
                WalSealer.Config.of(member.id()),
                wals,
                wals,
                storage.objects(),
                storage.ports().wals(),
                ProcessStorage.slotFormat(),
                storage.slotServices());
        this.reclaim = new WalReclaim(
                new WalReclaim.Config(RECLAIM_PERIOD_MS, World.FENCE_RETENTION_MS),
                new WalReclaim.Parts(
                        storage.objects(),
                        wals,
                        storage.ports().wals(),
                        this::committedEnd,
                        (job, durationMs) ->
                                member.controller().leaseJob(job, member.id(), member.brokerEpoch(), durationMs)),
                storage.slotServices());
    }

    private OptionalLong committedEnd(long streamId) {
        return quorum.manifests().stream(streamId)
                .map(StreamState::endOffset)
                .map(OptionalLong::of)
                .orElse(OptionalLong.empty());
    }

    /** Brokers have come or gone. */
    void look() {
        sealer.look();
    }

    @Override
    public void close() {
        sealer.close();
        reclaim.close();
    }
}
