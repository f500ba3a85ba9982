// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.retry;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;

/**
 * How often and how soon a failed request is repeated: exponential back-off with full jitter (a delay drawn evenly from
 * zero to the doubled bound, see "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param maxAttempts tries in all, 1 or more
 * @param firstDelayMs upper bound of the first delay
 * @param maxDelayMs upper bound of every delay
 */
public record RetryPolicy(int maxAttempts, long firstDelayMs, long maxDelayMs) {
    /** Six tries within about 12 s of waiting at most. */
    public static final RetryPolicy STANDARD = new RetryPolicy(6, 200, 5_000);

    /** One try. */
    public static final RetryPolicy NONE = new RetryPolicy(1, 0, 0);

    public RetryPolicy {
        if (maxAttempts < 1 || firstDelayMs < 0 || maxDelayMs < firstDelayMs) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Retry policy of " + maxAttempts + " attempts, " + firstDelayMs + " to " + maxDelayMs
                            + " ms makes no sense; give at least 1 attempt and ascending delays");
        }
    }

    /** Milliseconds to wait after {@code failedAttempts} (1 or more) tries failed. */
    long delayMs(int failedAttempts, Randomness randomness) {
        int doublings = Math.min(failedAttempts - 1, 30);
        long bound = Math.min(maxDelayMs, firstDelayMs << doublings);
        return randomness.nextLong(bound + 1);
    }
}
