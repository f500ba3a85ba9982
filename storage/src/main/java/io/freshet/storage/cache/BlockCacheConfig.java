// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;

/**
 * Sizes of the block cache.
 *
 * @param capacityBytes all memory outside the heap: cached, read ahead, in flight, and evicted but still being read
 * @param readAheadBytes the part of it that holds the most recently loaded blocks, read ahead or not, however rarely used
 * @param inFlightBytes bytes that may be requested from the object store at one time
 * @param maxLoadBytes greatest range read by one request, unless a single block is larger
 */
public record BlockCacheConfig(long capacityBytes, long readAheadBytes, long inFlightBytes, int maxLoadBytes) {
    public BlockCacheConfig {
        if (capacityBytes < BlockArena.PAGE_BYTES
                || readAheadBytes < 0
                || readAheadBytes > capacityBytes / 2
                || inFlightBytes <= 0
                || maxLoadBytes <= 0) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Block cache of " + capacityBytes + " bytes with " + readAheadBytes + " for read-ahead, "
                            + inFlightBytes + " in flight and loads of " + maxLoadBytes
                            + " is impossible; give read-ahead at most half of the capacity");
        }
    }

    /**
     * Usual shares of {@code capacityBytes}: half for what was loaded last, so that readers close to each other share it
     * though nothing is read often, an eighth in flight, loads of up to 8 MiB.
     */
    public static BlockCacheConfig ofCapacity(long capacityBytes) {
        return new BlockCacheConfig(capacityBytes, capacityBytes / 2, Math.max(1, capacityBytes / 8), (int)
                Math.max(1, Math.min(8 << 20, capacityBytes / 16)));
    }

    /** Bytes for blocks that have been read at least once. */
    long cachedBytes() {
        return Math.max(1, capacityBytes - readAheadBytes - Math.min(inFlightBytes, capacityBytes / 4));
    }
}
