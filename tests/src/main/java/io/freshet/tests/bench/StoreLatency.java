// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.util.Random;

/**
 * How long a store's requests take at least, drawn from a fixed distribution that resembles S3 in one region: a base, a time per
 * MiB, an exponential part, and now and then a slow one. Safe for use by many threads.
 *
 * <table>
 * <tr><th>request</th><th>base ms</th><th>ms per MiB</th><th>exponential, mean ms</th><th>1 of 100 more, ms</th></tr>
 * <tr><td>PUT, part, completion</td><td>25</td><td>6</td><td>15</td><td>300</td></tr>
 * <tr><td>GET, HEAD</td><td>15</td><td>4</td><td>10</td><td>200</td></tr>
 * <tr><td>LIST, DELETE, begin</td><td>25</td><td>0</td><td>15</td><td>300</td></tr>
 * </table>
 */
final class StoreLatency {
    private static final double SLOW_SHARE = 0.01;
    private static final double MIB = 1 << 20;

    private final boolean isNone;
    private final Random random;

    private StoreLatency(boolean isNone, long seed) {
        this.isNone = isNone;
        this.random = new Random(seed);
    }

    /** Nothing is added. */
    static StoreLatency none() {
        return new StoreLatency(true, 0);
    }

    /** The distribution above; {@code seed} fixes the sequence of draws. */
    static StoreLatency likeS3(long seed) {
        return new StoreLatency(false, seed);
    }

    /** Milliseconds that a request with {@code bytes} of body or answer takes. */
    double drawMs(StoreRequest.Kind kind, long bytes) {
        if (isNone) {
            return 0;
        }
        double exponential = -Math.log(1 - random.nextDouble());
        boolean isSlow = random.nextDouble() < SLOW_SHARE;
        return switch (kind) {
            case PUT, PART, COMPLETE -> 25 + 6 * bytes / MIB + 15 * exponential + (isSlow ? 300 : 0);
            case GET, HEAD -> 15 + 4 * bytes / MIB + 10 * exponential + (isSlow ? 200 : 0);
            case BEGIN, LIST, DELETE -> 25 + 15 * exponential + (isSlow ? 300 : 0);
        };
    }
}
