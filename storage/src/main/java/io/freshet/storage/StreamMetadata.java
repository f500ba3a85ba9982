// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * The metadata quorum as storage sees it. Reads are local and cheap (the follower's copy) and see every command whose
 * future this process has seen complete. Commands complete when committed and applied locally; they fail with FENCED for
 * an old epoch, UNAVAILABLE when no leader answers, INDETERMINATE when the outcome is unknown (repeat: commands are
 * idempotent by object id).
 */
public interface StreamMetadata {
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

    /** These retired objects are gone from the store; forget them. */
    CompletableFuture<Void> forgetObjects(List<Long> objectIds);

    /** Whether the object is committed (named by a manifest) or retired: known to the quorum. */
    boolean isObjectKnown(long objectId);

    /**
     * Completes when reads here see everything that the quorum had committed before this call. Needed before something that
     * cannot be undone is done because the quorum does not know a thing: this copy may be behind by any time.
     */
    default CompletableFuture<Void> catchUp() {
        return forgetObjects(List.of());
    }
}
