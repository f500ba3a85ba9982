// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import java.util.concurrent.TimeUnit;

/**
 * Decides how long a batch waits for company. Puts are paid from a bucket of tokens that fills with {@code putsPerSecond} up to
 * {@code putBurst}: while there are tokens, an idle lane writes at once, and a busy one waits only as long as the latency target
 * leaves time beside the put itself; when they are used up, batches wait for the next token, but never beyond the greatest age.
 * Full batches do not wait. Pure: time is an argument. Used by the lane only.
 */
final class BatchPacer {
    private final S3WalConfig.Batching batching;
    private double tokens;
    private long filledAtNs;

    BatchPacer(S3WalConfig.Batching batching, long nowNs) {
        this.batching = batching;
        this.tokens = batching.putBurst();
        this.filledAtNs = nowNs;
    }

    /**
     * Nanoseconds until a batch that was begun at {@code openedNs} should be written; 0: now.
     *
     * @param isFull whether it has its bytes
     * @param isFlightEmpty whether no slot is on its way
     * @param putNs how long a put usually takes
     */
    long delayNs(long nowNs, long openedNs, boolean isFull, boolean isFlightEmpty, long putNs) {
        fill(nowNs);
        if (isFull) {
            return 0;
        }
        long untilTokenNs = tokens >= 1 ? 0 : (long) Math.ceil((1 - tokens) * 1e9 / batching.putsPerSecond());
        long ageNs = nowNs - openedNs;
        long untilAgeNs = isFlightEmpty ? 0 : companyNs(putNs) - ageNs;
        long untilMaxAgeNs = TimeUnit.MILLISECONDS.toNanos(batching.maxAgeMs()) - ageNs;
        return Math.max(0, Math.min(untilMaxAgeNs, Math.max(untilTokenNs, untilAgeNs)));
    }

    /** A batch was closed: pays for its put. What bytes or the greatest age forced beyond the budget is not owed. */
    void closed(long nowNs) {
        fill(nowNs);
        tokens = Math.max(0, tokens - 1);
    }

    double tokens() {
        return tokens;
    }

    private long companyNs(long putNs) {
        long wanted = TimeUnit.MILLISECONDS.toNanos(batching.latencyTargetMs()) - putNs;
        long least = TimeUnit.MILLISECONDS.toNanos(batching.minAgeMs());
        long most = TimeUnit.MILLISECONDS.toNanos(batching.maxAgeMs());
        return Math.max(least, Math.min(most, wanted));
    }

    private void fill(long nowNs) {
        double earned = (nowNs - filledAtNs) * 1e-9 * batching.putsPerSecond();
        tokens = Math.min(batching.putBurst(), tokens + earned);
        filledAtNs = nowNs;
    }
}
