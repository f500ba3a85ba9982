// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The byte budget of requests that are being read or wait for their answer. Bytes that a handler keeps beyond the answer
 * are the handler's to bound. A request larger than the whole budget is let in alone, so nobody waits for ever. Safe
 * for use by many threads; waiting connections are served in order of arrival.
 */
final class RequestMemory {
    private final long limitBytes;
    private final ArrayDeque<Grant> waiting = new ArrayDeque<>();
    private long usedBytes;

    RequestMemory(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    /** Asks for {@code bytes}; if the returned grant is not given yet, {@code whenGranted} runs later on some thread. */
    synchronized Grant acquire(int bytes, Runnable whenGranted) {
        Grant grant = new Grant(bytes, whenGranted);
        if (waiting.isEmpty() && fits(bytes)) {
            usedBytes += bytes;
            grant.state = State.GIVEN;
        } else {
            waiting.add(grant);
        }
        return grant;
    }

    synchronized long usedBytes() {
        return usedBytes;
    }

    synchronized int waitingCount() {
        return waiting.size();
    }

    private boolean fits(int bytes) {
        return usedBytes == 0 || usedBytes + bytes <= limitBytes;
    }

    private void release(Grant grant) {
        List<Grant> served;
        synchronized (this) {
            if (grant.state == State.RETURNED) {
                return;
            }
            if (grant.state == State.GIVEN) {
                usedBytes -= grant.bytes;
            } else {
                waiting.remove(grant);
            }
            grant.state = State.RETURNED;
            served = serveWaiting();
        }
        served.forEach(g -> g.whenGranted.run());
    }

    private List<Grant> serveWaiting() {
        if (waiting.isEmpty()) {
            return List.of();
        }
        List<Grant> served = new ArrayList<>();
        for (Grant next = waiting.peek(); next != null && fits(next.bytes); next = waiting.peek()) {
            waiting.poll();
            usedBytes += next.bytes;
            next.state = State.GIVEN;
            served.add(next);
        }
        return served;
    }

    private enum State {
        WAITING,
        GIVEN,
        RETURNED
    }

    /** Bytes asked for by one frame. */
    final class Grant {
        private final int bytes;
        private final Runnable whenGranted;
        private volatile State state = State.WAITING;

        private Grant(int bytes, Runnable whenGranted) {
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
