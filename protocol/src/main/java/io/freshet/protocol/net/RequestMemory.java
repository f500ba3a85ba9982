// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The byte budget of requests that are being read or wait for their answer. Bytes that a handler keeps beyond the answer
 * are the handler's to bound. Large requests together get half of it, so that clients that announce huge requests, and
 * perhaps never send them, cannot keep everybody else out; half is always left to small ones. A large request that is
 * more than its half is let in alone, so nobody waits for ever. Safe for use by many threads; waiting connections of
 * either size are served in order of arrival.
 */
final class RequestMemory {
    /** Requests above this size are large. */
    static final int LARGE_BYTES = 2 << 20;

    private final long limitBytes;
    private final Lane small = new Lane();
    private final Lane large = new Lane();

    RequestMemory(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    /** Asks for {@code bytes}; if the returned grant is not given yet, {@code whenGranted} runs later on some thread. */
    synchronized Grant acquire(int bytes, Runnable whenGranted) {
        Lane lane = bytes > LARGE_BYTES ? large : small;
        Grant grant = new Grant(lane, bytes, whenGranted);
        if (lane.waiting.isEmpty() && fits(grant)) {
            give(grant);
        } else {
            lane.waiting.add(grant);
        }
        return grant;
    }

    synchronized long usedBytes() {
        return small.usedBytes + large.usedBytes;
    }

    synchronized int waitingCount() {
        return small.waiting.size() + large.waiting.size();
    }

    private boolean fits(Grant grant) {
        Lane lane = grant.lane;
        boolean isWithinHalf = lane.usedBytes == 0 || lane.usedBytes + grant.bytes <= limitBytes / 2;
        return isWithinHalf || (lane.equals(small) && usedBytes() + grant.bytes <= limitBytes);
    }

    private static void give(Grant grant) {
        grant.lane.usedBytes += grant.bytes;
        grant.state = State.GIVEN;
    }

    private void release(Grant grant) {
        List<Grant> served;
        synchronized (this) {
            if (grant.state == State.RETURNED) {
                return;
            }
            if (grant.state == State.GIVEN) {
                grant.lane.usedBytes -= grant.bytes;
            } else {
                grant.lane.waiting.remove(grant);
            }
            grant.state = State.RETURNED;
            served = new ArrayList<>();
            serveWaiting(small, served);
            serveWaiting(large, served);
        }
        served.forEach(g -> g.whenGranted.run());
    }

    private void serveWaiting(Lane lane, List<Grant> served) {
        for (Grant next = lane.waiting.peek(); next != null && fits(next); next = lane.waiting.peek()) {
            lane.waiting.poll();
            give(next);
            served.add(next);
        }
    }

    /** What requests of one size use and wait for. */
    private static final class Lane {
        private final ArrayDeque<Grant> waiting = new ArrayDeque<>();
        private long usedBytes;
    }

    private enum State {
        WAITING,
        GIVEN,
        RETURNED
    }

    /** Bytes asked for by one frame. */
    final class Grant {
        private final Lane lane;
        private final int bytes;
        private final Runnable whenGranted;
        private volatile State state = State.WAITING;

        private Grant(Lane lane, int bytes, Runnable whenGranted) {
            this.lane = lane;
            this.bytes = bytes;
            this.whenGranted = whenGranted;
        }

        boolean isGiven() {
            return state == State.GIVEN;
        }

        /** Gives the bytes back or stops waiting for them; repeated calls do nothing. */
        void giveBack() {
            RequestMemory.this.release(this);
        }
    }
}
