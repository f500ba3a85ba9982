// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.List;
import java.util.Optional;

/** The WAL lanes of one broker; the first is the one that streams use unless told otherwise. Immutable. */
public final class WalLanes {
    private final List<WalLane> lanes;

    /** @param lanes at least one, in the order of their index */
    public WalLanes(List<WalLane> lanes) {
        this.lanes = List.copyOf(lanes);
        if (lanes.isEmpty()) {
            throw new FreshetException(ErrorKind.INVALID, "A broker needs at least one WAL lane; none was given");
        }
    }

    public List<WalLane> all() {
        return lanes;
    }

    public WalLane defaultLane() {
        return lanes.get(0);
    }

    public Optional<WalLane> named(String name) {
        return lanes.stream().filter(lane -> lane.name().equals(name)).findFirst();
    }

    /** The load of the fullest lane. */
    public double load() {
        double greatest = 0;
        for (WalLane lane : lanes) {
            greatest = Math.max(greatest, lane.load());
        }
        return greatest;
    }

    /** Room of the smallest lane, in bytes. */
    public long smallestCapacityBytes() {
        return lanes.stream()
                .mapToLong(lane -> lane.wal().capacityBytes())
                .min()
                .orElse(0);
    }

    /** Room of all lanes together, in bytes. */
    public long capacityBytes() {
        return lanes.stream().mapToLong(lane -> lane.wal().capacityBytes()).sum();
    }

    /** Closes the lanes, the last one first. */
    public void close() {
        for (int i = lanes.size() - 1; i >= 0; i--) {
            lanes.get(i).close();
        }
    }
}
