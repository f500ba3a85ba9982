// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.RetiredObject;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Questions to the leader of the quorum about what not every node keeps. They change nothing and may be repeated. An answer
 * completes when this node has applied what the leader had when it answered. They fail with UNAVAILABLE (no leader, or one that is behind:
 * retry), THROTTLED (too much waits), or INVALID (also: the leader's version does not know the query, upgrade it).
 */
public interface StateQueries {
    /** The most objects that one question may be about. */
    int MAX_OBJECTS = 10_000;

    /** Parts of manifests, all as of one offset of the log. */
    CompletableFuture<ManifestPages> readManifests(ManifestQuery query);

    /** Up to {@code limit} objects that manifests name, with ids above {@code afterObjectId}, ascending. */
    CompletableFuture<List<LiveObject>> readObjects(long afterObjectId, int limit);

    /** Up to {@code limit} retired objects, oldest first. */
    CompletableFuture<List<RetiredObject>> readRetiredObjects(int limit);

    /**
     * What the quorum knows of these objects, in their order, after everything that was committed anywhere before the call: the
     * answer is given by a node that led the quorum after it was asked. Costs one write of the log.
     */
    CompletableFuture<List<ObjectState>> readObjectStates(List<Long> objectIds);
}
