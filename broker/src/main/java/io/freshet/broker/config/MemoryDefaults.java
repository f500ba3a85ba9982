// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import java.util.Map;
import java.util.TreeMap;

/**
 * Defaults of the memory budgets in a process whose direct memory is too small for the usual ones. What is configured stays as
 * it is. A quarter of the direct memory is the network's, for requests that are read or not answered; the rest of what is not
 * given out here is for transfers to and from the object store.
 */
final class MemoryDefaults {
    /** From here on the usual defaults fit. */
    private static final long ENOUGH_BYTES = 2L << 30;

    private static final long LEAST_BYTES = 128L << 20;

    private MemoryDefaults() {}

    /** {@code configured}, and budgets that fit into {@code directMemoryBytes}. */
    static Map<String, String> addTo(Map<String, String> configured, long directMemoryBytes) {
        if (directMemoryBytes >= ENOUGH_BYTES) {
            return configured;
        }
        long bytes = Math.max(directMemoryBytes, LEAST_BYTES);
        Map<String, String> all = new TreeMap<>(configured);
        boolean isTailGiven = configured.containsKey(FreshetKeys.CACHE_TAIL_BYTES)
                || configured.containsKey(FreshetKeys.WAL_CAPACITY_BYTES)
                || configured.containsKey(FreshetKeys.STORAGE_UPLOAD_BYTES);
        if (!isTailGiven) {
            all.put(FreshetKeys.CACHE_TAIL_BYTES, Long.toString(bytes / 4));
            all.put(FreshetKeys.STORAGE_UPLOAD_BYTES, Long.toString(bytes / 32));
            all.put(FreshetKeys.WAL_CAPACITY_BYTES, Long.toString(bytes / 8));
        }
        all.putIfAbsent(FreshetKeys.CACHE_BLOCK_BYTES, Long.toString(bytes / 8));
        all.putIfAbsent(FreshetKeys.STORAGE_COMPACTION_MEMORY_BYTES, Long.toString(bytes / 16));
        return all;
    }
}
