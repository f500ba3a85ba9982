// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.freshet.common.runtime.Clock;
import java.util.concurrent.TimeUnit;

/** Time that a test moves. */
final class ManualClock implements Clock {
    private long nowNanos = Long.MAX_VALUE - 5;

    void advanceMs(long ms) {
        nowNanos += TimeUnit.MILLISECONDS.toNanos(ms);
    }

    @Override
    public long wallMs() {
        return 0;
    }

    @Override
    public long nanoTime() {
        return nowNanos;
    }
}
