// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.StreamLog;
import java.util.concurrent.CompletableFuture;

/** Opens streams. Must not block: Partitions opens many at once from the metadata thread. */
@FunctionalInterface
public interface StreamOpener {
    /**
     * @param source asked for the owner's state when a segment is sealed; not before the returned future is complete
     */
    CompletableFuture<StreamLog> open(long streamId, int leaderEpoch, SegmentCheckpoint.Source source);
}
