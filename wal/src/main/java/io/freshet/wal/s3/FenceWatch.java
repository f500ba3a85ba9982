// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.runtime.Clock;
import java.util.concurrent.TimeUnit;

/**
 * Knows how long ago it was last proved that no fence had been laid. A slot of ours that the store took proves it for the time
 * its put began; so does an answer of the quorum. Fences are kept for {@link S3WalConfig#fenceRetentionMs}: a process that slept
 * through that time could find the fence gone, and must ask the quorum before it acknowledges again. Both clocks are consulted,
 * since the monotonic one may stand still while a machine sleeps. Used by the lane only.
 */
final class FenceWatch {
    private final Clock clock;
    private final long limitMs;
    private long provedAtNs;
    private long provedAtWallMs;

    FenceWatch(Clock clock, long fenceRetentionMs) {
        this.clock = clock;
        this.limitMs = fenceRetentionMs / 2;
        proved(clock.nanoTime(), clock.wallMs());
    }

    boolean isProofDue() {
        return TimeUnit.NANOSECONDS.toMillis(clock.nanoTime() - provedAtNs) > limitMs
                || Math.abs(clock.wallMs() - provedAtWallMs) > limitMs;
    }

    /** No fence had been laid at this time. */
    void proved(long atNs, long atWallMs) {
        provedAtNs = Math.max(provedAtNs, atNs);
        provedAtWallMs = atWallMs;
    }
}
