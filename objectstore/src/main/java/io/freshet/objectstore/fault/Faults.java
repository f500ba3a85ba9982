// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.fault;

import io.freshet.common.runtime.Randomness;
import io.freshet.objectstore.fault.Fault.Effect;
import io.freshet.objectstore.fault.Fault.Op;
import java.util.List;

/** Decides the fate of each request. Called once per try, in the order of the tries, from many threads. */
@FunctionalInterface
public interface Faults {
    /** What goes wrong with the request {@code op} on {@code key} (a prefix for LIST, the first key for DELETE). */
    Fault next(Op op, String key);

    /** Nothing ever goes wrong. */
    static Faults none() {
        return (op, key) -> Fault.NONE;
    }

    /**
     * Draws from {@code randomness}: with {@code probability} (0 to 1) one of {@code effects}, evenly; and for every
     * request a delay of 0 to {@code maxDelayMs}. The same seed and order of requests gives the same faults.
     */
    static Faults seeded(Randomness randomness, double probability, long maxDelayMs, List<Effect> effects) {
        List<Effect> choices = List.copyOf(effects);
        return (op, key) -> {
            long delayMs = maxDelayMs == 0 ? 0 : randomness.nextLong(maxDelayMs + 1);
            boolean hit = randomness.nextDouble() < probability;
            return new Fault(hit ? choices.get((int) randomness.nextLong(choices.size())) : Effect.NONE, delayMs);
        };
    }
}
