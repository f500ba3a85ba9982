// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.config.WalKeys;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.message.DescribeConfigsResponseData.DescribeConfigsResourceResult;
import org.apache.kafka.common.message.DescribeConfigsResponseData.DescribeConfigsSynonym;
import org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigSource;
import org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigType;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.image.ConfigurationsImage;
import org.apache.kafka.server.config.DynamicBrokerConfig;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.server.metrics.ClientMetricsConfigs;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.jspecify.annotations.Nullable;

/**
 * Makes the answer for one configuration: its value, where that comes from, and which values would hold if the stronger ones
 * were removed. Passwords, and whatever has no known type, are never shown. One object serves one request.
 */
final class ConfigDescriptions {
    private final BrokerConfigs broker;
    private final boolean withSynonyms;
    private final boolean withDocumentation;
    private final Map<String, String> dynamicValues;
    private final Map<String, String> dynamicDefaults;

    ConfigDescriptions(
            BrokerConfigs broker, ConfigurationsImage image, boolean withSynonyms, boolean withDocumentation) {
        this.broker = broker;
        this.withSynonyms = withSynonyms;
        this.withDocumentation = withDocumentation;
        this.dynamicValues = broker.dynamicValues(image);
        this.dynamicDefaults = broker.dynamicDefaults(image);
    }

    DescribeConfigsResourceResult topic(LogConfig config, Properties own, String name, @Nullable Object value) {
        if (name.equals(TopicLanes.NAME)) {
            return topicLane(own);
        }
        Optional<ConfigDef.Type> type = LogConfig.configType(name);
        String brokerName = ServerTopicConfigSynonyms.TOPIC_CONFIG_SYNONYMS.get(name);
        List<DescribeConfigsSynonym> synonyms =
                brokerName == null ? new ArrayList<>() : brokerSynonyms(brokerName, isSensitive(type));
        return own(config, own, ConfigSource.TOPIC_CONFIG, new Entry(name, value, type), synonyms);
    }

    /** The topic configuration that Kafka does not know. */
    DescribeConfigsResourceResult topicLane(Properties own) {
        Optional<ConfigDef.Type> type = Optional.of(ConfigDef.Type.STRING);
        String value = own.getProperty(TopicLanes.NAME, broker.defaultLane());
        Entry entry = new Entry(TopicLanes.NAME, value, type);
        List<DescribeConfigsSynonym> synonyms = brokerSynonyms(TopicLanes.NAME, false);
        if (own.containsKey(TopicLanes.NAME)) {
            synonyms.add(0, synonym(TopicLanes.NAME, value, ConfigSource.TOPIC_CONFIG));
        }
        return result(entry, synonyms, false, withDocumentation ? WalKeys.WAL_LANE_DOC : null);
    }

    DescribeConfigsResourceResult group(GroupConfig config, Properties own, String name, @Nullable Object value) {
        Optional<ConfigDef.Type> type = GroupConfig.configType(name);
        List<DescribeConfigsSynonym> synonyms = GroupConfig.brokerSynonym(name)
                .map(brokerName -> brokerSynonyms(brokerName, isSensitive(type)))
                .orElseGet(ArrayList::new);
        return own(config, own, ConfigSource.GROUP_CONFIG, new Entry(name, value, type), synonyms);
    }

    DescribeConfigsResourceResult clientMetrics(
            ClientMetricsConfigs config, Properties own, String name, @Nullable Object value) {
        Entry entry = new Entry(name, value, ClientMetricsConfigs.configType(name));
        return own(config, own, ConfigSource.CLIENT_METRICS_CONFIG, entry, new ArrayList<>());
    }

    private DescribeConfigsResourceResult own(
            AbstractConfig config,
            Properties own,
            ConfigSource ownSource,
            Entry entry,
            List<DescribeConfigsSynonym> synonyms) {
        if (own.containsKey(entry.name)) {
            synonyms.add(0, synonym(entry.name, entry.shown(), ownSource));
        }
        return result(entry, synonyms, false, withDocumentation ? config.documentationOf(entry.name) : null);
    }

    /** @param isPerBroker whether the broker's own view is described, not just the cluster's dynamic defaults */
    DescribeConfigsResourceResult broker(String name, @Nullable Object value, boolean isPerBroker) {
        ConfigDef.ConfigKey key = definitionOf(name);
        Entry entry = new Entry(name, value, Optional.ofNullable(key).map(known -> known.type));
        List<DescribeConfigsSynonym> synonyms = brokerSynonyms(name, isSensitive(entry.type));
        if (!isPerBroker) {
            synonyms.removeIf(synonym -> synonym.source() != ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG.id());
        }
        boolean isReadOnly = !BrokerConfigs.SUPPORTED_DYNAMIC_NAMES.contains(name);
        return result(entry, synonyms, isReadOnly, withDocumentation && key != null ? key.documentation : null);
    }

    private ConfigDef.@Nullable ConfigKey definitionOf(String name) {
        return broker.definition().configKeys().get(name);
    }

    /** All broker configuration's effective values: the file's, with the dynamic ones that take effect over them. */
    Map<String, Object> effectiveBrokerValues() {
        Map<String, Object> effective = new HashMap<>(broker.values().nonInternalValues());
        broker.staticConfigs().forEach(effective::putIfAbsent);
        putParsed(effective, dynamicDefaults);
        putParsed(effective, dynamicValues);
        return effective;
    }

    Map<String, String> dynamicDefaults() {
        return dynamicDefaults;
    }

    private void putParsed(Map<String, Object> effective, Map<String, String> layer) {
        layer.forEach((name, value) -> {
            ConfigDef.ConfigKey key = definitionOf(name);
            effective.put(name, key == null ? value : ConfigDef.parseType(name, value, key.type));
        });
    }

    private DescribeConfigsResourceResult result(
            Entry entry, List<DescribeConfigsSynonym> synonyms, boolean isReadOnly, @Nullable String documentation) {
        return new DescribeConfigsResourceResult()
                .setName(entry.name)
                .setValue(entry.shown())
                .setConfigSource(
                        synonyms.isEmpty()
                                ? ConfigSource.DEFAULT_CONFIG.id()
                                : synonyms.get(0).source())
                .setIsSensitive(isSensitive(entry.type))
                .setReadOnly(isReadOnly)
                .setSynonyms(withSynonyms ? synonyms : List.of())
                .setDocumentation(documentation)
                .setConfigType(entry.type
                        .map(ConfigDescriptions::answerType)
                        .orElse(ConfigType.UNKNOWN)
                        .id());
    }

    /** The values of {@code name} and of the names that stand in for it, strongest layer first. */
    private List<DescribeConfigsSynonym> brokerSynonyms(String name, boolean isSensitive) {
        List<String> names = DynamicBrokerConfig.brokerConfigSynonyms(name, true);
        List<DescribeConfigsSynonym> all = new ArrayList<>();
        addLayer(all, names, dynamicValues, ConfigSource.DYNAMIC_BROKER_CONFIG, isSensitive);
        addLayer(all, names, dynamicDefaults, ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG, isSensitive);
        addLayer(all, names, broker.staticConfigs(), ConfigSource.STATIC_BROKER_CONFIG, isSensitive);
        addLayer(all, names, defaults(names), ConfigSource.DEFAULT_CONFIG, isSensitive);
        return all;
    }

    private Map<String, String> defaults(List<String> names) {
        Map<String, String> defaults = new HashMap<>();
        for (String name : names) {
            ConfigDef.ConfigKey key = definitionOf(name);
            if (key != null && key.hasDefault() && key.defaultValue != null) {
                defaults.put(name, ConfigDef.convertToString(key.defaultValue, key.type));
            }
        }
        return defaults;
    }

    private static void addLayer(
            List<DescribeConfigsSynonym> all,
            List<String> names,
            Map<String, String> layer,
            ConfigSource source,
            boolean isSensitive) {
        for (String name : names) {
            String value = layer.get(name);
            if (value != null) {
                all.add(synonym(name, isSensitive ? null : value, source));
            }
        }
    }

    private static DescribeConfigsSynonym synonym(String name, @Nullable String value, ConfigSource source) {
        return new DescribeConfigsSynonym().setName(name).setValue(value).setSource(source.id());
    }

    private static boolean isSensitive(Optional<ConfigDef.Type> type) {
        return type.isEmpty() || type.get() == ConfigDef.Type.PASSWORD;
    }

    private static ConfigType answerType(ConfigDef.Type type) {
        return switch (type) {
            case BOOLEAN -> ConfigType.BOOLEAN;
            case STRING -> ConfigType.STRING;
            case INT -> ConfigType.INT;
            case SHORT -> ConfigType.SHORT;
            case LONG -> ConfigType.LONG;
            case DOUBLE -> ConfigType.DOUBLE;
            case LIST -> ConfigType.LIST;
            case CLASS -> ConfigType.CLASS;
            case PASSWORD -> ConfigType.PASSWORD;
        };
    }

    /** One configuration: its name, its effective value (as text if it was never parsed), its type if it is known. */
    private record Entry(String name, @Nullable Object value, Optional<ConfigDef.Type> type) {
        @Nullable
        String shown() {
            if (isSensitive(type) || value == null) {
                return null;
            }
            return value instanceof String unparsed ? unparsed : ConfigDef.convertToString(value, type.get());
        }
    }
}
