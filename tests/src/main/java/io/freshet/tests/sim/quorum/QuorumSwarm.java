// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.tests.sim.SimRandom;

/** The mix of faults of one run: each seed has some of them and not others. After {@link #heal()} nothing fails any more. */
public final class QuorumSwarm {
    public final double messageIsLost;
    public final double messageIsLate;
    public final double messageIsDoubled;
    public final long slownessNanos;
    public final double crashes;
    public final double pauses;
    public final double partitions;
    public final double oneWayPartitions;
    public final double clockJumps;
    public final double leaves;
    public final double tablesAreLost;
    public final double drains;
    public final double moves;
    public final double cleaning;
    public final double clockDrift;
    public final double quorumLoss;
    public final long snapshotAfterBytes;
    private boolean isCalm;
    private boolean isHealed;

    public QuorumSwarm(SimRandom random) {
        messageIsLost = some(random, 0.5, 0.08);
        messageIsLate = some(random, 0.4, 0.03);
        messageIsDoubled = some(random, 0.4, 0.1);
        slownessNanos = random.between(300_000, 15_000_000);
        crashes = some(random, 0.7, 0.25);
        pauses = some(random, 0.5, 0.2);
        partitions = some(random, 0.6, 0.25);
        oneWayPartitions = some(random, 0.4, 0.25);
        clockJumps = some(random, 0.5, 0.6);
        leaves = some(random, 0.4, 0.1);
        tablesAreLost = some(random, 0.3, 0.5);
        drains = some(random, 0.4, 0.15);
        moves = some(random, 0.6, 0.3);
        cleaning = some(random, 0.6, 0.02);
        clockDrift = some(random, 0.5, 0.02);
        quorumLoss = some(random, 0.3, 0.1);
        snapshotAfterBytes = random.chance(0.7) ? random.between(2_000, 30_000) : 20L << 20;
    }

    private static double some(SimRandom random, double probability, double most) {
        double amount = random.nextDouble() * most;
        return random.chance(probability) ? amount : 0;
    }

    /** {@code probability} while faults are on, 0 afterwards. */
    public double now(double probability) {
        return isHealed || isCalm ? 0 : probability;
    }

    /** Whether nothing fails for a while. */
    public void calm(boolean wanted) {
        isCalm = wanted;
    }

    public boolean isHealed() {
        return isHealed;
    }

    public void heal() {
        isHealed = true;
    }
}
