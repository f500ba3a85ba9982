// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.MemberState;
import java.util.HashMap;
import java.util.Map;

/** What brokers were promised by leases, and whether they keep within them. */
public final class LeaseLedger {
    /** Leases end before, by a sixth of the session; clocks drift by two hundredths at most. */
    private static final long LONGEST_LEASE_NANOS = QuorumWorld.SESSION_MS * 1_000_000 * 5 / 6 * 103 / 100;

    private final QuorumWorld world;
    private final QuorumLedger ledger;
    private final Map<Registration, Long> leases = new HashMap<>();

    LeaseLedger(QuorumWorld world, QuorumLedger ledger) {
        this.world = world;
        this.ledger = ledger;
    }

    private record Registration(int brokerId, long brokerEpoch) {}

    /** A heartbeat that was sent at {@code sentNanos}, true time, was answered: the broker may act for a while. */
    void leased(int brokerId, long brokerEpoch, long sentNanos) {
        leases.merge(new Registration(brokerId, brokerEpoch), sentNanos, Math::max);
    }

    /** The quorum has written down, by the controller of {@code controllerId}, that a session is over. */
    void lapsed(MemberState member, int controllerId) {
        Long sentNanos = leases.get(new Registration(member.brokerId(), member.brokerEpoch()));
        if (sentNanos == null) {
            return;
        }
        long heldNanos = world.time.nowNanos() - sentNanos;
        ledger.check(
                heldNanos >= LONGEST_LEASE_NANOS,
                () -> member + " is taken for dead by node " + controllerId + " while its lease lasts, which began "
                        + heldNanos / 1_000_000 + " ms ago");
    }

    /** A broker acknowledges an append to {@code partition}. */
    public void acknowledges(int brokerId, long brokerEpoch, Object partition) {
        if (world.sabotage.leavesLeasesUnaudited()) {
            return;
        }
        Long sentNanos = leases.get(new Registration(brokerId, brokerEpoch));
        ledger.check(
                sentNanos != null && world.time.nowNanos() <= sentNanos + LONGEST_LEASE_NANOS,
                () -> "broker " + brokerId + " of epoch " + brokerEpoch + " acknowledges an append to " + partition
                        + " when its lease is over: "
                        + (sentNanos == null
                                ? "it never had one"
                                : "it began " + (world.time.nowNanos() - sentNanos) / 1_000_000 + " ms ago"));
    }
}
