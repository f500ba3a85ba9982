// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

import java.util.ArrayList;
import java.util.List;

/**
 * The sums of a plan's brokers and racks, and how uneven they are. Unevenness is the sum, over resources and brokers and
 * again over racks, of the square of the deviation from the mean, as a part of the mean, above half the tolerance: what is
 * nearer than that counts as even. So a move never pays for itself by taking a broker out of that band, and what is out most
 * counts most. One thread.
 */
final class Evenness {
    private static final Resource[] RESOURCES = Resource.values();

    private final double tolerance;
    private final double aim;
    private final double[][] sums;
    private final double[][] rackSums;
    private final double[] means = new double[RESOURCES.length];
    private final double[] scales = new double[RESOURCES.length];
    private final int[] rackOf;
    private final int[] rackSizes;

    /** @param brokers those that take part; a broker's index here is its index in all calls */
    Evenness(List<ClusterLoad.Broker> brokers, double tolerance) {
        this.tolerance = tolerance;
        this.aim = tolerance / 2;
        this.sums = new double[RESOURCES.length][brokers.size()];
        this.rackOf = new int[brokers.size()];
        List<String> racks = new ArrayList<>();
        for (int i = 0; i < brokers.size(); i++) {
            String rack = brokers.get(i).rack() == null ? "" : brokers.get(i).rack();
            if (!racks.contains(rack)) {
                racks.add(rack);
            }
            rackOf[i] = racks.indexOf(rack);
        }
        this.rackSums = new double[RESOURCES.length][racks.size()];
        this.rackSizes = new int[racks.size()];
        for (int rack : rackOf) {
            rackSizes[rack]++;
        }
    }

    void add(int broker, Load load) {
        for (Resource resource : RESOURCES) {
            change(resource, broker, load.of(resource));
        }
    }

    /** Adds {@code partitions} partitions at once, which have {@code load} together. */
    void add(int broker, Load load, int partitions) {
        for (Resource resource : RESOURCES) {
            change(resource, broker, resource == Resource.PARTITIONS ? partitions : load.of(resource));
        }
    }

    private void change(Resource resource, int broker, double amount) {
        sums[resource.ordinal()][broker] += amount;
        rackSums[resource.ordinal()][rackOf[broker]] += amount;
    }

    /** All is added: what each broker should have does not change from here on. */
    void fix() {
        for (Resource resource : RESOURCES) {
            int r = resource.ordinal();
            double total = 0;
            for (double sum : sums[r]) {
                total += sum;
            }
            means[r] = total / sums[r].length;
            scales[r] = Math.max(means[r], resource.slack() / tolerance);
        }
    }

    double sum(Resource resource, int broker) {
        return sums[resource.ordinal()][broker];
    }

    double mean(Resource resource) {
        return means[resource.ordinal()];
    }

    /** How far the broker is from the mean, as a part of it; a small mean counts as more, since its noise is no reason to move. */
    double deviation(Resource resource, int broker) {
        int r = resource.ordinal();
        return (sums[r][broker] - means[r]) / scales[r];
    }

    boolean isOut(Resource resource, int broker) {
        return Math.abs(deviation(resource, broker)) > tolerance;
    }

    boolean isAnyOut() {
        for (Resource resource : RESOURCES) {
            for (int broker = 0; broker < rackOf.length; broker++) {
                if (isOut(resource, broker)) {
                    return true;
                }
            }
        }
        return false;
    }

    private double uneven(double deviation) {
        double above = Math.abs(deviation) - aim;
        return above <= 0 ? 0 : above * above;
    }

    /** By how much one broker becomes more even in one resource when it gets {@code amount}. */
    double gain(Resource resource, int broker, double amount) {
        double before = deviation(resource, broker);
        return uneven(before) - uneven(before + amount / scales[resource.ordinal()]);
    }

    /** How uneven one broker is in one resource. */
    double uneven(Resource resource, int broker) {
        return uneven(deviation(resource, broker));
    }

    /** By how much all becomes more even when {@code out} moves from one broker to the other, and {@code back} the other way. */
    double gain(int from, int to, Load out, Load back, boolean isSwap) {
        double gain = 0;
        for (Resource resource : RESOURCES) {
            double amount = amount(resource, out, back, isSwap);
            if (amount == 0) {
                continue;
            }
            gain += gain(resource, from, -amount) + gain(resource, to, amount);
            if (rackOf[from] != rackOf[to]) {
                gain += rackGain(resource, rackOf[from], -amount) + rackGain(resource, rackOf[to], amount);
            }
        }
        return gain;
    }

    static double amount(Resource resource, Load out, Load back, boolean isSwap) {
        return isSwap ? out.of(resource) - back.of(resource) : out.of(resource);
    }

    private double rackGain(Resource resource, int rack, double amount) {
        int r = resource.ordinal();
        double scale = scales[r] * rackSizes[rack];
        double before = (rackSums[r][rack] - means[r] * rackSizes[rack]) / scale;
        return uneven(before) - uneven(before + amount / scale);
    }

    void move(int from, int to, Load load) {
        for (Resource resource : RESOURCES) {
            change(resource, from, -load.of(resource));
            change(resource, to, load.of(resource));
        }
    }

    /** The sum that moves make smaller. */
    double unevenness() {
        double sum = 0;
        for (Resource resource : RESOURCES) {
            int r = resource.ordinal();
            for (int i = 0; i < rackOf.length; i++) {
                sum += uneven(resource, i);
            }
            for (int rack = 0; rack < rackSizes.length; rack++) {
                sum += uneven((rackSums[r][rack] - means[r] * rackSizes[rack]) / (scales[r] * rackSizes[rack]));
            }
        }
        return sum;
    }
}
