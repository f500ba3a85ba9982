// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.common.stream.StreamSegment;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A complete object, ready to be written. Its body refers to the record batches that were added, so their references must
 * be held until the write has completed.
 *
 * @param objectId the object
 * @param body the object's bytes in order, between position and limit of each buffer
 * @param sizeBytes sum of the body
 * @param segments what the object holds, sorted by stream id and start offset, for the commit
 */
public record EncodedObject(long objectId, List<ByteBuffer> body, long sizeBytes, List<StreamSegment> segments) {
    public EncodedObject {
        body = List.copyOf(body);
        segments = List.copyOf(segments);
    }
}
