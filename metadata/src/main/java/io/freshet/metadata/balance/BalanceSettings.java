// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;
import static org.apache.kafka.common.config.ConfigDef.Range.between;
import static org.apache.kafka.common.config.ConfigDef.Type.BOOLEAN;
import static org.apache.kafka.common.config.ConfigDef.Type.DOUBLE;
import static org.apache.kafka.common.config.ConfigDef.Type.INT;
import static org.apache.kafka.common.config.ConfigDef.Type.LIST;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;

/**
 * How brokers are kept even.
 *
 * @param isEnabled whether partitions are moved; plans are made all the same
 * @param movesPerMinute upper bound of the moves that begin in any 60 s
 * @param tolerance the part of the mean by which a broker may be off, 0.1 for 10 %
 * @param excludedTopics topics whose partitions stay, by name; one that ends with * stands for all that begin so
 * @param excludedBrokers brokers that give and take nothing
 */
public record BalanceSettings(
        boolean isEnabled,
        int movesPerMinute,
        double tolerance,
        List<String> excludedTopics,
        List<Integer> excludedBrokers) {
    public static final String ENABLED = "balance.enabled";
    public static final String MOVES_PER_MINUTE = "balance.moves.per.minute";
    public static final String TOLERANCE = "balance.tolerance";
    public static final String EXCLUDE_TOPICS = "balance.exclude.topics";
    public static final String EXCLUDE_BROKERS = "balance.exclude.brokers";

    private static final ConfigDef DEFINITION = addTo(new ConfigDef());

    /** The names of all keys; each may be changed for the whole cluster while it runs. */
    public static final Set<String> NAMES = Set.copyOf(DEFINITION.names());

    public static final BalanceSettings DEFAULT = of(Map.of(), Map.of());

    public BalanceSettings {
        excludedTopics = List.copyOf(excludedTopics);
        excludedBrokers = List.copyOf(excludedBrokers);
    }

    /** Adds the keys' definitions. */
    public static ConfigDef addTo(ConfigDef definition) {
        return definition
                .define(
                        ENABLED,
                        BOOLEAN,
                        true,
                        MEDIUM,
                        "Whether partitions are moved between brokers by themselves so that bytes in, bytes out, requests and "
                                + "partitions are even. This and the other balance keys hold for the cluster and can be "
                                + "changed while it runs (kafka-configs.sh --entity-type brokers --entity-default).")
                .define(
                        MOVES_PER_MINUTE,
                        INT,
                        200,
                        between(1, 100_000),
                        MEDIUM,
                        "Most partitions that balancing moves in a minute.")
                .define(
                        TOLERANCE,
                        DOUBLE,
                        0.1,
                        between(0.01, 1.0),
                        LOW,
                        "How far a broker's load may be from the mean, as a part of the mean, before partitions move.")
                .define(
                        EXCLUDE_TOPICS,
                        LIST,
                        "",
                        LOW,
                        "Topics whose partitions balancing leaves where they are. A name that ends with * stands for all "
                                + "topics that begin so.")
                .define(
                        EXCLUDE_BROKERS,
                        LIST,
                        "",
                        BalanceSettings::requireIds,
                        LOW,
                        "Ids of brokers from and to which balancing moves nothing.");
    }

    private static void requireIds(String name, Object value) {
        for (Object id : (List<?>) value) {
            try {
                if (Integer.parseInt(id.toString()) >= 0) {
                    continue;
                }
            } catch (NumberFormatException e) {
                // refused below
            }
            throw new ConfigException(name, value, "it lists broker ids, numbers of 0 or more, separated by commas");
        }
    }

    /** Throws ConfigException if one of the values of these keys cannot be; other keys are not looked at. */
    public static void validate(Map<String, String> values) {
        DEFINITION.parse(only(values));
    }

    /**
     * The settings in force. Values that cannot be understood, which nothing should have let through, count as not given.
     *
     * @param dynamic the cluster's dynamic broker configuration
     * @param fixed what this node's file says, parsed
     */
    public static BalanceSettings of(Map<String, String> dynamic, Map<String, ?> fixed) {
        Map<String, Object> given = new HashMap<>(only(fixed));
        given.putAll(only(dynamic));
        AbstractConfig values;
        try {
            values = new AbstractConfig(DEFINITION, given, false);
        } catch (ConfigException e) {
            values = new AbstractConfig(DEFINITION, Map.of(), false);
        }
        return new BalanceSettings(
                values.getBoolean(ENABLED),
                values.getInt(MOVES_PER_MINUTE),
                values.getDouble(TOLERANCE),
                values.getList(EXCLUDE_TOPICS),
                values.getList(EXCLUDE_BROKERS).stream().map(Integer::valueOf).toList());
    }

    private static <V> Map<String, V> only(Map<String, V> values) {
        Map<String, V> known = new HashMap<>();
        for (String name : DEFINITION.names()) {
            V value = values.get(name);
            if (value != null) {
                known.put(name, value);
            }
        }
        return known;
    }

    /** Whether partitions of the topic stay where they are. */
    public boolean isExcluded(String topic) {
        for (String name : excludedTopics) {
            if (name.endsWith("*") ? topic.startsWith(name.substring(0, name.length() - 1)) : topic.equals(name)) {
                return true;
            }
        }
        return false;
    }

    public boolean isExcluded(int brokerId) {
        return excludedBrokers.contains(brokerId);
    }
}
