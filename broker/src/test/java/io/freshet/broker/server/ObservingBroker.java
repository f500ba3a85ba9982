// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.ServerConfig;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.QuorumNode;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.Uuid;

/** The metadata part of a node with the role broker alone. */
final class ObservingBroker implements AutoCloseable {
    private final OpenedParts opened = new OpenedParts();
    final QuorumNode node;

    /** Starts on {@code directory}, formatting it first if it is new. */
    ObservingBroker(Path directory, int nodeId, String clusterId, String controllers) {
        if (!MetadataFormat.isFormatted(directory)) {
            MetadataFormat.formatObserver(directory, clusterId, nodeId, Uuid.randomUuid());
        }
        ServerConfig config = ServerConfig.of(Map.of(
                "process.roles", "broker",
                "node.id", Integer.toString(nodeId),
                "listeners", "PLAINTEXT://127.0.0.1:0",
                "controller.listener.names", "CONTROLLER",
                "listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
                "controller.quorum.bootstrap.servers", controllers,
                "controller.quorum.fetch.timeout.ms", "1200",
                "log.dirs", directory.toString()));
        Runtime runtime = new Runtime(
                Clock.system(),
                opened.add("scheduler", Threads.scheduler("test-observer")),
                Randomness.secure(),
                new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
        this.node = new MetadataWiring(config, runtime).launch(Optional.empty(), opened);
    }

    @Override
    public void close() {
        opened.close();
    }
}
