// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.SegmentReplacement;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** The quorum as compaction sees it, beside {@link io.freshet.storage.StreamMetadata}. Errors as there. */
public interface CompactionMetadata {
    /** Up to {@code limit} objects that manifests name, with ids above {@code afterObjectId}, ascending. May block where they are not local. */
    List<LiveObject> objects(long afterObjectId, int limit);

    /** Up to {@code limit} streams with ids above {@code afterStreamId}, ascending, open or not. Local read. */
    List<Long> streamIds(long afterStreamId, int limit);

    /** The size of an object that manifests name, if it is known without asking others. Never blocks. */
    default OptionalLong objectSizeBytes(long objectId) {
        return objects(objectId - 1, 1).stream()
                .filter(object -> object.objectId() == objectId)
                .mapToLong(LiveObject::sizeBytes)
                .findFirst();
    }

    /**
     * Asks for the sole right to do a job until {@code durationMs} from now; the same broker may ask again before that. False
     * if another broker has it. It saves work only: {@link #replace} is safe without it.
     */
    CompletableFuture<Boolean> lease(String job, int brokerId, long brokerEpoch, long durationMs);

    /**
     * Compare-and-swap of segments. Completes with the streams that were refused because their segments have changed since;
     * all others stand. Objects left without live segments become retired, also new ones of which everything was refused.
     * Idempotent by object ids.
     */
    CompletableFuture<Set<Long>> replace(SegmentReplacement replacement);
}
