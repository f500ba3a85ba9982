// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Refuses keys that nobody defines, with the nearest one that somebody does, and removed keys with their replacement. */
final class KeyCheck {
    /** Keys that older Kafka files hold, and what to write instead. */
    private static final Map<String, String> REMOVED = Map.of(
            "zookeeper.connect", "remove it: metadata lives in the Raft quorum (process.roles, node.id)",
            "broker.id.generation.enable", "remove it and set node.id",
            "inter.broker.protocol.version", "remove it: the feature level is kept in the metadata",
            "log.message.format.version", "remove it: record format v2 is the only one",
            "log.message.downconversion.enable", "remove it: record format v2 is the only one");

    /** Keys with free names: per-listener settings and the settings of plug-ins. */
    private static final List<String> FREE_PREFIXES = List.of("listener.name.", "metric.reporters.", "freshet.label.");

    private KeyCheck() {}

    static void check(Map<String, String> values, Set<String> known) {
        List<String> complaints = new ArrayList<>();
        for (String key : values.keySet()) {
            if (REMOVED.containsKey(key)) {
                complaints.add("'" + key + "' was removed: " + REMOVED.get(key));
            } else if (!known.contains(key) && FREE_PREFIXES.stream().noneMatch(key::startsWith)) {
                complaints.add("'" + key + "' is not a configuration key; did you mean '" + nearest(key, known) + "'?");
            }
        }
        if (!complaints.isEmpty()) {
            complaints.sort(Comparator.naturalOrder());
            throw new FreshetException(ErrorKind.INVALID, "Configuration refused: " + String.join("; ", complaints));
        }
    }

    private static String nearest(String key, Set<String> known) {
        return known.stream()
                .min(Comparator.<String>comparingInt(candidate -> distance(key, candidate))
                        .thenComparing(Comparator.naturalOrder()))
                .orElse("");
    }

    /** Levenshtein distance. */
    static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substitute = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substitute, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
