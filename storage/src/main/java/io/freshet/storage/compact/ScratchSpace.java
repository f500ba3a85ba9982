// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import java.nio.ByteBuffer;

/** Where a look at all objects keeps its numbers, which may be many millions: not on the heap. Used by one thread. */
@FunctionalInterface
public interface ScratchSpace {
    /**
     * Makes more space, which stays as long as the buffer is referred to.
     *
     * @param sizeBytes how much
     * @return from position 0 to capacity {@code sizeBytes}, with any content
     * @throws io.freshet.common.FreshetException UNAVAILABLE if there is no more
     */
    ByteBuffer chunk(int sizeBytes);
}
