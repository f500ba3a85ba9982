// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.config.WalKeys;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.server.config.ConfigSynonym;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.storage.internals.log.LogConfig;

/** The one topic configuration that Kafka does not have: which WAL lane the topic's records are acknowledged by. */
final class TopicLanes {
    /** The same name as the broker's default. */
    static final String NAME = WalKeys.WAL_LANE;

    private TopicLanes() {}

    /** Kafka's topic configurations and this one. */
    static ConfigDef topicDefinition() {
        return LogConfig.configDefCopy()
                .define(NAME, ConfigDef.Type.STRING, WalKeys.BLOCK, ConfigDef.Importance.MEDIUM, WalKeys.WAL_LANE_DOC);
    }

    /** Kafka's stand-ins for topic configurations and this one's. */
    static Map<String, List<ConfigSynonym>> synonyms() {
        Map<String, List<ConfigSynonym>> all = new HashMap<>(ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS);
        all.put(NAME, List.of(new ConfigSynonym(NAME)));
        return all;
    }

    /** The lanes that a broker with this configuration runs. */
    static List<String> of(AbstractConfig values) {
        return values.getList(WalKeys.WAL_LANES);
    }

    /** Throws InvalidConfigurationException if {@code configs} name a lane that is not among {@code lanes}. */
    static void check(Map<String, String> configs, List<String> lanes) {
        String lane = configs.get(NAME);
        if (lane != null && !lanes.contains(lane)) {
            throw new InvalidConfigurationException("There is no WAL lane '" + lane + "': " + NAME + " must be one of "
                    + lanes + ", the lanes that the brokers run (" + WalKeys.WAL_LANES + ")");
        }
    }

    /** {@code configs} without this one: what Kafka knows. */
    static Map<String, String> removedFrom(Map<String, String> configs) {
        Map<String, String> kafkas = new LinkedHashMap<>(configs);
        kafkas.remove(NAME);
        return kafkas;
    }
}
