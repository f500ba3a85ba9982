// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.checker;

import org.HdrHistogram.Histogram;

/** Figures of a history that are no anomalies. */
public final class Totals {
    private final Histogram lagMs = new Histogram(3);
    private long operations;
    private long acked;
    private long unknown;
    private long unknownRead;
    private long failed;
    private long values;

    void countOperation() {
        operations++;
    }

    void add(KeyLog.Fate fate) {
        values++;
        if (fate.isAcked()) {
            acked++;
            if (fate.isPolled()) {
                lagMs.recordValue(Math.max(0, (fate.polledNanos - fate.ackedNanos) / 1_000_000));
            }
        } else if (fate.isFailed) {
            failed++;
        } else {
            unknown++;
            unknownRead += fate.isPolled() ? 1 : 0;
        }
    }

    public long operations() {
        return operations;
    }

    /** Values with an acknowledgement. */
    public long acked() {
        return acked;
    }

    @Override
    public String toString() {
        return String.format(
                java.util.Locale.ROOT,
                "%,d lines; %,d values: %,d acknowledged, %,d unknown (%,d of them read), %,d failed%n"
                        + "first read after its acknowledgement: p50 %,d ms, p99 %,d ms, worst %,d ms",
                operations,
                values,
                acked,
                unknown,
                unknownRead,
                failed,
                lagMs.getValueAtPercentile(50),
                lagMs.getValueAtPercentile(99),
                lagMs.getMaxValue());
    }
}
