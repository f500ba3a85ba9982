// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.server.config.AbstractKafkaConfig;

/** Kafka's typed view of the configuration, with our keys beside Kafka's in one definition. */
public final class KafkaSettings extends AbstractKafkaConfig {
    /** Kafka's keys and ours. */
    public static final ConfigDef DEFINITION =
            Utils.mergeConfigs(List.of(AbstractKafkaConfig.CONFIG_DEF, FreshetKeys.CONFIG_DEF));

    KafkaSettings(Map<String, String> values) {
        super(DEFINITION, AbstractKafkaConfig.populateSynonyms(values), Map.of(), false);
    }
}
