// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.ObjectIndex;
import java.util.List;

/**
 * Adjacent blocks of one object that one request brings.
 *
 * @param index the object
 * @param firstBlock number of the first block
 * @param flights one per block, in order
 */
record BlockLoad(ObjectIndex index, int firstBlock, List<Flight> flights) {
    int size() {
        return flights.size();
    }

    BlockEntry entry(int i) {
        return index.blocks().get(firstBlock + i);
    }

    long position() {
        return entry(0).position();
    }

    /** Bytes of all blocks; fits an int because runs are cut at the greatest load. */
    int sizeBytes() {
        return (int) (entry(size() - 1).endPosition() - position());
    }

    BlockLoad part(int from, int to) {
        return new BlockLoad(index, firstBlock + from, flights.subList(from, to));
    }
}
