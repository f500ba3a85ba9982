// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import java.util.Map;
import org.apache.kafka.clients.ApiVersions;
import org.apache.kafka.clients.BootstrapConfiguration;
import org.apache.kafka.clients.KafkaClient;
import org.apache.kafka.clients.ManualMetadataUpdater;
import org.apache.kafka.clients.MetadataRecoveryStrategy;
import org.apache.kafka.clients.NetworkClient;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.network.Selectable;
import org.apache.kafka.common.network.Selector;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.internals.LogContext;

/** Makes Kafka's network client as commands need it. */
final class EnvelopeConnections {
    private static final long IDLE_MS = 600_000;
    private static final long RECONNECT_PAUSE_MS = 20;
    private static final long RECONNECT_PAUSE_MAX_MS = 500;

    private EnvelopeConnections() {}

    static KafkaClient client(EnvelopeSettings settings, Time time) {
        LogContext context = new LogContext("[" + settings.clientId() + "] ");
        Selector selector = new Selector(
                settings.maxAnswerBytes(),
                IDLE_MS,
                new Metrics(time),
                time,
                "command-channel",
                Map.of(),
                false,
                settings.security().get(),
                context);
        return new NetworkClient(
                selector,
                new ManualMetadataUpdater(),
                settings.clientId(),
                settings.maxInFlight(),
                RECONNECT_PAUSE_MS,
                RECONNECT_PAUSE_MAX_MS,
                Selectable.USE_DEFAULT_BUFFER_SIZE,
                Selectable.USE_DEFAULT_BUFFER_SIZE,
                settings.silenceMs(),
                settings.connectMs(),
                3 * settings.connectMs(),
                time,
                true,
                new ApiVersions(),
                context,
                MetadataRecoveryStrategy.NONE,
                BootstrapConfiguration.DISABLED,
                false);
    }
}
