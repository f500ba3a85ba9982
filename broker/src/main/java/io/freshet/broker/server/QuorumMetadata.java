// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.metadata.MetadataNode;
import io.freshet.storage.StreamMetadata;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** The quorum as storage sees it: the port of the storage module on a metadata node. */
record QuorumMetadata(MetadataNode node) implements StreamMetadata {
    @Override
    public Optional<StreamState> stream(long streamId) {
        return node.manifests().stream(streamId);
    }

    @Override
    public List<StreamSegment> segments(long streamId, long offset, int limit) {
        return node.manifests().segments(streamId, offset, limit);
    }

    @Override
    public CompletableFuture<IdRange> reserveObjectIds(int count) {
        return node.controller().reserveObjectIds(count);
    }

    @Override
    public CompletableFuture<Set<Long>> commitObject(ObjectCommit commit) {
        return node.controller().commitObject(commit);
    }

    @Override
    public CompletableFuture<Void> trimStream(long streamId, int leaderEpoch, long newStartOffset) {
        return node.controller().trimStream(streamId, leaderEpoch, newStartOffset);
    }

    @Override
    public List<RetiredObject> retiredObjects(int limit) {
        return node.manifests().retiredObjects(limit);
    }

    @Override
    public CompletableFuture<Void> forgetObjects(List<Long> objectIds) {
        return node.controller().forgetObjects(objectIds);
    }

    @Override
    public boolean isObjectKnown(long objectId) {
        return node.manifests().isObjectKnown(objectId);
    }
}
