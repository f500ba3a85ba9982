// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.runtime;

/** Time. {@link #nanoTime()} for durations and leases (never jumps), {@link #wallMs()} only for record timestamps and logs. */
public interface Clock {
    /** Milliseconds since the Unix epoch; may jump either way. */
    long wallMs();

    /** Nanoseconds on a monotonic clock with an arbitrary origin. */
    long nanoTime();

    /** The operating system's clocks. */
    static Clock system() {
        return SystemClock.INSTANCE;
    }
}
