// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.common.stream.StreamSegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What clients were promised by acknowledgements of thin records. */
final class RecordLedger {
    private final QuorumLedger ledger;
    private final Map<Long, TreeMap<Long, Long>> acknowledged = new HashMap<>();
    private final Map<Long, Map<Long, TreeMap<Long, Long>>> objects = new HashMap<>();
    private final Map<Long, Integer> newest = new HashMap<>();
    private long count;

    RecordLedger(QuorumLedger ledger) {
        this.ledger = ledger;
    }

    long count() {
        return count;
    }

    /** A process takes appends of a partition from now on. */
    void opened(ThinPartition partition, TreeMap<Long, Long> recovered, long committedEnd, long end) {
        String owner = partition.owner();
        ledger.opened(partition.streamId(), partition.leaderEpoch(), owner);
        int newestEpoch = newest.merge(partition.streamId(), partition.leaderEpoch(), Math::max);
        if (newestEpoch > partition.leaderEpoch()) {
            return; // a process that is behind: what it takes now, others have sealed off
        }
        long next = committedEnd;
        for (long offset : recovered.keySet()) {
            if (offset != next) {
                ledger.violated(partition + " has a hole at " + next + " in what was recovered: " + recovered.keySet());
                return;
            }
            next++;
        }
        TreeMap<Long, Long> promised = acknowledged.getOrDefault(partition.streamId(), new TreeMap<>());
        ledger.check(
                promised.isEmpty() || promised.lastKey() < end,
                () -> partition + " ends at " + end + " for " + owner + ", but " + promised.lastKey()
                        + " was acknowledged");
        promised.tailMap(committedEnd)
                .forEach((offset, value) -> ledger.check(
                        value.equals(recovered.get(offset)),
                        () -> partition + " at " + offset + " has " + recovered.get(offset) + ", acknowledged was "
                                + value));
    }

    /** A client was told that its record is durable at {@code offset}. */
    void acknowledged(ThinPartition partition, long offset, long value) {
        count++;
        ledger.leases().acknowledges(partition.brokerId(), partition.brokerEpoch(), partition);
        Long before = acknowledged
                .computeIfAbsent(partition.streamId(), id -> new TreeMap<>())
                .put(offset, value);
        ledger.check(before == null, () -> partition + " acknowledges offset " + offset + " twice");
    }

    /** An object was written, and will be committed perhaps. */
    void wrote(long objectId, long streamId, TreeMap<Long, Long> values) {
        TreeMap<Long, Long> before =
                objects.computeIfAbsent(objectId, id -> new HashMap<>()).put(streamId, values);
        ledger.check(before == null, () -> "Object id " + objectId + " was given out twice");
    }

    /** Whether the segments hold all that was acknowledged, in order; nothing twice. */
    void audit(long streamId, List<StreamSegment> segments) {
        TreeMap<Long, Long> found = new TreeMap<>();
        long next = 0;
        for (StreamSegment segment : segments) {
            long start = segment.startOffset();
            long expected = next;
            ledger.check(start == expected, () -> "Stream " + streamId + " has " + segment + " at offset " + expected);
            found.putAll(objects.getOrDefault(segment.objectId(), Map.of())
                    .getOrDefault(streamId, new TreeMap<>())
                    .subMap(start, segment.endOffset()));
            next = segment.endOffset();
        }
        acknowledged
                .getOrDefault(streamId, new TreeMap<>())
                .forEach((offset, value) -> ledger.check(
                        value.equals(found.get(offset)),
                        () -> "Stream " + streamId + " at " + offset + " has " + found.get(offset)
                                + ", acknowledged was " + value));
    }

    List<Long> streams() {
        return new ArrayList<>(acknowledged.keySet()).stream().sorted().toList();
    }
}
