// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.freshet.common.runtime.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Takes memory back from frames that do not arrive while other requests wait for memory. A frame is stalled when, over a
 * second or more, it received less than a thirtieth of its size per second: its client, with Kafka's default request
 * time-out of 30 s, would have given it up before it is complete. The slowest go first, and only as many as the waiting
 * requests need; while nobody waits, a frame may take as long as it likes. Run every {@link #CHECK_MS} by one thread.
 */
final class StalledFrames implements Runnable {
    static final long CHECK_MS = 250;
    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long PERIOD_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final double WHOLE_FRAME_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final RequestMemory memory;
    private final Clock clock;
    private Map<RequestMemory.Grant, Mark> marks = new IdentityHashMap<>();

    StalledFrames(RequestMemory memory, Clock clock) {
        this.memory = memory;
        this.clock = clock;
    }

    @Override
    public void run() {
        long wantedByLarge = memory.wantedBytes(RequestSize.LARGE, PATIENCE_NANOS);
        long wantedByOthers = memory.wantedBytes(RequestSize.SMALL, PATIENCE_NANOS)
                + memory.wantedBytes(RequestSize.WHOLE, PATIENCE_NANOS);
        if (wantedByLarge == 0 && wantedByOthers == 0) {
            marks.clear();
            return;
        }
        for (Stall stall : slowestFirst()) {
            boolean isLarge = stall.grant.size() == RequestSize.LARGE;
            if (wantedByOthers > 0 || (isLarge && wantedByLarge > 0)) {
                stall.grant.evict(stall.enoughBytes);
                wantedByOthers -= stall.grant.bytes();
                wantedByLarge -= isLarge ? stall.grant.bytes() : 0;
            }
        }
    }

    private List<Stall> slowestFirst() {
        long now = clock.nanoTime();
        Map<RequestMemory.Grant, Mark> kept = new IdentityHashMap<>();
        List<Stall> stalls = new ArrayList<>();
        for (RequestMemory.Grant grant : memory.incomplete()) {
            int received = grant.receivedBytes();
            if (received == 0) {
                continue; // its event loop has not come to it yet
            }
            Mark mark = marks.getOrDefault(grant, new Mark(grant.sinceNanos(), RequestSize.WHOLE_BYTES));
            long elapsedNanos = now - mark.nanos;
            if (elapsedNanos >= PERIOD_NANOS) {
                double enough = mark.receivedBytes + grant.bytes() * (elapsedNanos / WHOLE_FRAME_NANOS);
                if (received < enough) {
                    int enoughBytes = (int) Math.min(grant.bytes(), Math.ceil(enough));
                    stalls.add(new Stall(grant, enoughBytes, (received - mark.receivedBytes) / (double) grant.bytes()));
                } else {
                    mark = new Mark(now, received);
                }
            }
            kept.put(grant, mark);
        }
        marks = kept;
        stalls.sort(Comparator.comparingDouble(Stall::progress));
        return stalls;
    }

    /** What a frame had received at a time. */
    private record Mark(long nanos, int receivedBytes) {}

    /** A frame that should have had {@code enoughBytes}, and the share of it that came since its mark. */
    private record Stall(RequestMemory.Grant grant, int enoughBytes, double progress) {}
}
