// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.storage.SegmentCheckpoint.EpochStart;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/** Which leader epoch began at which offset. Written by the partition under its lock; reads take this object's own. */
final class LeaderEpochs {
    /** No such epoch, as in Kafka's protocol. */
    static final int UNDEFINED_EPOCH = -1;

    static final long UNDEFINED_OFFSET = -1;

    private final TreeMap<Integer, Long> starts = new TreeMap<>();

    /** Notes that {@code epoch} begins at {@code startOffset} unless that epoch or a later one is known. */
    synchronized void assign(int epoch, long startOffset) {
        if (epoch < 0 || (!starts.isEmpty() && starts.lastKey() >= epoch)) {
            return;
        }
        starts.values().removeIf(start -> start >= startOffset);
        starts.put(epoch, startOffset);
    }

    /** Forgets epochs that ended at or before {@code startOffset}; the one that holds it then begins there. */
    synchronized void trimTo(long startOffset) {
        Map.Entry<Integer, Long> holder = null;
        while (!starts.isEmpty() && starts.firstEntry().getValue() <= startOffset) {
            holder = starts.pollFirstEntry();
        }
        if (holder != null) {
            starts.put(holder.getKey(), startOffset);
        }
    }

    /** As Kafka's OffsetForLeaderEpoch: the greatest known epoch at or below {@code epoch}, and where it ends. */
    synchronized EpochEnd endOffsetFor(int epoch, long logEndOffset) {
        if (epoch == UNDEFINED_EPOCH || starts.isEmpty()) {
            return new EpochEnd(UNDEFINED_EPOCH, UNDEFINED_OFFSET);
        }
        if (starts.lastKey() == epoch) {
            return new EpochEnd(epoch, logEndOffset);
        }
        Map.Entry<Integer, Long> higher = starts.higherEntry(epoch);
        if (higher == null) {
            return new EpochEnd(UNDEFINED_EPOCH, UNDEFINED_OFFSET);
        }
        Integer floor = starts.floorKey(epoch);
        return new EpochEnd(floor == null ? epoch : floor, higher.getValue());
    }

    /** The epoch that {@code offset} was written in. */
    synchronized OptionalInt epochOf(long offset) {
        for (Map.Entry<Integer, Long> entry : starts.descendingMap().entrySet()) {
            if (entry.getValue() <= offset) {
                return OptionalInt.of(entry.getKey());
            }
        }
        return OptionalInt.empty();
    }

    synchronized List<EpochStart> toList() {
        List<EpochStart> list = new ArrayList<>(starts.size());
        starts.forEach((epoch, start) -> list.add(new EpochStart(epoch, start)));
        return list;
    }

    /** An epoch and the offset after its last record; −1 and −1 if unknown. */
    record EpochEnd(int leaderEpoch, long endOffset) {}
}
