// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.tests.sim.Outcome;
import io.freshet.tests.sim.StatePool;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One run of a quorum whose brokers have {@link ThinStorage}. */
public final class QuorumSimulation {
    private QuorumSimulation() {}

    /** Runs one seed. An exception that the product throws where it must not counts as a violation. */
    public static Outcome run(long seed, QuorumSabotage sabotage, StatePool states, @Nullable Consumer<String> trace) {
        try {
            QuorumWorld world = new QuorumWorld(seed, sabotage, states, trace);
            return new Course(world, new ThinWorkload(world)).run(seed, trace);
        } finally {
            states.takeAllBack();
        }
    }
}
