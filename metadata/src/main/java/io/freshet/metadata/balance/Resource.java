// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

/** What is kept even between brokers. */
public enum Resource {
    BYTES_IN("bytes in", 32 * 1024),
    BYTES_OUT("bytes out", 32 * 1024),
    REQUESTS("requests", 5),
    /** Just below one: a broker that leads the mean rounded up or down is not out of balance, and no other is within it. */
    PARTITIONS("partitions", 0.999);

    private final String label;
    private final double slack;

    Resource(String label, double slack) {
        this.label = label;
        this.slack = slack;
    }

    /** What people call it. */
    public String label() {
        return label;
    }

    /** A deviation from the mean that is never worth a move: per second, or partitions. */
    double slack() {
        return slack;
    }
}
