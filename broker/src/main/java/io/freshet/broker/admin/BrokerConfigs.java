// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.metadata.balance.BalanceSettings;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.image.ConfigurationsImage;
import org.apache.kafka.metadata.KafkaConfigSchema;
import org.apache.kafka.server.config.ConfigSynonym;
import org.apache.kafka.server.config.DynamicBrokerConfig;
import org.apache.kafka.server.config.ReplicationConfigs;
import org.apache.kafka.server.config.ServerConfigs;
import org.apache.kafka.server.config.ServerLogConfigs;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.server.metrics.ClientMetricsConfigs;
import org.jspecify.annotations.Nullable;

/**
 * This broker's configuration in its layers: what the file said, the cluster's dynamic defaults, this broker's dynamic
 * values. A later layer wins. Safe for use by many threads; dynamic values are read from the image on each call.
 */
public final class BrokerConfigs {
    /**
     * The dynamic names that take effect without a restart: the broker-wide defaults of topic configurations, whether
     * a broker is drained, and how brokers are kept even.
     */
    static final Set<String> SUPPORTED_DYNAMIC_NAMES = Stream.concat(
                    Stream.concat(Stream.of(FreshetKeys.BROKER_DRAINED), BalanceSettings.NAMES.stream()),
                    ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS.values().stream()
                            .flatMap(List::stream)
                            .map(ConfigSynonym::name)
                            .filter(DynamicBrokerConfig.ALL_DYNAMIC_CONFIGS::contains))
            .collect(Collectors.toUnmodifiableSet());

    private final int nodeId;
    private final ConfigDef definition;
    private final AbstractConfig values;
    private final Map<String, String> staticConfigs;
    private final Supplier<ConfigurationsImage> image;

    /**
     * @param definition every configuration that the broker knows, at least Kafka's server, log, replication, group
     *     coordinator and share group definitions
     * @param values the file's configuration, parsed by {@code definition}
     * @param image the configurations as applied on this node
     */
    public BrokerConfigs(int nodeId, ConfigDef definition, AbstractConfig values, Supplier<ConfigurationsImage> image) {
        this.nodeId = nodeId;
        this.definition = definition;
        this.values = values;
        this.image = image;
        this.staticConfigs = unparsed(values);
    }

    static Map<String, String> unparsed(AbstractConfig values) {
        Map<String, String> given = new HashMap<>();
        values.originals().forEach((name, value) -> given.put(name, String.valueOf(value)));
        return Map.copyOf(given);
    }

    /**
     * Types, defaults and synonyms of every configuration that can be changed, for the controller.
     *
     * @param definition every configuration that the broker knows
     */
    public static KafkaConfigSchema schema(ConfigDef definition) {
        return new KafkaConfigSchema(
                Map.of(
                        ConfigResource.Type.BROKER, definition,
                        ConfigResource.Type.TOPIC, TopicLanes.topicDefinition(),
                        ConfigResource.Type.CLIENT_METRICS, ClientMetricsConfigs.configDef()),
                TopicLanes.synonyms());
    }

    public int nodeId() {
        return nodeId;
    }

    public ConfigDef definition() {
        return definition;
    }

    /** The configuration as parsed from the file, with defaults. */
    public AbstractConfig values() {
        return values;
    }

    /** What the file set, unparsed. */
    public Map<String, String> staticConfigs() {
        return staticConfigs;
    }

    public ConfigurationsImage image() {
        return image.get();
    }

    /** The cluster-wide dynamic values. */
    public Map<String, String> dynamicDefaults(ConfigurationsImage from) {
        return from.configMapForResource(new ConfigResource(ConfigResource.Type.BROKER, ""));
    }

    /** This broker's own dynamic values. */
    public Map<String, String> dynamicValues(ConfigurationsImage from) {
        return from.configMapForResource(new ConfigResource(ConfigResource.Type.BROKER, Integer.toString(nodeId)));
    }

    /** The defaults of topic configurations that follow from all layers, by topic configuration name. */
    Map<String, String> topicDefaults(ConfigurationsImage from) {
        return topicDefaults(List.of(dynamicValues(from), dynamicDefaults(from), staticConfigs));
    }

    /** As above for given layers, the strongest first. Only names that some layer sets are in the result. */
    static Map<String, String> topicDefaults(List<Map<String, String>> layers) {
        Map<String, String> defaults = new HashMap<>();
        ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS.forEach((topicName, synonyms) -> {
            String value = firstSet(layers, synonyms);
            if (value != null) {
                defaults.put(topicName, value);
            }
        });
        return defaults;
    }

    private static @Nullable String firstSet(List<Map<String, String>> layers, List<ConfigSynonym> synonyms) {
        for (Map<String, String> layer : layers) {
            for (ConfigSynonym synonym : synonyms) {
                String value = layer.get(synonym.name());
                if (value != null) {
                    return synonym.converter().apply(value);
                }
            }
        }
        return null;
    }

    /** The WAL lane of topics that name none. */
    String defaultLane() {
        return values.getString(TopicLanes.NAME);
    }

    boolean isAutoCreateEnabled() {
        return values.getBoolean(ServerLogConfigs.AUTO_CREATE_TOPICS_ENABLE_CONFIG);
    }

    boolean isTopicDeletionEnabled() {
        return values.getBoolean(ServerConfigs.DELETE_TOPIC_ENABLE_CONFIG);
    }

    /** Partitions of a topic made without a count; empty leaves it to the controller. */
    @Nullable
    Integer givenPartitionCount() {
        return staticConfigs.containsKey(ServerLogConfigs.NUM_PARTITIONS_CONFIG)
                ? values.getInt(ServerLogConfigs.NUM_PARTITIONS_CONFIG)
                : null;
    }

    /** Replication factor of a topic made without one; empty leaves it to the controller. */
    @Nullable
    Short givenReplicationFactor() {
        return staticConfigs.containsKey(ReplicationConfigs.DEFAULT_REPLICATION_FACTOR_CONFIG)
                ? values.getInt(ReplicationConfigs.DEFAULT_REPLICATION_FACTOR_CONFIG)
                        .shortValue()
                : null;
    }

    int maxPartitionsPerDescription() {
        return values.getInt(ServerConfigs.MAX_REQUEST_PARTITION_SIZE_LIMIT_CONFIG);
    }
}
