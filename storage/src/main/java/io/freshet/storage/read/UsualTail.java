// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

/**
 * How long the tail's requests take when nobody replays, as a histogram that forgets, and by how much more of later ones are
 * slow. Slow is what takes longer than all but one in two hundred usually do: a bound below the 99th percentile would not tell
 * whether the slowest became much slower. Pure. Not safe for use by several threads.
 */
final class UsualTail {
    /** Fewer requests say nothing. */
    static final int LEAST_REQUESTS = 100;

    private static final double SLOW_SHARE = 0.005;
    private static final double LEAST_ALLOWED_SHARE = 0.002;
    /** So many times the usual share may be slow. */
    private static final double TOLERATED = 1.2;

    private double count;
    private double[] above = new double[0];

    /**
     * Takes {@code requests} for usual ones; they have {@code weight}, and as much of what was known before is forgotten.
     *
     * @param forgotten share of what is known that goes when the weight is 1
     */
    void learn(CatchUpPace.TailRequests requests, double weight, double forgotten) {
        if (above.length != requests.bounds()) {
            above = new double[requests.bounds()];
            count = 0;
        }
        double kept = 1 - forgotten * weight;
        count = count * kept + requests.count() * weight;
        for (int i = 0; i < above.length; i++) {
            above[i] = above[i] * kept + requests.above(i) * weight;
        }
    }

    boolean isKnown() {
        return count >= LEAST_REQUESTS;
    }

    /** How many of {@code requests} are slow. */
    double slow(CatchUpPace.TailRequests requests) {
        int bound = bound();
        return bound < requests.bounds() ? requests.above(bound) : 0;
    }

    /** How many of {@code requests} may be slow; more are too many. */
    double tolerated(CatchUpPace.TailRequests requests) {
        int bound = bound();
        double usual = bound < above.length ? above[bound] / count : 0;
        return Math.max(LEAST_ALLOWED_SHARE, TOLERATED * usual) * requests.count();
    }

    private int bound() {
        int bound = 0;
        while (bound < above.length && above[bound] > SLOW_SHARE * count) {
            bound++;
        }
        return bound;
    }
}
