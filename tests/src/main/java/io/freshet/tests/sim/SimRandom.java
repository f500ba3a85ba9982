// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.runtime.Randomness;

/** SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): all chance of one run. */
public final class SimRandom implements Randomness {
    private long state;

    public SimRandom(long seed) {
        state = seed;
    }

    @Override
    public long nextLong() {
        state += 0x9E3779B97F4A7C15L;
        return mix(state);
    }

    public static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** Uniform over {@code [0, bound)}. */
    public int below(int bound) {
        return (int) nextLong(bound);
    }

    /** Uniform over {@code [from, to]}. */
    public long between(long from, long to) {
        return from + nextLong(to - from + 1);
    }

    public boolean chance(double probability) {
        return probability > 0 && nextDouble() < probability;
    }

    /** A generator of its own, so that what it is used for does not disturb the rest. */
    public SimRandom fork() {
        return new SimRandom(nextLong());
    }
}
