// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.server.common.OffsetAndEpoch;

/** Where each leader epoch begins in a log, by the rules of Kafka's leader epoch cache. */
final class EpochStarts {
    private final TreeMap<Integer, Long> starts = new TreeMap<>();

    /** The epoch begins at {@code offset}, unless it has begun. */
    void assign(int epoch, long offset) {
        if (!starts.isEmpty() && epoch < starts.lastKey()) {
            throw new IllegalStateException("Epoch " + epoch + " after " + starts.lastKey());
        }
        if (starts.isEmpty() || epoch > starts.lastKey()) {
            starts.values().removeIf(start -> start >= offset);
            starts.put(epoch, offset);
        }
    }

    Optional<Integer> latest() {
        return starts.isEmpty() ? Optional.empty() : Optional.of(starts.lastKey());
    }

    /** The end of the newest epoch that is not after {@code epoch}; empty if nothing is known of it. */
    Optional<OffsetAndEpoch> endOf(int epoch, long logEnd) {
        if (starts.isEmpty() || epoch > starts.lastKey()) {
            return Optional.empty();
        }
        if (epoch == starts.lastKey()) {
            return Optional.of(new OffsetAndEpoch(logEnd, epoch));
        }
        Map.Entry<Integer, Long> floor = starts.floorEntry(epoch);
        long end = starts.higherEntry(epoch).getValue();
        return Optional.of(new OffsetAndEpoch(end, floor == null ? epoch : floor.getKey()));
    }

    void truncateFromEnd(long end) {
        starts.values().removeIf(start -> start >= end);
    }

    /** The epoch to which {@code start} belongs begins there from now on. */
    void truncateFromStart(long start) {
        Integer holder = null;
        for (Map.Entry<Integer, Long> entry : starts.entrySet()) {
            if (entry.getValue() <= start) {
                holder = entry.getKey();
            }
        }
        if (holder != null) {
            starts.headMap(holder).clear();
            starts.put(holder, start);
        }
    }

    void clear() {
        starts.clear();
    }
}
