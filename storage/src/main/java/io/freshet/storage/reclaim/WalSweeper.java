// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.reclaim;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.WalState;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * Finds slots and fences of S3 WALs that nobody needs: those of a WAL that the quorum does not know, because it was retired or
 * its opening never committed, and those below the first slot of a WAL that it does know. Goes through the store in slices;
 * deletes a key only if it was garbage in two passes and is older than the grace period, which is longer than a follower's
 * copy of the metadata can lag.
 */
public final class WalSweeper implements AutoCloseable {
    private final IntFunction<List<WalState>> wals;
    private final StoreSweep sweep;

    /** @param wals the WALs of a broker id that are not retired, in the local copy of the metadata */
    public WalSweeper(SweepParts parts, IntFunction<List<WalState>> wals) {
        this.wals = wals;
        this.sweep = new StoreSweep(
                parts,
                ObjectKeys.WAL_PREFIX,
                StoreSweep.Garbage.of(this::isGarbage),
                parts.meters().counter("freshet.storage.orphan.slots.deleted"));
    }

    private boolean isGarbage(String key) {
        Optional<ObjectKeys.Slot> slot = ObjectKeys.slot(key);
        if (slot.isEmpty()) {
            return false;
        }
        for (WalState wal : wals.apply(slot.get().brokerId())) {
            if (wal.brokerEpoch() == slot.get().brokerEpoch()) {
                return slot.get().number() < wal.startSlot();
            }
        }
        return true;
    }

    @Override
    public void close() {
        sweep.close();
    }
}
