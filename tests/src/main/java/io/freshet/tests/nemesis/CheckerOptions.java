// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import io.freshet.tests.workload.Workload;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The arguments of {@link CheckerMain}: {@code --name value} each. */
final class CheckerOptions {
    static final String USAGE = """
            Usage: freshet-check --bootstrap HOST:PORT [options]   clients against a running cluster
                   freshet-check [--brokers N] [options]           servers of its own, which a nemesis disrupts
                   freshet-check --check FILE                      judge a history again
              --seconds N        length of the run before the final reads (60)
              --rate N           records per second of all producers together (1000)
              --partitions N     (8)
              --replicas N       replication factor asked for (1)
              --producers N, --consumers N   (4, 6); a third of the consumers assigns, the others are in two groups
              --life SECONDS     mean time until a client crashes (30)
              --history FILE     where the history is kept
              --final-seconds N  time for the final reads (120)
              --seed N           draws everything (from the clock)
              --lane block|s3    the write-ahead log of its own servers (s3)
              --nemesis LIST     of kill,controller,pair,voters,pause,restart,partition,slow,clock,store,outage (all that
                                 this machine permits)
              --override K=V     configuration of its own servers; may be repeated
              --store-latency N  seed of delays like S3's before the store; 0: none (0)
              --work DIR         folder for its own servers' data, emptied by the script""";

    private static final Map<String, String> DEFAULTS = Map.ofEntries(
            Map.entry("bootstrap", ""),
            Map.entry("brokers", "1"),
            Map.entry("check", ""),
            Map.entry("seconds", "60"),
            Map.entry("rate", "1000"),
            Map.entry("partitions", "8"),
            Map.entry("replicas", "1"),
            Map.entry("producers", "4"),
            Map.entry("consumers", "6"),
            Map.entry("life", "30"),
            Map.entry("history", ""),
            Map.entry("final-seconds", "120"),
            Map.entry("seed", ""),
            Map.entry("lane", "s3"),
            Map.entry("nemesis", ""),
            Map.entry("store-latency", "0"),
            Map.entry("work", "check"),
            Map.entry("distribution", ""));

    private final Map<String, String> values = new HashMap<>(DEFAULTS);
    private final Map<String, String> overrides = new HashMap<>();
    private final long seed;

    private CheckerOptions(String[] arguments) {
        for (int i = 0; i < arguments.length; i += 2) {
            String name = arguments[i].startsWith("--") ? arguments[i].substring(2) : "";
            if (i + 1 == arguments.length || !(values.containsKey(name) || name.equals("override"))) {
                throw new IllegalArgumentException("Not understood: " + arguments[i]);
            }
            if (name.equals("override")) {
                String[] pair = arguments[i + 1].split("=", 2);
                overrides.put(pair[0], pair[1]);
            } else {
                values.put(name, arguments[i + 1]);
            }
        }
        kinds();
        seed = text("seed").isEmpty() ? System.nanoTime() : number("seed");
    }

    /** @throws IllegalArgumentException for what cannot be understood */
    static CheckerOptions parse(String[] arguments) {
        return new CheckerOptions(arguments);
    }

    String text(String name) {
        return values.getOrDefault(name, "");
    }

    long number(String name) {
        return Long.parseLong(text(name));
    }

    long seed() {
        return seed;
    }

    Map<String, String> overrides() {
        return Map.copyOf(overrides);
    }

    /** Empty: all that can be. */
    Set<Disruption.Kind> kinds() {
        EnumSet<Disruption.Kind> kinds = EnumSet.noneOf(Disruption.Kind.class);
        for (String name : text("nemesis").split(",")) {
            if (!name.isBlank()) {
                kinds.add(Disruption.Kind.valueOf(name.strip().toUpperCase(Locale.ROOT)));
            }
        }
        return kinds;
    }

    Workload.Options workload(String bootstrap, Map<String, String> topicConfigs) {
        Map<String, String> configs = new HashMap<>(topicConfigs);
        configs.put("retention.ms", "-1");
        configs.put(
                "message.timestamp.after.max.ms", Long.toString(Long.MAX_VALUE)); // of brokers whose clock is behind
        return new Workload.Options(
                bootstrap,
                "check-" + Long.toString(System.currentTimeMillis(), Character.MAX_RADIX),
                (int) number("partitions"),
                (short) number("replicas"),
                configs,
                number("rate"),
                (int) number("producers"),
                (int) number("consumers"),
                number("life"),
                seed);
    }
}
