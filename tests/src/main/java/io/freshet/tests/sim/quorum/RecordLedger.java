// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.MemberState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What brokers were promised by leases, and clients by acknowledgements. */
final class RecordLedger {
    /** Leases end before, by a sixth of the session; clocks drift by two hundredths at most. */
    private static final long LONGEST_LEASE_NANOS = QuorumWorld.SESSION_MS * 1_000_000 * 5 / 6 * 103 / 100;

    /** Half as long again as Raft's fetch timeout: a controller that has lost its quorum may not know for so long, plus some. */
    private static final long UNAWARE_NANOS = 3_300_000_000L;

    private final QuorumWorld world;
    private final QuorumLedger ledger;
    private final Map<Registration, Long> leases = new HashMap<>();
    private final Map<Long, TreeMap<Long, Long>> acknowledged = new HashMap<>();
    private final Map<Long, Map<Long, TreeMap<Long, Long>>> objects = new HashMap<>();
    private final Map<Owned, String> owners = new HashMap<>();
    private final Map<Long, Integer> newest = new HashMap<>();
    private long count;

    RecordLedger(QuorumWorld world, QuorumLedger ledger) {
        this.world = world;
        this.ledger = ledger;
    }

    private record Registration(int brokerId, long brokerEpoch) {}

    private record Owned(long streamId, int leaderEpoch) {}

    long count() {
        return count;
    }

    /** A heartbeat that was sent at {@code sentNanos}, true time, was answered: the broker may act for a while. */
    void leased(int brokerId, long brokerEpoch, long sentNanos) {
        world.runs().forEach(NodeRun::noteLeading);
        leases.merge(new Registration(brokerId, brokerEpoch), sentNanos, Math::max);
    }

    /** The quorum has written down that a session is over. */
    void lapsed(MemberState member, int controllerId, long electedNanos) {
        Long sentNanos = leases.get(new Registration(member.brokerId(), member.brokerEpoch()));
        if (sentNanos == null) {
            return;
        }
        boolean isOver = sentNanos + LONGEST_LEASE_NANOS <= world.time.nowNanos();
        boolean mayBeUnaware = sentNanos <= electedNanos + UNAWARE_NANOS;
        if (!isOver && mayBeUnaware && ledger.hasAnotherLedSince(controllerId, sentNanos)) {
            world.counts.add("lease outlives its controller");
        } else {
            ledger.check(
                    isOver,
                    () -> member + " is taken for dead by node " + controllerId + " while its lease lasts, which began "
                            + (world.time.nowNanos() - sentNanos) / 1_000_000 + " ms ago");
        }
    }

    /** A process takes appends of a partition from now on. */
    void opened(ThinPartition partition, TreeMap<Long, Long> recovered, long committedEnd, long end) {
        String owner = partition.owner();
        String before = owners.putIfAbsent(new Owned(partition.streamId(), partition.leaderEpoch()), owner);
        ledger.check(
                before == null || before.equals(owner),
                () -> partition + " is opened by " + owner + " under the leader epoch under which " + before
                        + " had it");
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
        Long sentNanos = leases.get(new Registration(partition.brokerId(), partition.brokerEpoch()));
        ledger.check(
                sentNanos != null && world.time.nowNanos() <= sentNanos + LONGEST_LEASE_NANOS,
                () -> partition.owner() + " acknowledges an append to " + partition + " when its lease is over: "
                        + (sentNanos == null
                                ? "it never had one"
                                : "it began " + (world.time.nowNanos() - sentNanos) / 1_000_000 + " ms ago"));
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
