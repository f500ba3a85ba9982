// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import java.util.Arrays;

/**
 * How long recent puts took: quantiles over the last {@value #WINDOW} of them. Also keeps the credit for hedges, so that a store
 * that has become slow is not asked for twice as much: twenty puts earn one hedge. Used by the lane only.
 */
final class PutLatency {
    private static final int WINDOW = 128;
    private static final int LEAST_SAMPLES = 16;
    private static final double CREDIT_PER_PUT = 0.05;
    private static final double MAX_CREDIT = 4;

    private final long[] samplesNs = new long[WINDOW];
    private long count;
    private long medianNs;
    private long p95Ns;
    private double hedgeCredit = 1;

    void add(long tookNs) {
        samplesNs[(int) (count++ % WINDOW)] = tookNs;
        hedgeCredit = Math.min(MAX_CREDIT, hedgeCredit + CREDIT_PER_PUT);
        int size = (int) Math.min(count, WINDOW);
        if (count <= LEAST_SAMPLES || count % 8 == 0) {
            long[] sorted = Arrays.copyOf(samplesNs, size);
            Arrays.sort(sorted);
            medianNs = sorted[size / 2];
            p95Ns = sorted[Math.min(size - 1, size * 95 / 100)];
        }
    }

    /** Usual time of a put; 0 while nothing is known. */
    long medianNs() {
        return medianNs;
    }

    /**
     * A put that takes longer is repeated: the 95th percentile, but at least two medians, since where puts hardly differ a fresh
     * one would not be sooner.
     */
    long hedgeAfterNs() {
        return Math.max(p95Ns, 2 * medianNs);
    }

    /** Whether enough puts were seen to tell a slow one, and not too many were slow lately. */
    boolean mayHedge() {
        return count >= LEAST_SAMPLES && hedgeCredit >= 1;
    }

    void hedged() {
        hedgeCredit -= 1;
    }
}
