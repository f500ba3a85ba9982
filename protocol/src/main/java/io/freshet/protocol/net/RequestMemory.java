// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.freshet.common.runtime.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The byte budget of requests that are being read or wait for their answer. Bytes that a handler keeps beyond the answer
 * are the handler's to bound. Large requests together get half of it and whole ones an eighth that nobody else gets, so
 * that clients that announce requests and never send them cannot keep everybody else out; what {@link StalledFrames}
 * takes back from them serves the others. A request that is more than the share of its size is let in alone, so nobody
 * waits for ever. Safe for use by many threads; waiting connections are served in order of arrival within each size.
 */
final class RequestMemory {
    private final long limitBytes;
    private final Clock clock;
    private final Lane whole = new Lane();
    private final Lane small = new Lane();
    private final Lane large = new Lane();
    private final List<Lane> lanes = List.of(whole, small, large);

    RequestMemory(long limitBytes, Clock clock) {
        this.limitBytes = limitBytes;
        this.clock = clock;
    }

    /** The connection that asks for memory. Called without a lock, on any thread. */
    interface Holder {
        /** The memory that {@code acquire} did not give at once is given. */
        void granted();

        /** Others need the memory of {@code grant}, unless its frame has {@code enoughBytes} by now. */
        void evict(Grant grant, int enoughBytes);
    }

    /** Asks for {@code bytes}; if the returned grant is not given yet, {@code holder} is told later on some thread. */
    synchronized Grant acquire(int bytes, Holder holder) {
        Grant grant = new Grant(bytes, holder, clock.nanoTime());
        Lane lane = lane(grant.size);
        if (lane.waiting.isEmpty() && fits(grant)) {
            give(lane, grant);
        } else {
            lane.waiting.add(grant);
        }
        return grant;
    }

    synchronized long usedBytes() {
        return whole.usedBytes + small.usedBytes + large.usedBytes;
    }

    synchronized int waitingCount() {
        return whole.waiting.size() + small.waiting.size() + large.waiting.size();
    }

    /** The bytes that requests of {@code size} wait for, or 0 if the first of them has waited less than {@code patienceNanos}. */
    synchronized long wantedBytes(RequestSize size, long patienceNanos) {
        Lane lane = lane(size);
        Grant first = lane.waiting.peek();
        if (first == null || clock.nanoTime() - first.sinceNanos < patienceNanos) {
            return 0;
        }
        return lane.waiting.stream().mapToLong(Grant::bytes).sum();
    }

    /** The grants of frames that have not arrived completely. */
    synchronized List<Grant> incomplete() {
        List<Grant> result = new ArrayList<>();
        for (Lane lane : lanes) {
            lane.unfinished.removeIf(Grant::isComplete);
            result.addAll(lane.unfinished);
        }
        return result;
    }

    private Lane lane(RequestSize size) {
        return switch (size) {
            case WHOLE -> whole;
            case SMALL -> small;
            case LARGE -> large;
        };
    }

    private boolean fits(Grant grant) {
        long ofItsSize = lane(grant.size).usedBytes + grant.bytes;
        if (ofItsSize == grant.bytes) {
            return true;
        }
        long all = usedBytes() + grant.bytes;
        long keptForWhole = limitBytes / 8;
        return switch (grant.size) {
            case WHOLE -> ofItsSize <= keptForWhole || (ofItsSize <= limitBytes / 2 && all <= limitBytes);
            case SMALL ->
                ofItsSize <= limitBytes / 2 - keptForWhole
                        || all + Math.max(0, keptForWhole - whole.usedBytes) <= limitBytes;
            case LARGE -> ofItsSize <= limitBytes / 2;
        };
    }

    private void give(Lane lane, Grant grant) {
        lane.usedBytes += grant.bytes;
        if (grant.size != RequestSize.WHOLE) {
            lane.unfinished.add(grant);
        }
        grant.sinceNanos = clock.nanoTime();
        grant.state = State.GIVEN;
    }

    private void release(Grant grant) {
        List<Grant> served;
        synchronized (this) {
            if (grant.state == State.RETURNED) {
                return;
            }
            Lane lane = lane(grant.size);
            if (grant.state == State.GIVEN) {
                lane.usedBytes -= grant.bytes;
                lane.unfinished.remove(grant);
            } else {
                lane.waiting.remove(grant);
            }
            grant.state = State.RETURNED;
            served = serveWaiting();
        }
        served.forEach(g -> g.holder.granted());
    }

    private List<Grant> serveWaiting() {
        List<Grant> served = new ArrayList<>();
        for (Lane lane : lanes) {
            for (Grant next = lane.waiting.peek(); next != null && fits(next); next = lane.waiting.peek()) {
                lane.waiting.poll();
                give(lane, next);
                served.add(next);
            }
        }
        return served;
    }

    /** What requests of one size use and wait for. */
    private static final class Lane {
        private final ArrayDeque<Grant> waiting = new ArrayDeque<>();
        /** Given, and incomplete when last looked at or not looked at yet; whole requests never are. */
        private final Set<Grant> unfinished = new HashSet<>();

        private long usedBytes;
    }

    private enum State {
        WAITING,
        GIVEN,
        RETURNED
    }

    /** Bytes asked for by one frame. {@link #received} belongs to the connection's event loop, the rest is for any thread. */
    final class Grant {
        private final RequestSize size;
        private final int bytes;
        private final Holder holder;
        private volatile State state = State.WAITING;
        private volatile long sinceNanos;
        private volatile int receivedBytes;

        private Grant(int bytes, Holder holder, long nowNanos) {
            this.size = RequestSize.of(bytes);
            this.bytes = bytes;
            this.holder = holder;
            this.sinceNanos = nowNanos;
        }

        RequestSize size() {
            return size;
        }

        int bytes() {
            return bytes;
        }

        boolean isGiven() {
            return state == State.GIVEN;
        }

        /** When the frame's first bytes were put into its memory; before, when the bytes were given or else asked for. */
        long sinceNanos() {
            return sinceNanos;
        }

        /** Notes how much of the frame has arrived. */
        void received(int totalBytes) {
            if (receivedBytes == 0) {
                sinceNanos = clock.nanoTime();
            }
            receivedBytes = totalBytes;
        }

        /** 0 until the connection has begun to use its memory. */
        int receivedBytes() {
            return receivedBytes;
        }

        boolean isComplete() {
            return receivedBytes == bytes;
        }

        /** Tells the connection to give up its incomplete frame. */
        void evict(int enoughBytes) {
            holder.evict(this, enoughBytes);
        }

        /** Gives the bytes back or stops waiting for them; repeated calls do nothing. */
        void giveBack() {
            RequestMemory.this.release(this);
        }
    }
}
