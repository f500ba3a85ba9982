// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.image.ConfigurationsImage;
import org.apache.kafka.storage.internals.log.LogConfig;

/**
 * A topic's effective configuration by topic name: its own values over the broker's defaults, as of the newest image. Safe
 * for use by many threads and cheap enough for the hot path: between two changes of any configuration a topic's
 * configuration is parsed once. Names of topics that do not exist give the defaults.
 */
public final class TopicConfigs implements Function<String, LogConfig> {
    private final BrokerConfigs broker;
    private volatile Parsed parsed;

    public TopicConfigs(BrokerConfigs broker) {
        this.broker = broker;
        this.parsed = new Parsed(broker, broker.image());
    }

    @Override
    public LogConfig apply(String topic) {
        ConfigurationsImage newest = broker.image();
        Parsed known = parsed;
        if (!known.isOf(newest)) {
            known = new Parsed(broker, newest);
            parsed = known;
        }
        return known.byTopic.computeIfAbsent(topic, known::parse);
    }

    /** The WAL lane that the topic names, or the broker's default. Not for the hot path. */
    public String lane(String topic) {
        return broker.image()
                .configProperties(new ConfigResource(ConfigResource.Type.TOPIC, topic))
                .getProperty(TopicLanes.NAME, broker.defaultLane());
    }

    /** What was parsed of one image; an image is immutable and its identity changes with its content. */
    private static final class Parsed {
        private final ConfigurationsImage image;
        private final Map<String, String> defaults;
        private final Map<String, LogConfig> byTopic = new ConcurrentHashMap<>();

        Parsed(BrokerConfigs broker, ConfigurationsImage image) {
            this.image = image;
            this.defaults = broker.topicDefaults(image);
        }

        /** By identity: comparing contents would cost more than parsing anew. */
        @SuppressWarnings("ReferenceEquality")
        boolean isOf(ConfigurationsImage other) {
            return image == other;
        }

        LogConfig parse(String topic) {
            return LogConfig.fromProps(
                    defaults, image.configProperties(new ConfigResource(ConfigResource.Type.TOPIC, topic)));
        }
    }
}
