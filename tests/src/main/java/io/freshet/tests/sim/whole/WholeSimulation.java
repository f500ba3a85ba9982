// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.whole;

import io.freshet.tests.sim.Outcome;
import io.freshet.tests.sim.Sabotage;
import io.freshet.tests.sim.StatePool;
import io.freshet.tests.sim.quorum.Course;
import io.freshet.tests.sim.quorum.QuorumSabotage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One run of a quorum whose brokers have {@link RealStorage}. */
public final class WholeSimulation {
    private WholeSimulation() {}

    /** Runs one seed. An exception that the product throws where it must not counts as a violation. */
    public static Outcome run(
            long seed,
            QuorumSabotage ofQuorum,
            Sabotage ofStorage,
            StatePool states,
            @Nullable Consumer<String> trace) {
        try {
            WholeCluster cluster = new WholeCluster(seed, ofQuorum, ofStorage, states, trace);
            return new Course(cluster.quorum(), new RealWorkload(cluster)).run(seed, trace);
        } finally {
            states.takeAllBack();
        }
    }
}
