// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.stream;

/** Ids {@code first} (inclusive) to {@code end} (exclusive), given to one owner for ever. */
public record IdRange(long first, long end) {
    public IdRange {
        if (end <= first) {
            throw new IllegalArgumentException("Empty id range [" + first + ", " + end + ")");
        }
    }
}
