// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import io.freshet.common.runtime.Clock;
import java.util.function.Supplier;
import org.apache.kafka.common.utils.Time;

/** Our clock as Kafka's libraries want it; waiting is left to theirs. */
public final class ClockTime implements Time {
    private final Clock clock;

    public ClockTime(Clock clock) {
        this.clock = clock;
    }

    @Override
    public long milliseconds() {
        return clock.wallMs();
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
