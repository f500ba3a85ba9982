// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.runtime.Clock;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * When each broker was last heard of, on this controller's monotonic clock; nothing of it is in the log. A controller that
 * has just been elected, or that was itself stopped for a while, gives everybody a full session, but for the controller before it:
 * that one's silence is what it was elected for. Metadata thread.
 */
final class BrokerSessions {
    /** Share of a session that the controller before has at least, from the election on, to be heard of. */
    private static final int TURN_DIVISOR = 6;

    private final Clock clock;
    private final long sessionNs;
    private final Map<Integer, Session> sessions = new HashMap<>();
    private Optional<Predecessor> predecessor = Optional.empty();

    BrokerSessions(Clock clock, long sessionTimeoutMs) {
        this.clock = clock;
        this.sessionNs = TimeUnit.MILLISECONDS.toNanos(sessionTimeoutMs);
    }

    /**
     * Another controller was elected: forgets all. Whoever is asked for next has a full session from then on.
     *
     * @param before the controller before, if it was another; its session goes on from when it was last heard of
     */
    void begin(Optional<Predecessor> before) {
        sessions.clear();
        predecessor = before;
    }

    /** The node that led before, and when it was last heard of by the present leader. */
    record Predecessor(int nodeId, long heardAtNs) {}

    /** The broker was heard of now. */
    void renew(int brokerId, long brokerEpoch) {
        sessions.put(brokerId, new Session(brokerEpoch, clock.nanoTime()));
    }

    /** All sessions begin now: nobody could be heard for a while. */
    void renewAll() {
        long nowNs = clock.nanoTime();
        sessions.replaceAll((brokerId, session) -> new Session(session.brokerEpoch, nowNs));
    }

    /** Whether the session of this registration is over; one that was never heard of begins now. */
    boolean isOver(int brokerId, long brokerEpoch) {
        Session session = sessions.get(brokerId);
        if (session == null || session.brokerEpoch != brokerEpoch) {
            sessions.put(brokerId, new Session(brokerEpoch, firstHeardAtNs(brokerId)));
            return false;
        }
        return clock.nanoTime() - session.heardAtNs > sessionNs;
    }

    /** A broker that led the quorum is a node like others afterwards; of its next registrations nothing is known. */
    private long firstHeardAtNs(int brokerId) {
        long nowNs = clock.nanoTime();
        if (predecessor.isEmpty() || predecessor.get().nodeId() != brokerId) {
            return nowNs;
        }
        // It prolonged its own broker's lease only when something that it had appended after the heartbeat was
        // committed (LeadershipProof). Its successor has that in its log, and had it from an answer of this very node.
        long earliestNs = nowNs - sessionNs + sessionNs / TURN_DIVISOR;
        long heardAtNs = predecessor.get().heardAtNs();
        predecessor = Optional.empty();
        return heardAtNs - earliestNs > 0 ? heardAtNs : earliestNs;
    }

    private record Session(long brokerEpoch, long heardAtNs) {}
}
