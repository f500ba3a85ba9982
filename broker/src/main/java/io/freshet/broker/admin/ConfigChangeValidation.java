// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.metadata.balance.BalanceSettings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.controller.ConfigurationValidator;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.coordinator.group.GroupCoordinatorConfig;
import org.apache.kafka.coordinator.group.modern.share.ShareGroupConfig;
import org.apache.kafka.server.config.DynamicBrokerConfig;
import org.apache.kafka.server.metrics.ClientMetricsConfigs;
import org.apache.kafka.storage.internals.log.LogConfig;

/**
 * Decides whether a resource may have a set of configurations. For the controller, which asks before it commits a change.
 * Stateless; safe for use by many threads. Throws Kafka's InvalidConfigurationException or InvalidRequestException with the
 * reason.
 */
public final class ConfigChangeValidation implements ConfigurationValidator {
    private final Map<String, String> staticTopicDefaults;
    private final GroupCoordinatorConfig groupConfig;
    private final ShareGroupConfig shareGroupConfig;
    private final List<String> lanes;

    /**
     * @param staticTopicDefaults defaults of topic configurations, by topic configuration name, as the broker's file gives them
     * @param lanes WAL lanes that topics may name
     */
    ConfigChangeValidation(
            Map<String, String> staticTopicDefaults,
            GroupCoordinatorConfig groupConfig,
            ShareGroupConfig shareGroupConfig,
            List<String> lanes) {
        this.staticTopicDefaults = Map.copyOf(staticTopicDefaults);
        this.groupConfig = groupConfig;
        this.shareGroupConfig = shareGroupConfig;
        this.lanes = List.copyOf(lanes);
    }

    /**
     * Rules that follow from the broker's file alone; no metadata image is read, so the controller may be built first.
     *
     * @param values the file's configuration, parsed
     */
    public static ConfigChangeValidation of(AbstractConfig values) {
        return new ConfigChangeValidation(
                BrokerConfigs.topicDefaults(List.of(BrokerConfigs.unparsed(values))),
                new GroupCoordinatorConfig(values),
                new ShareGroupConfig(values),
                TopicLanes.of(values));
    }

    /** Checks the configurations that a resource would have, whatever it has now. */
    public void validate(ConfigResource resource, Map<String, String> newConfigs) {
        validate(resource, newConfigs, Map.of());
    }

    /** Checks a resource whose configurations are all removed. */
    @Override
    public void validate(ConfigResource resource) {
        switch (resource.type()) {
            case TOPIC -> validateTopicName(resource.name());
            case BROKER -> validateBrokerName(resource.name());
            default -> throw unknownType(resource);
        }
    }

    @Override
    public void validate(ConfigResource resource, Map<String, String> newConfigs, Map<String, String> existingConfigs) {
        try {
            switch (resource.type()) {
                case TOPIC -> validateTopic(resource, newConfigs, existingConfigs);
                case BROKER -> validateBroker(resource, newConfigs);
                case CLIENT_METRICS ->
                    ClientMetricsConfigs.validate(resource.name(), withoutNulls(newConfigs, "client metrics"));
                case GROUP -> validateGroup(resource, newConfigs);
                default -> throw unknownType(resource);
            }
        } catch (ConfigException e) {
            throw new InvalidConfigurationException(e.getMessage(), e);
        }
    }

    private void validateTopic(
            ConfigResource resource, Map<String, String> newConfigs, Map<String, String> existingConfigs) {
        validateTopicName(resource.name());
        Map<String, String> given = withoutNulls(newConfigs, "topic");
        TopicLanes.check(given, lanes);
        LogConfig.validate(
                TopicLanes.removedFrom(existingConfigs), TopicLanes.removedFrom(given), staticTopicDefaults, false);
    }

    private void validateGroup(ConfigResource resource, Map<String, String> newConfigs) {
        if (resource.name().isEmpty()) {
            throw new InvalidRequestException("Default group resources are not allowed.");
        }
        GroupConfig.validate(withoutNulls(newConfigs, "group"), groupConfig, shareGroupConfig);
    }

    /** Kafka answers a refused broker configuration with INVALID_REQUEST, not INVALID_CONFIG; clients rely on it. */
    private void validateBroker(ConfigResource resource, Map<String, String> newConfigs) {
        validateBrokerName(resource.name());
        Properties given = new Properties();
        withoutNulls(newConfigs, "broker").forEach(given::setProperty);
        boolean perBroker = !resource.name().isEmpty();
        try {
            BalanceSettings.validate(withoutNulls(newConfigs, "broker"));
            Properties kafkas = withoutBalance(given, perBroker);
            DynamicBrokerConfig.validateConfigs(kafkas, kafkas, perBroker);
            refuseUnsupported(given);
            checkDrained(given, perBroker);
            Map<String, String> defaults = new HashMap<>(staticTopicDefaults);
            defaults.putAll(BrokerConfigs.topicDefaults(List.of(withoutNulls(newConfigs, "broker"))));
            LogConfig.validate(Map.of(), Map.of(), defaults, false);
        } catch (ConfigException | InvalidConfigurationException e) {
            throw new InvalidRequestException(e.getMessage(), e);
        }
    }

    private static Properties withoutBalance(Properties given, boolean perBroker) {
        Properties others = new Properties();
        given.stringPropertyNames().forEach(name -> {
            if (!BalanceSettings.NAMES.contains(name)) {
                others.setProperty(name, given.getProperty(name));
            } else if (perBroker) {
                throw new InvalidRequestException(
                        name + " holds for the whole cluster: change it with --entity-default, for no single broker");
            }
        });
        return others;
    }

    private static void refuseUnsupported(Properties given) {
        TreeSet<String> unsupported = new TreeSet<>(given.stringPropertyNames());
        unsupported.removeAll(BrokerConfigs.SUPPORTED_DYNAMIC_NAMES);
        if (!unsupported.isEmpty()) {
            throw new InvalidRequestException("This broker cannot change " + unsupported
                    + " while it runs: set them in its configuration file and restart it");
        }
    }

    private static void checkDrained(Properties given, boolean perBroker) {
        String isDrained = given.getProperty(FreshetKeys.BROKER_DRAINED);
        if (isDrained == null) {
            return;
        }
        if (!perBroker) {
            throw new InvalidRequestException(
                    FreshetKeys.BROKER_DRAINED + " is of one broker, not of all: name the broker");
        }
        if (!isDrained.equals("true") && !isDrained.equals("false")) {
            throw new InvalidRequestException(FreshetKeys.BROKER_DRAINED + " must be true or false, not " + isDrained);
        }
    }

    private static void validateTopicName(String name) {
        if (name.isEmpty()) {
            throw new InvalidRequestException("Default topic resources are not allowed.");
        }
        Topic.validate(name);
    }

    private static void validateBrokerName(String name) {
        if (!name.isEmpty() && parseNodeId(name) < 0) {
            throw new InvalidRequestException("Invalid negative broker id " + name);
        }
    }

    static int parseNodeId(String name) {
        try {
            return Integer.parseInt(name);
        } catch (NumberFormatException e) {
            throw new InvalidRequestException("Broker id must be an integer, but it is: " + name, e);
        }
    }

    private static Map<String, String> withoutNulls(Map<String, String> configs, String what) {
        List<String> nulls = new ArrayList<>();
        configs.forEach((name, value) -> {
            if (value == null) {
                nulls.add(name);
            }
        });
        if (!nulls.isEmpty()) {
            throw new InvalidConfigurationException(
                    "Null value not supported for " + what + " configs: " + String.join(",", nulls));
        }
        return new HashMap<>(configs);
    }

    private static InvalidRequestException unknownType(ConfigResource resource) {
        return new InvalidRequestException("Unknown resource type " + resource.type());
    }
}
