// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import io.freshet.common.runtime.Clock;
import java.util.function.Supplier;
import org.apache.kafka.common.utils.Time;

/**
 * Our clock as Kafka's libraries want it; waiting is left to theirs. They count timeouts in {@link #milliseconds()}, so that goes
 * on evenly from when this was made: if it followed a wall clock that is set back by an hour, elections, the end of a leader
 * without followers and repeats of requests would have to wait for an hour.
 */
public final class ClockTime implements Time {
    private final Clock clock;
    private final long originMs;

    public ClockTime(Clock clock) {
        this.clock = clock;
        this.originMs = clock.wallMs() - clock.nanoTime() / 1_000_000;
    }

    @Override
    public long milliseconds() {
        return originMs + clock.nanoTime() / 1_000_000;
    }

    @Override
    public long nanoseconds() {
        return clock.nanoTime();
    }

    @Override
    public long hiResClockMs() {
        return clock.nanoTime() / 1_000_000;
    }

    @Override
    public void sleep(long ms) {
        Time.SYSTEM.sleep(ms);
    }

    @Override
    public void waitObject(Object lock, Supplier<Boolean> condition, long deadlineMs) throws InterruptedException {
        Time.SYSTEM.waitObject(lock, condition, deadlineMs);
    }
}
