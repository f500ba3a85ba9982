// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

/**
 * How long the tail's requests take when nobody replays, as a histogram that forgets, and by how much more of later ones are
 * slow. Slow is what takes longer than all but about one in fifty usually do: high enough to speak for the 99th percentile, low
 * enough to be seen often. Pure. Not safe for use by several threads.
 */
final class UsualTail {
    /** Fewer requests say nothing. */
    static final int LEAST_REQUESTS = 100;

    private static final double SLOW_SHARE = 0.02;
    private static final double LEAST_ALLOWED_SHARE = 0.005;
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

    /** Share of slow ones among {@code requests}, in multiples of what is tolerated: above 1 is too many. */
    double excess(CatchUpPace.TailRequests requests) {
        int bound = 0;
        while (bound < above.length && above[bound] > SLOW_SHARE * count) {
            bound++;
        }
        if (bound >= above.length || bound >= requests.bounds() || requests.count() == 0) {
            return 0;
        }
        double allowed = Math.max(LEAST_ALLOWED_SHARE, TOLERATED * above[bound] / count);
        return requests.above(bound) / requests.count() / allowed;
    }
}
