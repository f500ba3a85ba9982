// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.IntPredicate;

/**
 * Hands partitions out to brokers so that the numbers handed out never differ by more than one, except for those that had
 * to go to a certain broker. Not safe for use by many threads.
 */
final class Spread {
    private final List<Integer> brokers;
    private final Map<Integer, Integer> given = new HashMap<>();
    private final Map<Integer, Integer> led;

    /**
     * @param brokers who may get partitions
     * @param led what they lead already, which decides between brokers that were given equally many
     */
    Spread(List<Integer> brokers, Map<Integer, Integer> led) {
        this.brokers = brokers.stream().sorted().toList();
        this.led = new HashMap<>(led);
    }

    int size() {
        return brokers.size();
    }

    /** The next broker among those that were given least: a preferred one, then one that leads least; empty if there is none. */
    OptionalInt next(IntPredicate isPreferred) {
        List<Integer> least = new ArrayList<>();
        int fewest = Integer.MAX_VALUE;
        for (int broker : brokers) {
            int count = given.getOrDefault(broker, 0);
            if (count < fewest) {
                fewest = count;
                least.clear();
            }
            if (count == fewest) {
                least.add(broker);
            }
        }
        int chosen = -1;
        for (int broker : least) {
            if (chosen < 0 || isBetter(broker, chosen, isPreferred)) {
                chosen = broker;
            }
        }
        if (chosen < 0) {
            return OptionalInt.empty();
        }
        give(chosen);
        return OptionalInt.of(chosen);
    }

    private boolean isBetter(int broker, int than, IntPredicate isPreferred) {
        boolean isOnePreferred = isPreferred.test(broker);
        if (isOnePreferred != isPreferred.test(than)) {
            return isOnePreferred;
        }
        return led.getOrDefault(broker, 0) < led.getOrDefault(than, 0);
    }

    /** The broker gets a partition that could go nowhere else. */
    void give(int broker) {
        given.merge(broker, 1, Integer::sum);
        led.merge(broker, 1, Integer::sum);
    }
}
