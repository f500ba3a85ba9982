// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.reclaim;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.StorageParts;

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
                this::isUnknown,
                parts.meters().counter("freshet.storage.orphans.deleted"));
    }

    private boolean isUnknown(String key) {
        long id = ObjectKeys.objectId(key);
        return id >= 0 && !parts.metadata().isObjectKnown(id);
    }

    @Override
    public void close() {
        sweep.close();
    }
}
