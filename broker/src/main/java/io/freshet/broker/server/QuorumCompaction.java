// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.metadata.MetadataNode;
import io.freshet.storage.compact.CompactionMetadata;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** The quorum as compaction sees it: the port of the storage module on a metadata node. */
public record QuorumCompaction(MetadataNode node) implements CompactionMetadata {
    @Override
    public List<LiveObject> objects(long afterObjectId, int limit) {
        return new QuorumReads(node).objects(afterObjectId, limit);
    }

    @Override
    public OptionalLong objectSizeBytes(long objectId) {
        return node.keepsEverything()
                ? CompactionMetadata.super.objectSizeBytes(objectId)
                : OptionalLong.empty(); // the store is asked: one request more for an object
    }

    @Override
    public List<Long> streamIds(long afterStreamId, int limit) {
        return node.manifests().streamIds(afterStreamId, limit);
    }

    @Override
    public CompletableFuture<Boolean> lease(String job, int brokerId, long brokerEpoch, long durationMs) {
        return node.controller().leaseJob(job, brokerId, brokerEpoch, durationMs);
    }

    @Override
    public CompletableFuture<Set<Long>> replace(SegmentReplacement replacement) {
        return node.controller().replaceSegments(replacement);
    }
}
