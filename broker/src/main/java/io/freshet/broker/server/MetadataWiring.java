// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.admin.BrokerConfigs;
import io.freshet.broker.admin.ConfigChangeValidation;
import io.freshet.broker.config.KafkaSettings;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.membership.Membership;
import io.freshet.broker.membership.MembershipConfig;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.MetadataNode;
import io.freshet.metadata.MetadataNodeConfig;
import io.freshet.metadata.MetadataNodes;
import io.freshet.metadata.QuorumNode;
import io.freshet.metadata.mirror.MirrorSettings;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.image.ConfigurationsImage;
import org.apache.kafka.raft.KRaftConfigs;

/** Starts this node's part of the quorum, and registers its broker. */
final class MetadataWiring {
    private static final Duration READY_TIMEOUT = Duration.ofSeconds(60);
    private static final Duration FLUSH_TIMEOUT = Duration.ofSeconds(5);
    private static final String DEFAULT_CONTROLLER_HOST = "localhost";
    private static final int DEFAULT_CONTROLLER_PORT = 9093;

    private final ServerConfig config;
    private final Runtime runtime;
    private final AtomicReference<ConfigurationsImage> configurations =
            new AtomicReference<>(ConfigurationsImage.EMPTY);
    private final BrokerConfigs brokerConfigs;

    MetadataWiring(ServerConfig config, Runtime runtime) {
        this.config = config;
        this.runtime = runtime;
        this.brokerConfigs =
                new BrokerConfigs(config.nodeId(), KafkaSettings.DEFINITION, config.kafka(), configurations::get);
    }

    /** This broker's configuration with what the quorum adds to it. */
    BrokerConfigs brokerConfigs() {
        return brokerConfigs;
    }

    /** Starts the node and waits until it leads and has replayed its log; the store of {@code mirror} outlives it. */
    MetadataNode start(Optional<MirrorSettings> mirror, OpenedParts opened) {
        ConfigChangeValidation validation = ConfigChangeValidation.of(config.kafka());
        Map<String, Object> staticConfig = new HashMap<>();
        config.kafka().nonInternalValues().forEach((key, value) -> {
            if (value != null) {
                staticConfig.put(key, value);
            }
        });
        QuorumNode node = opened.add(
                "metadata",
                MetadataNodes.start(
                        new MetadataNodeConfig(
                                config.metadataDirectory(),
                                config.nodeId(),
                                DEFAULT_CONTROLLER_HOST,
                                DEFAULT_CONTROLLER_PORT,
                                config.kafka().numPartitions(),
                                (short) config.kafka().defaultReplicationFactor(),
                                MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES,
                                validation::validate,
                                BrokerConfigs.schema(KafkaSettings.DEFINITION),
                                staticConfig,
                                Map.of(),
                                config.kafka().getInt(KRaftConfigs.BROKER_SESSION_TIMEOUT_MS_CONFIG)),
                        mirror,
                        runtime.clock(),
                        runtime.randomness(),
                        runtime.meters()));
        opened.add(
                "metadata mirror", () -> Waiting.on("The last write of the mirror", FLUSH_TIMEOUT, node.flushMirror()));
        node.addListener((delta, image) -> configurations.set(image.configs()));
        Waiting.on("the metadata quorum", READY_TIMEOUT, node.ready());
        return node;
    }

    /** Registers this process as the broker and waits until its image says so. */
    RegisteredBroker register(MetadataNode node, Map<String, Integer> boundPorts, List<String> walLanes) {
        List<Endpoint> endpoints = config.advertisedListeners(boundPorts).stream()
                .map(endpoint -> new Endpoint(
                        endpoint.listener(), endpoint.securityProtocol().name, endpoint.host(), endpoint.port()))
                .toList();
        RegisteredBroker registered = Waiting.on(
                "the broker's registration",
                READY_TIMEOUT,
                node.controller()
                        .registerBroker(new BrokerSpec(
                                config.nodeId(),
                                incarnation(runtime.randomness()),
                                endpoints,
                                config.kafka().rack().orElse(null),
                                walLanes)));
        Waiting.on("the broker's own image", READY_TIMEOUT, node.awaitOffset(registered.offset()));
        return registered;
    }

    /** What keeps this broker's session alive; not started yet. */
    Membership membership(MetadataNode node) {
        int intervalMs = config.kafka().getInt(KRaftConfigs.BROKER_HEARTBEAT_INTERVAL_MS_CONFIG);
        int sessionMs = config.kafka().getInt(KRaftConfigs.BROKER_SESSION_TIMEOUT_MS_CONFIG);
        return new Membership(
                new MembershipConfig(config.nodeId(), intervalMs, Math.max(intervalMs, sessionMs / 3)),
                heartbeat -> node.controller().heartbeat(heartbeat),
                () -> node.image().provenance().lastContainedOffset(),
                runtime.clock(),
                runtime.scheduler(),
                runtime.meters());
    }

    private static Uuid incarnation(Randomness randomness) {
        UUID random = randomness.nextUuid();
        return new Uuid(random.getMostSignificantBits(), random.getLeastSignificantBits());
    }
}
