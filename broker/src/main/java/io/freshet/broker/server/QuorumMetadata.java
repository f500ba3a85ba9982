// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.metadata.MetadataNode;
import io.freshet.metadata.ObjectState;
import io.freshet.storage.StreamMetadata;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * The quorum as storage sees it: the port of the storage module on a metadata node. What the node does not keep it asks from the
 * leader, where the port allows that.
 */
public record QuorumMetadata(MetadataNode node) implements StreamMetadata {
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
    public CompletableFuture<List<RetiredObject>> oldestRetired(int limit) {
        return node.keepsEverything()
                ? StreamMetadata.super.oldestRetired(limit)
                : node.controller().readRetiredObjects(limit);
    }

    @Override
    public CompletableFuture<Void> forgetObjects(List<Long> objectIds) {
        return node.controller().forgetObjects(objectIds);
    }

    @Override
    public boolean isObjectKnown(long objectId) {
        return node.manifests().isObjectKnown(objectId);
    }

    @Override
    public CompletableFuture<Set<Long>> unknownObjects(Collection<Long> objectIds) {
        if (node.keepsEverything()) {
            return StreamMetadata.super.unknownObjects(objectIds);
        }
        List<Long> asked = List.copyOf(objectIds);
        return node.controller().readObjectStates(asked).thenApply(states -> unknown(asked, states));
    }

    private static Set<Long> unknown(List<Long> asked, List<ObjectState> states) {
        if (states.size() != asked.size()) {
            throw new FreshetException(
                    ErrorKind.INTERNAL,
                    "The leader said something of " + states.size() + " objects when asked about " + asked.size());
        }
        Set<Long> unknown = new HashSet<>();
        for (int i = 0; i < asked.size(); i++) {
            if (states.get(i) == ObjectState.UNKNOWN) {
                unknown.add(asked.get(i));
            }
        }
        return unknown;
    }

    @Override
    public void forEachManifest(List<Long> streamIds, Consumer<List<StreamSegment>> visitor) {
        if (node.keepsEverything()) {
            StreamMetadata.super.forEachManifest(streamIds, visitor);
        } else {
            new QuorumReads(node).forEachManifest(streamIds, visitor);
        }
    }

    @Override
    public List<StreamSegment> stillNamed(List<StreamSegment> segments) {
        return node.keepsEverything()
                ? StreamMetadata.super.stillNamed(segments)
                : new QuorumReads(node).stillNamed(segments);
    }
}
