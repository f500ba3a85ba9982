// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.reclaim;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.StorageParts;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/**
 * Finds data objects that the quorum has never heard of, such as those of an upload or a compaction whose process died before
 * its commit. Goes through the store in slices; deletes a key only if it was seen unknown for the grace period, which is longer
 * than any upload takes.
 */
public final class OrphanSweeper implements AutoCloseable {
    private final StorageParts parts;
    private final StoreSweep sweep;

    public OrphanSweeper(StorageConfig config, StorageParts parts) {
        this.parts = parts;
        this.sweep = new StoreSweep(
                SweepParts.of(config, parts),
                ObjectKeys.DATA_PREFIX,
                this::unknown,
                parts.meters().counter("freshet.storage.orphans.deleted"));
    }

    /** Keys that are none of ours are left alone. */
    private CompletableFuture<Set<String>> unknown(List<String> keys) {
        Map<Long, String> keyById = new HashMap<>();
        for (String key : keys) {
            long id = ObjectKeys.objectId(key);
            if (id >= 0) {
                keyById.put(id, key);
            }
        }
        if (keyById.isEmpty()) {
            return CompletableFuture.completedFuture(Set.of());
        }
        return parts.metadata()
                .unknownObjects(keyById.keySet())
                .thenApply(ids -> ids.stream()
                        .map(id -> Objects.requireNonNull(keyById.get(id), "not asked for"))
                        .collect(Collectors.toUnmodifiableSet()));
    }

    @Override
    public void close() {
        sweep.close();
    }
}
