// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.storage.StreamMetadata;
import io.freshet.storage.compact.CompactionMetadata;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** The manifest of one stream, with compare-and-swap. */
final class MemoryManifest implements StreamMetadata, CompactionMetadata {
    final List<StreamSegment> segments = new ArrayList<>();
    /** Runs before each swap, as if somebody else came first. */
    Runnable beforeReplace = () -> {};

    private final long streamId;
    private long nextId = 1;

    MemoryManifest(long streamId) {
        this.streamId = streamId;
    }

    long newId() {
        return nextId++;
    }

    @Override
    public Optional<StreamState> stream(long id) {
        return Optional.empty();
    }

    @Override
    public List<StreamSegment> segments(long id, long offset, int limit) {
        return segments.stream()
                .filter(segment -> segment.endOffset() > offset)
                .limit(limit)
                .toList();
    }

    @Override
    public CompletableFuture<IdRange> reserveObjectIds(int count) {
        long first = nextId;
        nextId += count;
        return CompletableFuture.completedFuture(new IdRange(first, nextId));
    }

    @Override
    public CompletableFuture<Set<Long>> replace(SegmentReplacement replacement) {
        beforeReplace.run();
        int at = segments.indexOf(replacement.removed().get(0));
        int count = replacement.removed().size();
        if (at < 0
                || at + count > segments.size()
                || !segments.subList(at, at + count).equals(replacement.removed())) {
            return CompletableFuture.completedFuture(Set.of(streamId));
        }
        segments.subList(at, at + count).clear();
        segments.addAll(at, replacement.inserted());
        return CompletableFuture.completedFuture(Set.of());
    }

    @Override
    public CompletableFuture<Set<Long>> commitObject(ObjectCommit commit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> trimStream(long id, int leaderEpoch, long newStartOffset) {
        throw new UnsupportedOperationException();
    }

    @Override
    public List<RetiredObject> retiredObjects(int limit) {
        return List.of();
    }

    @Override
    public CompletableFuture<Void> forgetObjects(List<Long> objectIds) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean isObjectKnown(long objectId) {
        return true;
    }

    @Override
    public List<LiveObject> objects(long afterObjectId, int limit) {
        return List.of();
    }

    @Override
    public List<Long> streamIds(long afterStreamId, int limit) {
        return List.of(streamId);
    }

    @Override
    public CompletableFuture<Boolean> lease(String job, int brokerId, long brokerEpoch, long durationMs) {
        return CompletableFuture.completedFuture(true);
    }
}
