// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.storage.compact.CompactionMetadata;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** The quorum as one process's compaction sees it. */
record SimCompactionMetadata(SimFollower follower) implements CompactionMetadata {
    @Override
    public List<LiveObject> objects(long afterObjectId, int limit) {
        return follower.state().manifests().objects(afterObjectId, limit);
    }

    @Override
    public List<Long> streamIds(long afterStreamId, int limit) {
        return follower.state().manifests().streamIds(afterStreamId, limit);
    }

    @Override
    public CompletableFuture<Boolean> lease(String job, int brokerId, long brokerEpoch, long durationMs) {
        return follower.send(
                "lease job", true, controller -> controller.leaseJob(job, brokerId, brokerEpoch, durationMs));
    }

    @Override
    public CompletableFuture<Set<Long>> replace(SegmentReplacement replacement) {
        follower.note(() -> "sends " + replacement);
        return follower.send("replace segments", true, controller -> controller.replaceSegments(replacement));
    }
}
