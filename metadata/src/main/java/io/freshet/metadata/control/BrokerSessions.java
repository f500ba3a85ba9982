// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.runtime.Clock;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * When each broker was last heard of, on this controller's monotonic clock; nothing of it is in the log. A controller that
 * has just been elected, or that was itself stopped for a while, gives everybody a full session. Metadata thread.
 */
final class BrokerSessions {
    private final Clock clock;
    private final long sessionNs;
    private final Map<Integer, Session> sessions = new HashMap<>();

    BrokerSessions(Clock clock, long sessionTimeoutMs) {
        this.clock = clock;
        this.sessionNs = TimeUnit.MILLISECONDS.toNanos(sessionTimeoutMs);
    }

    /** Forgets all: whoever is asked for next has a full session from then on. */
    void clear() {
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
