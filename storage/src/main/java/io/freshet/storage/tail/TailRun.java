// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.buffer.SharedBytes;
import java.util.List;

/**
 * A run of durable batches taken for an upload; holds a reference on each piece until {@link #release()}.
 *
 * @param startOffset first offset, inclusive
 * @param endOffset last offset, exclusive
 * @param batches the bytes in offset order
 * @param sizeBytes their sum
 */
public record TailRun(long startOffset, long endOffset, List<SharedBytes> batches, long sizeBytes) {
    public void release() {
        batches.forEach(SharedBytes::release);
    }
}
