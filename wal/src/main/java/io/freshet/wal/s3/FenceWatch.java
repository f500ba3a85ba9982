// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.runtime.Clock;
import java.util.concurrent.TimeUnit;

/**
 * Knows how long ago it was last proved that no fence had been laid. A slot of ours that the store took proves it for the time
 * its put began; so does an answer of the quorum, for the time it was asked. Fences are kept for
 * {@link S3WalConfig#fenceWatchedMs} at least: a process that slept through that time could find the fence gone, and must ask
 * the quorum before it acknowledges again. Both clocks are consulted, since the monotonic one may stand still while a machine
 * sleeps. Used by the lane only.
 */
final class FenceWatch {
    private final Clock clock;
    private final long limitMs;
    private long provedAtNs;
    private long provedAtWallMs;

    /** @param first when the quorum was asked to open the WAL, which it did */
    FenceWatch(Clock clock, long limitMs, Proof first) {
        this.clock = clock;
        this.limitMs = limitMs;
        this.provedAtNs = first.atNs;
        this.provedAtWallMs = first.atWallMs;
    }

    /** A time at which no fence had been laid. */
    record Proof(long atNs, long atWallMs) {
        static Proof now(Clock clock) {
            return new Proof(clock.nanoTime(), clock.wallMs());
        }
    }

    boolean isProofDue() {
        return TimeUnit.NANOSECONDS.toMillis(clock.nanoTime() - provedAtNs) > limitMs
                || Math.abs(clock.wallMs() - provedAtWallMs) > limitMs;
    }

    /** No fence had been laid at this time. */
    void proved(long atNs, long atWallMs) {
        if (atNs - provedAtNs >= 0) {
            provedAtNs = atNs;
            provedAtWallMs = atWallMs;
        }
    }
}
