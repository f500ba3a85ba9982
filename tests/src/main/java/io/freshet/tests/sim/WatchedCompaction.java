// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.storage.compact.CompactionMetadata;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** The quorum as compaction sees it, but that in some runs every broker is told that it has the lease. */
record WatchedCompaction(World world, CompactionMetadata real) implements CompactionMetadata {
    @Override
    public List<LiveObject> objects(long afterObjectId, int limit) {
        return real.objects(afterObjectId, limit);
    }

    @Override
    public OptionalLong objectSizeBytes(long objectId) {
        return real.objectSizeBytes(objectId);
    }

    @Override
    public List<Long> streamIds(long afterStreamId, int limit) {
        return real.streamIds(afterStreamId, limit);
    }

    @Override
    public CompletableFuture<Boolean> lease(String job, int brokerId, long brokerEpoch, long durationMs) {
        return world.leasesLie
                ? CompletableFuture.completedFuture(true)
                : real.lease(job, brokerId, brokerEpoch, durationMs);
    }

    @Override
    public CompletableFuture<Set<Long>> replace(SegmentReplacement replacement) {
        return real.replace(replacement).thenApply(refused -> {
            world.counts.add(refused.isEmpty() ? "compaction" : "compaction is refused in part");
            return refused;
        });
    }
}
