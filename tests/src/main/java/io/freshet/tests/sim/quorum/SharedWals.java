// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.common.stream.WalSeal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Stands in for the S3 WALs: slots on storage that everybody can read, and end with a fence. */
final class SharedWals {
    /** One record of a stream. */
    record Entry(long streamId, long offset, long value) {}

    private record Key(int brokerId, long brokerEpoch) {}

    private static final class Wal {
        private final List<List<Entry>> slots = new ArrayList<>();
        private boolean isFenced;
    }

    private final Map<Key, Wal> wals = new HashMap<>();

    private Wal wal(int brokerId, long brokerEpoch) {
        return wals.computeIfAbsent(new Key(brokerId, brokerEpoch), key -> new Wal());
    }

    /** Writes the next slot; false if a fence stands there. */
    boolean put(int brokerId, long brokerEpoch, List<Entry> entries) {
        Wal wal = wal(brokerId, brokerEpoch);
        if (wal.isFenced) {
            return false;
        }
        wal.slots.add(List.copyOf(entries));
        return true;
    }

    /** Ends a WAL, if it has not ended, and tells where. */
    WalSeal fence(int brokerId, long brokerEpoch) {
        Wal wal = wal(brokerId, brokerEpoch);
        wal.isFenced = true;
        Map<Long, Long> ends = new HashMap<>();
        for (List<Entry> slot : wal.slots) {
            slot.forEach(entry -> ends.merge(entry.streamId, entry.offset + 1, Math::max));
        }
        return new WalSeal(brokerId, brokerEpoch, wal.slots.size(), ends);
    }

    /** Adds the stream's records from {@code fromOffset} on to {@code found}, by offset; the later of two written in one WAL wins. */
    void collect(int brokerId, long brokerEpoch, long streamId, long fromOffset, TreeMap<Long, Long> found) {
        for (List<Entry> slot : wal(brokerId, brokerEpoch).slots) {
            for (Entry entry : slot) {
                if (entry.streamId == streamId && entry.offset >= fromOffset) {
                    found.put(entry.offset, entry.value);
                }
            }
        }
    }
}
