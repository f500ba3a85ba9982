// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The metadata quorum as storage sees it. Reads are local and cheap (the follower's copy) and see every command whose
 * future this process has seen complete. Commands complete when committed and applied locally; they fail with FENCED for
 * an old epoch, UNAVAILABLE when no leader answers, INDETERMINATE when the outcome is unknown (repeat: commands are
 * idempotent by object id).
 */
public interface StreamMetadata {
    /** Segments that {@link #forEachManifest} reads at once. */
    int MANIFEST_PAGE = 1000;

    /** So many segments of a stream at most, or a page more, are in memory at once. */
    int MANIFEST_PART = 10_000;

    /** What the quorum knows of the stream; empty if it does not exist (any more). */
    Optional<StreamState> stream(long streamId);

    /** Up to {@code limit} segments in offset order, from the one that holds {@code offset} (or the first after it) on. */
    List<StreamSegment> segments(long streamId, long offset, int limit);

    /** {@code count} object ids that nobody else will ever get. */
    CompletableFuture<IdRange> reserveObjectIds(int count);

    /**
     * Makes the segments part of their manifests. Completes with the ids of streams whose segment was refused because the
     * stream is gone or owned under another leader epoch; all others stand.
     */
    CompletableFuture<Set<Long>> commitObject(ObjectCommit commit);

    /** Moves a stream's start offset up; objects left without live segments become retired. */
    CompletableFuture<Void> trimStream(long streamId, int leaderEpoch, long newStartOffset);

    /** Up to {@code limit} retired objects, oldest first. */
    List<RetiredObject> retiredObjects(int limit);

    /**
     * The same where this copy of the metadata may not have them: then the quorum's leader is asked.
     */
    default CompletableFuture<List<RetiredObject>> oldestRetired(int limit) {
        return CompletableFuture.completedFuture(retiredObjects(limit));
    }

    /** These retired objects are gone from the store; forget them. */
    CompletableFuture<Void> forgetObjects(List<Long> objectIds);

    /** Whether the object is committed (named by a manifest) or retired: known to the quorum. */
    boolean isObjectKnown(long objectId);

    /**
     * Which of these objects the quorum does not know. Where this copy of the metadata does not have all objects the quorum's leader is
     * asked; a failure says nothing of any of them.
     */
    default CompletableFuture<Set<Long>> unknownObjects(Collection<Long> objectIds) {
        return CompletableFuture.completedFuture(
                objectIds.stream().filter(id -> !isObjectKnown(id)).collect(Collectors.toUnmodifiableSet()));
    }

    /**
     * Hands the manifest of each of these streams to {@code visitor}, in their order, long ones in parts of about
     * {@link #MANIFEST_PART} segments. May block where it is not local.
     */
    default void forEachManifest(List<Long> streamIds, Consumer<List<StreamSegment>> visitor) {
        for (long streamId : streamIds) {
            List<StreamSegment> all = new ArrayList<>();
            long from = stream(streamId).map(StreamState::startOffset).orElse(0L);
            List<StreamSegment> page = segments(streamId, from, MANIFEST_PAGE);
            while (page.size() == MANIFEST_PAGE) {
                all.addAll(page);
                if (all.size() >= MANIFEST_PART) {
                    visitor.accept(all);
                    all = new ArrayList<>();
                }
                page = segments(streamId, page.get(page.size() - 1).endOffset(), MANIFEST_PAGE);
            }
            all.addAll(page);
            visitor.accept(all);
        }
    }

    /** Those of {@code segments} that stand in their manifests as they are here. May block where those are not local. */
    default List<StreamSegment> stillNamed(List<StreamSegment> segments) {
        return segments.stream()
                .filter(segment -> segments(segment.streamId(), segment.startOffset(), 1).stream()
                        .anyMatch(segment::equals))
                .toList();
    }

    /**
     * Completes when reads here see everything that the quorum had committed before this call. Needed before something that
     * cannot be undone is done because the quorum does not know a thing: this copy may be behind by any time.
     */
    default CompletableFuture<Void> catchUp() {
        return forgetObjects(List.of());
    }
}
