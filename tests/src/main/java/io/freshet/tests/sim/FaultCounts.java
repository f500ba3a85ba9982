// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import java.util.Map;
import java.util.TreeMap;

/** How often each kind of thing happened: what the runs have covered. */
public final class FaultCounts {
    private final Map<String, Long> counts = new TreeMap<>();

    public void add(String what) {
        counts.merge(what, 1L, Long::sum);
    }

    public void addAll(FaultCounts others) {
        others.counts.forEach((what, count) -> counts.merge(what, count, Long::sum));
    }

    public Map<String, Long> all() {
        return counts;
    }

    public long of(String what) {
        return counts.getOrDefault(what, 0L);
    }
}
