// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

/**
 * The mix of faults of one run: each seed has some of them and not others, so that they do not hide each other. After
 * {@link #heal()} nothing fails any more.
 */
public final class Swarm {
    public final double putFails;
    public final double putLosesAnswer;
    public final double putIsLate;
    public final double putIsDoubled;
    public final double readFails;
    public final double readIsCorrupt;
    public final double readIsTruncated;
    public final double requestIsSlow;
    public final double deleteFails;
    public final double commandIsLost;
    public final double answerIsLost;
    public final double commandIsDoubled;
    public final double leaderIsLost;
    public final double followerStalls;
    public final double clientMessageIsLost;
    public final double writeIsTorn;
    public final double writeFails;
    public final double flushLies;
    public final double storms;
    public final double crashes;
    public final double zombies;
    public final double pauses;
    public final double moves;
    public final double clockJumps;
    public final double trims;
    public final double restartsCleanly;
    public final double takeovers;
    public final double tierFails;
    public final double tierDamages;
    private boolean isHealed;

    public Swarm(SimRandom random) {
        putFails = some(random, 0.5, 0.15);
        putLosesAnswer = some(random, 0.5, 0.15);
        putIsLate = some(random, 0.4, 0.1);
        putIsDoubled = some(random, 0.4, 0.1);
        readFails = some(random, 0.5, 0.1);
        readIsCorrupt = some(random, 0.4, 0.1);
        readIsTruncated = some(random, 0.4, 0.1);
        requestIsSlow = some(random, 0.5, 0.1);
        deleteFails = some(random, 0.5, 0.2);
        commandIsLost = some(random, 0.5, 0.1);
        answerIsLost = some(random, 0.5, 0.1);
        commandIsDoubled = some(random, 0.5, 0.1);
        leaderIsLost = some(random, 0.4, 0.3);
        followerStalls = some(random, 0.5, 0.3);
        clientMessageIsLost = some(random, 0.5, 0.05);
        writeIsTorn = some(random, 0.4, 0.004);
        writeFails = some(random, 0.3, 0.003);
        flushLies = some(random, 0.2, 0.01);
        storms = some(random, 0.4, 0.3);
        crashes = some(random, 0.7, 0.5);
        zombies = some(random, 0.4, 0.3);
        pauses = some(random, 0.4, 0.3);
        moves = some(random, 0.6, 0.6);
        clockJumps = some(random, 0.4, 0.3);
        trims = some(random, 0.7, 0.5);
        restartsCleanly = some(random, 0.5, 0.3);
        takeovers = some(random, 0.6, 1);
        tierFails = some(random, 0.3, 1);
        tierDamages = some(random, 0.5, 0.3);
    }

    private static double some(SimRandom random, double probability, double most) {
        double amount = random.nextDouble() * most;
        return random.chance(probability) ? amount : 0;
    }

    /** {@code probability} while faults are on, 0 afterwards. */
    public double now(double probability) {
        return isHealed ? 0 : probability;
    }

    public boolean isHealed() {
        return isHealed;
    }

    public void heal() {
        isHealed = true;
    }
}
