// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.ApiVersionsHandler;
import io.freshet.broker.api.SupportedFeatures;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.controller.ControllersHandler;
import io.freshet.broker.controller.EnvelopeApi;
import io.freshet.broker.controller.LeaderForward;
import io.freshet.broker.controller.RaftApis;
import io.freshet.metadata.QuorumNode;
import io.freshet.protocol.EnabledApis;
import io.freshet.protocol.KafkaServer;
import io.freshet.protocol.KafkaServerConfig;
import io.freshet.protocol.KafkaServers;
import io.freshet.protocol.Listener;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.core.instrument.config.MeterFilter;
import java.util.List;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.server.common.FinalizedFeatures;

/**
 * The listener on which the quorum's other nodes reach this one: a server of its own, so that clients never take its memory
 * or its thread. It is bound before Raft starts and closed after it has stopped.
 */
final class ControllerListener implements AutoCloseable {
    private static final long REQUEST_MEMORY_BYTES = 32 << 20;

    private final ServerConfig config;
    private final KafkaServer network;
    private final StartGate gate;

    private ControllerListener(ServerConfig config, KafkaServer network, StartGate gate) {
        this.config = config;
        this.network = network;
        this.gate = gate;
    }

    /** Binds the controller listeners of {@code config}; requests are turned away until {@link #serve}. */
    static ControllerListener bind(ServerConfig config, Runtime runtime) {
        List<Listener> listeners = config.quorum().listeners().stream()
                .map(ControllerListener::listener)
                .toList();
        KafkaServerConfig defaults = KafkaServerConfig.defaults(listeners);
        KafkaServerConfig settings = defaults.withLimits(defaults.limits()
                        .withRequestMemoryBytes(
                                Math.min(REQUEST_MEMORY_BYTES, defaults.limits().requestMemoryBytes()))
                        .withIdleMs(config.kafka().connectionsMaxIdleMs()))
                .withSockets(defaults.sockets().withEventLoops(1));
        CompositeMeterRegistry meters = new CompositeMeterRegistry(Clock.SYSTEM, List.of(runtime.meters()));
        meters.config().meterFilter(new OwnNames());
        StartGate gate = new StartGate();
        KafkaServer network = KafkaServers.start(settings, gate, EnabledApis.controllers(), meters, runtime.clock());
        return new ControllerListener(config, network, gate);
    }

    private static Listener listener(org.apache.kafka.common.Endpoint endpoint) {
        boolean isAny = endpoint.host() == null || endpoint.host().isEmpty();
        return new Listener(endpoint.listener(), isAny ? "0.0.0.0" : endpoint.host(), endpoint.port());
    }

    /** From now on {@code node} answers; what only the leader knows is asked of {@code leader}. */
    void serve(QuorumNode node, LeaderForward leader) {
        ApiRouter router = new ApiRouter();
        new RaftApis(node).register(router);
        new EnvelopeApi(node::answerCommand).register(router);
        router.register(ApiKeys.DESCRIBE_CLUSTER, new ControllersHandler(node.clusterId(), leader));
        router.register(
                ApiKeys.API_VERSIONS,
                new ApiVersionsHandler(
                        router,
                        node.clusterId(),
                        config.nodeId(),
                        SupportedFeatures.ofThisVersion(),
                        () -> features(node)));
        gate.open(router);
    }

    private static FinalizedFeatures features(QuorumNode node) {
        var features = node.image().features();
        return features.metadataVersion()
                .map(version -> FinalizedFeatures.of(
                        version, features.finalizedVersions(), node.image().offset()))
                .orElseGet(FinalizedFeatures::unknown);
    }

    @Override
    public void close() {
        network.close();
    }

    /** Keeps the meters of this server apart from those of the clients' server. */
    private static final class OwnNames implements MeterFilter {
        private static final String CLIENTS = "freshet.network.";
        private static final String CONTROLLERS = "freshet.controller.network.";

        @Override
        public Meter.Id map(Meter.Id id) {
            return id.getName().startsWith(CLIENTS)
                    ? id.withName(CONTROLLERS + id.getName().substring(CLIENTS.length()))
                    : id;
        }
    }
}
