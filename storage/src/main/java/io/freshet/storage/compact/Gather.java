// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import java.util.List;

/**
 * Small or mostly dead objects whose live segments are to be laid out anew.
 *
 * @param inputs ascending by object id; at least two
 */
public record Gather(List<ObjectShare> inputs) {
    public Gather {
        inputs = List.copyOf(inputs);
    }

    /** Bytes to be rewritten. */
    public long liveBytes() {
        long sum = 0;
        for (ObjectShare input : inputs) {
            sum += input.liveBytes();
        }
        return sum;
    }
}
