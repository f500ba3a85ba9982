// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.common.runtime.Clock;
import org.apache.kafka.common.utils.Time;

/** The runtime's clock as Kafka's libraries want it. Waiting is refused: nothing that uses it may block. */
public record KafkaTime(Clock clock) implements Time {
    @Override
    public long milliseconds() {
        return clock.wallMs();
    }

    @Override
    public long nanoseconds() {
        return clock.nanoTime();
    }

    @Override
    public void sleep(long ms) {
        throw new UnsupportedOperationException("No code on this path may sleep");
    }
}
