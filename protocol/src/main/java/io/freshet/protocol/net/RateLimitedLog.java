// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.freshet.common.runtime.Clock;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;

/** At most one line a second, with the number of lines left out. Safe for use by many threads. */
final class RateLimitedLog {
    private static final long PERIOD_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Logger log;
    private final Clock clock;
    private boolean used;
    private long lastNanos;
    private long leftOut;

    RateLimitedLog(Logger log, Clock clock) {
        this.log = log;
        this.clock = clock;
    }

    void warn(String message) {
        long missed;
        synchronized (this) {
            long now = clock.nanoTime();
            if (used && now - lastNanos < PERIOD_NANOS) {
                leftOut++;
                return;
            }
            used = true;
            lastNanos = now;
            missed = leftOut;
            leftOut = 0;
        }
        log.warn("{}{}", message, missed == 0 ? "" : " (" + missed + " similar lines left out)");
    }
}
