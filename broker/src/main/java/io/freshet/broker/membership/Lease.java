// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.membership;

import io.freshet.common.runtime.Clock;

/**
 * For how long this process may act as the owner of what it leads: an instant on its monotonic clock, which goes on while the
 * process is stopped. {@link Membership} is the one writer; any thread may ask, at the cost of a volatile read and a look at
 * the clock.
 */
public final class Lease {
    private final Clock clock;
    private volatile long untilNs;

    /** A lease that is over. */
    public Lease(Clock clock) {
        this.clock = clock;
        this.untilNs = clock.nanoTime();
    }

    /** Whether this process may acknowledge appends and serve reads now. */
    public boolean isHeld() {
        return clock.nanoTime() - untilNs < 0;
    }

    /** The lease lasts until {@code instantNs}, if it does not last longer already. */
    void extendTo(long instantNs) {
        if (instantNs - untilNs > 0) {
            untilNs = instantNs;
        }
    }

    /** The lease is over now. */
    void end() {
        untilNs = clock.nanoTime();
    }
}
