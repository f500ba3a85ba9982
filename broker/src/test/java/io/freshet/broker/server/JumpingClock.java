// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.runtime.Clock;
import java.util.concurrent.atomic.AtomicLong;

/** The system's clock, some time later. */
final class JumpingClock implements Clock {
    private final AtomicLong aheadMs = new AtomicLong();

    void jump(long ms) {
        aheadMs.addAndGet(ms);
    }

    @Override
    public long wallMs() {
        return Clock.system().wallMs() + aheadMs.get();
    }

    @Override
    public long nanoTime() {
        return Clock.system().nanoTime() + aheadMs.get() * 1_000_000;
    }
}
