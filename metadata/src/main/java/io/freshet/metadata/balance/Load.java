// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

/**
 * What clients do to one partition or to several, per second.
 *
 * @param requests produce and fetch requests that moved records of it
 */
public record Load(double bytesIn, double bytesOut, double requests) {
    public static final Load NONE = new Load(0, 0, 0);

    public Load {
        requireRate(bytesIn);
        requireRate(bytesOut);
        requireRate(requests);
    }

    private static void requireRate(double perSecond) {
        if (!Double.isFinite(perSecond) || perSecond < 0) {
            throw new IllegalArgumentException("A rate must be a number of 0 or more, not " + perSecond);
        }
    }

    public Load plus(Load other) {
        return new Load(bytesIn + other.bytesIn, bytesOut + other.bytesOut, requests + other.requests);
    }

    /** An even share of it. */
    public Load dividedBy(int parts) {
        return new Load(bytesIn / parts, bytesOut / parts, requests / parts);
    }

    /** The amount of one resource; every partition counts as one. */
    double of(Resource resource) {
        return switch (resource) {
            case BYTES_IN -> bytesIn;
            case BYTES_OUT -> bytesOut;
            case REQUESTS -> requests;
            case PARTITIONS -> 1;
        };
    }
}
