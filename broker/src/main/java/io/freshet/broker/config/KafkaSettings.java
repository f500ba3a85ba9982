// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import io.freshet.metadata.MetadataNodeConfig;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.raft.KRaftConfigs;
import org.apache.kafka.server.config.AbstractKafkaConfig;

/** Kafka's typed view of the configuration, with our keys beside Kafka's in one definition. */
public final class KafkaSettings extends AbstractKafkaConfig {
    /** Kafka's keys and ours. */
    public static final ConfigDef DEFINITION = definition();

    private static ConfigDef definition() {
        ConfigDef merged = Utils.mergeConfigs(List.of(AbstractKafkaConfig.CONFIG_DEF, FreshetKeys.CONFIG_DEF));
        setDefault(merged, KRaftConfigs.BROKER_HEARTBEAT_INTERVAL_MS_CONFIG, 500);
        setDefault(merged, KRaftConfigs.BROKER_SESSION_TIMEOUT_MS_CONFIG, (int)
                MetadataNodeConfig.DEFAULT_BROKER_SESSION_TIMEOUT_MS);
        return merged;
    }

    /** A dead broker's partitions are served by others at once here, so it pays to notice its death soon. */
    private static void setDefault(ConfigDef definition, String name, Object value) {
        definition
                .configKeys()
                .computeIfPresent(
                        name,
                        (key, kafkas) -> new ConfigDef.ConfigKey(
                                name,
                                kafkas.type,
                                value,
                                kafkas.validator,
                                kafkas.importance,
                                kafkas.documentation,
                                kafkas.group,
                                kafkas.orderInGroup,
                                kafkas.width,
                                kafkas.displayName,
                                kafkas.dependents,
                                kafkas.recommender,
                                kafkas.internalConfig));
    }

    KafkaSettings(Map<String, String> values) {
        super(DEFINITION, AbstractKafkaConfig.populateSynonyms(values), Map.of(), false);
    }
}
