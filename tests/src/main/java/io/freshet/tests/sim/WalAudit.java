// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.Manifests;
import io.freshet.tests.sim.Ledger.Known;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the WALs hold at the moment, by the independent readers. */
public final class WalAudit {
    private final World world;
    private final Manifests manifests;
    private final Map<Integer, Map<Long, Set<Known>>> volumes = new HashMap<>();
    private @Nullable Map<Long, Set<Known>> slots;

    public WalAudit(World world, Manifests manifests) {
        this.world = world;
        this.manifests = manifests;
    }

    /** What recovery would find on the broker's volume, by stream. */
    public Map<Long, Set<Known>> volume(int brokerId) {
        return volumes.computeIfAbsent(brokerId, id -> {
            Map<Long, Set<Known>> found = new HashMap<>();
            for (WalFile.Entry entry : WalFile.read(world.cluster().disk(id).bytes())) {
                found.computeIfAbsent(entry.streamId(), key -> new HashSet<>())
                        .addAll(SimBatches.all(entry.payload(), world.ledger, "WAL of " + id));
            }
            return found;
        });
    }

    /** What recovery would find in all S3 WALs that the quorum knows, by stream. */
    public Map<Long, Set<Known>> slots() {
        Map<Long, Set<Known>> found = slots;
        if (found == null) {
            found = new HashMap<>();
            for (WalState wal : manifests.wals()) {
                read(wal, found);
            }
            slots = found;
        }
        return found;
    }

    /** From the start up to the first hole, the first fence, or the seal: nothing behind that exists. */
    private void read(WalState wal, Map<Long, Set<Known>> found) {
        long slot = wal.startSlot();
        boolean goesOn = true;
        while (goesOn && (!wal.isSealed() || slot < wal.sealedEndSlot())) {
            String key = ObjectKeys.slotKey(wal.brokerId(), wal.brokerEpoch(), slot);
            SimStore.StoredObject object = world.store.get(key);
            world.ledger.check(object != null || !wal.isSealed(), () -> "Slot " + key + " of " + wal + " is gone");
            List<ObjectFile.Segment> segments = List.of();
            if (object != null) {
                ObjectFile file = ObjectFile.read(key, object.bytes(), -1);
                segments = file.segments();
                segments.forEach(segment -> found.computeIfAbsent(segment.streamId(), stream -> new HashSet<>())
                        .addAll(SimBatches.all(file.content(segment), world.ledger, key)));
            }
            goesOn = !segments.isEmpty();
            slot++;
        }
    }

    /** When everything is committed nothing is needed but fences: what is there besides, null if nothing. */
    @Nullable
    public String leftOver() {
        for (String key : world.store.objects().tailMap(ObjectKeys.WAL_PREFIX).keySet()) {
            Optional<ObjectKeys.Slot> slot = ObjectKeys.slot(key);
            if (slot.isPresent()) {
                WalState wal = manifests.wals(slot.get().brokerId()).stream()
                        .filter(known -> known.brokerEpoch() == slot.get().brokerEpoch())
                        .findFirst()
                        .orElse(null);
                if (wal == null || !wal.isFreed() || slot.get().number() < wal.startSlot()) {
                    return "Slot " + key + " of " + wal + " is not needed any more and was not deleted";
                }
            }
        }
        return null;
    }
}
