// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.runtime.Clock;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.metadata.BrokerRegistration;

/**
 * When each broker was last heard of, on this controller's monotonic clock; nothing of it is in the log. A controller that was just elected
 * cannot know when brokers last spoke to those before it. It counts all sessions from when it last heard a leader itself, and leaves everybody
 * a turn to find it; what leases that leader gave is over by then ({@link LeadershipProof}). One that was itself stopped for a while lets all
 * sessions begin anew. Metadata thread.
 */
final class BrokerSessions {
    /** Share of a session that everybody has at least, from the election on, to be heard of. */
    private static final int TURN_DIVISOR = 4;

    private final Clock clock;
    private final long sessionNs;
    private final Map<Integer, Session> sessions = new HashMap<>();

    BrokerSessions(Clock clock, long sessionTimeoutMs) {
        this.clock = clock;
        this.sessionNs = TimeUnit.MILLISECONDS.toNanos(sessionTimeoutMs);
    }

    /**
     * This controller was elected: forgets what it knew.
     *
     * @param present those who were registered with controllers before
     * @param leaderHeardAtNs when this node last heard a leader, or led; empty if it never did: all sessions begin now
     */
    void begin(Collection<BrokerRegistration> present, OptionalLong leaderHeardAtNs) {
        sessions.clear();
        long nowNs = clock.nanoTime();
        long turnNs = sessionNs / TURN_DIVISOR;
        long silentNs = Math.min(nowNs - leaderHeardAtNs.orElse(nowNs), sessionNs - turnNs);
        present.forEach(broker -> sessions.put(broker.id(), new Session(broker.epoch(), nowNs - silentNs)));
    }

    /** Nobody's session is this node's business any more. */
    void forget() {
        sessions.clear();
    }

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
            renew(brokerId, brokerEpoch);
            return false;
        }
        return clock.nanoTime() - session.heardAtNs > sessionNs;
    }

    private record Session(long brokerEpoch, long heardAtNs) {}
}
