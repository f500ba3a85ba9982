// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.storage.SegmentCheckpoint;
import java.nio.ByteBuffer;

/**
 * What becomes of the record batches of segments on their way into a new object. Called by one thread at a time, for whole
 * blocks in offset order. An instance belongs to one rewriting of a stream and may keep state from one call to the next.
 */
public interface BatchTransform {
    /** All batches stay as they are. */
    BatchTransform UNCHANGED = new BatchTransform() {
        @Override
        public ByteBuffer apply(ByteBuffer batches) {
            return batches;
        }

        @Override
        public SegmentCheckpoint checkpoint(SegmentCheckpoint merged) {
            return merged;
        }

        @Override
        public boolean changesBatches() {
            return false;
        }
    };

    /**
     * Whole batches, those between position and limit of {@code batches}, give way to those between position and limit of
     * the result: none, fewer, or others, in order and within the same offsets. The result must not be written to later.
     */
    ByteBuffer apply(ByteBuffer batches);

    /** The trailer's checkpoint of a new segment, whose batches have all been given; {@code merged} is what its inputs said. */
    SegmentCheckpoint checkpoint(SegmentCheckpoint merged);

    /** Whether the bytes may differ from the inputs'. */
    boolean changesBatches();
}
