// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.recovery;

import io.freshet.storage.StorageParts;
import io.freshet.storage.tail.TailMemory;
import io.freshet.storage.tail.WalLane;
import io.freshet.storage.tail.WalLanes;
import io.freshet.wal.WriteAheadLog;
import java.util.ArrayList;
import java.util.List;

/** Opens the lanes one after the other, each giving what it holds to the recovery. Runs on the starting thread. */
public final class LaneRecovery {
    private LaneRecovery() {}

    /** Blocks while the lanes are read. Fails as a lane's opening fails; the lanes opened before are closed then. */
    public static WalLanes open(List<StorageParts.Lane> openers, TailRecovery recovery, TailMemory memory) {
        List<WalLane> opened = new ArrayList<>();
        boolean isOpen = false;
        try {
            for (StorageParts.Lane opener : openers) {
                int index = opened.size();
                TailRecovery.Lane found = recovery.lane(index, opener.name());
                WriteAheadLog wal = opener.opener().open(found.visitor());
                opened.add(new WalLane(index, opener, wal, memory));
            }
            WalLanes lanes = new WalLanes(opened);
            isOpen = true;
            return lanes;
        } finally {
            if (!isOpen) {
                opened.forEach(lane -> lane.wal().close());
                recovery.abandon();
            }
        }
    }
}
