// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

import java.util.Locale;

/** Amounts of resources in words. */
public final class Amounts {
    private static final double KIB = 1024;

    private Amounts() {}

    /** An amount with its unit. */
    public static String text(Resource resource, double amount) {
        return switch (resource) {
            case BYTES_IN, BYTES_OUT -> bytes(amount) + "/s";
            case REQUESTS -> String.format(Locale.ROOT, "%.1f/s", amount);
            case PARTITIONS ->
                amount == Math.rint(amount) ? Long.toString((long) amount) : String.format(Locale.ROOT, "%.1f", amount);
        };
    }

    private static String bytes(double amount) {
        if (amount < KIB) {
            return String.format(Locale.ROOT, "%.0f B", amount);
        }
        if (amount < KIB * KIB) {
            return String.format(Locale.ROOT, "%.1f KiB", amount / KIB);
        }
        return amount < KIB * KIB * KIB
                ? String.format(Locale.ROOT, "%.1f MiB", amount / KIB / KIB)
                : String.format(Locale.ROOT, "%.1f GiB", amount / KIB / KIB / KIB);
    }

    /** How far {@code amount} is from {@code mean}, such as +12 %. */
    public static String deviation(double amount, double mean) {
        return mean == 0 ? "0 %" : String.format(Locale.ROOT, "%+.0f %%", 100 * (amount - mean) / mean);
    }

    static String text(Resource resource, Evenness evenness, int broker) {
        double amount = evenness.sum(resource, broker);
        return text(resource, amount) + " (" + deviation(amount, evenness.mean(resource)) + ")";
    }

    static String leftOver(Resource resource, Evenness evenness, int broker, int brokerId, Load heaviest) {
        String what = resource.label() + " of broker " + brokerId + " stays at " + text(resource, evenness, broker);
        double alone = resource == Resource.PARTITIONS ? 0 : heaviest.of(resource);
        return alone > evenness.mean(resource)
                ? what + ": one partition alone has " + text(resource, alone) + ", more than the mean"
                : what + ": no move that is allowed now would make the cluster more even";
    }
}
