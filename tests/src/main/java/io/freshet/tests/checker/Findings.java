// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.checker;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The anomalies of a history: all of them counted, the first of each kind described. */
public final class Findings {
    private static final int DESCRIBED = 10;

    private final Map<Anomaly, Long> counts = new EnumMap<>(Anomaly.class);
    private final Map<Anomaly, List<String>> descriptions = new EnumMap<>(Anomaly.class);

    void add(Anomaly anomaly, String format, Object... arguments) {
        long count = counts.merge(anomaly, 1L, Long::sum);
        if (count <= DESCRIBED) {
            descriptions
                    .computeIfAbsent(anomaly, any -> new ArrayList<>())
                    .add(String.format(java.util.Locale.ROOT, format, arguments));
        }
    }

    public long count(Anomaly anomaly) {
        return counts.getOrDefault(anomaly, 0L);
    }

    public boolean isEmpty() {
        return counts.isEmpty();
    }

    /** The kinds that were found. */
    public java.util.Set<Anomaly> kinds() {
        return java.util.Set.copyOf(counts.keySet());
    }

    /** The first ten of a kind. */
    public List<String> of(Anomaly anomaly) {
        return descriptions.getOrDefault(anomaly, List.of());
    }

    @Override
    public String toString() {
        return counts + " " + descriptions;
    }
}
