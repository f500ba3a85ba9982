// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.kafka.common.Uuid;

/** Local reads of streams and objects: this node's applied state, held in RocksDB. No call leaves the process. */
public interface Manifests {
    /** The stream of a partition; empty if it does not exist (any more). */
    OptionalLong streamId(Uuid topicId, int partition);

    Optional<StreamState> stream(long streamId);

    /** Up to {@code limit} segments in offset order, from the one that holds {@code offset} (or the first after it) on. */
    List<StreamSegment> segments(long streamId, long offset, int limit);

    /** Up to {@code limit} retired objects, oldest first. */
    List<RetiredObject> retiredObjects(int limit);

    /** Whether the object is named by a manifest or waits for deletion. */
    boolean isObjectKnown(long objectId);
}
