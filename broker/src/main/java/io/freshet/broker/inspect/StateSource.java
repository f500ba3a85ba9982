// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.inspect;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.ObjectState;
import java.util.List;

/**
 * Objects and manifests as the quorum knows them, also where this node does not keep them: then they are asked from the leader. Every
 * call may block, and fails with UNAVAILABLE if there is no answer.
 */
public interface StateSource {
    /** Up to {@code limit} objects that manifests name, with ids above {@code afterObjectId}, ascending. */
    List<LiveObject> objects(long afterObjectId, int limit);

    /** Up to {@code limit} segments in offset order, from the one that holds {@code offset} (or the first after it) on. */
    List<StreamSegment> segments(long streamId, long offset, int limit);

    /** What is known of each of these objects, in their order. */
    List<ObjectState> objectStates(List<Long> objectIds);
}
