// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.stream.StreamSegment;
import java.util.List;

/**
 * Segments of one stream that follow one another and become one.
 *
 * @param inputs in offset order, without gaps; at least one
 */
public record SegmentGroup(List<StreamSegment> inputs) {
    public SegmentGroup {
        inputs = List.copyOf(inputs);
        for (int i = 1; i < inputs.size(); i++) {
            StreamSegment before = inputs.get(i - 1);
            StreamSegment after = inputs.get(i);
            if (before.streamId() != after.streamId() || before.endOffset() != after.startOffset()) {
                throw new IllegalArgumentException(after + " does not follow " + before);
            }
        }
        if (inputs.isEmpty()) {
            throw new IllegalArgumentException("A group without segments");
        }
    }

    public long streamId() {
        return inputs.get(0).streamId();
    }

    public long startOffset() {
        return inputs.get(0).startOffset();
    }

    public long endOffset() {
        return inputs.get(inputs.size() - 1).endOffset();
    }

    /** Bytes of all inputs' record batches. */
    public long sizeBytes() {
        long sum = 0;
        for (StreamSegment input : inputs) {
            sum += input.sizeBytes();
        }
        return sum;
    }
}
