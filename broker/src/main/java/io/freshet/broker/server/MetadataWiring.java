// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.admin.BrokerConfigs;
import io.freshet.broker.admin.ConfigChangeValidation;
import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.config.KafkaSettings;
import io.freshet.broker.config.QuorumSettings;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.controller.LeaderForward;
import io.freshet.broker.controller.QuorumApis;
import io.freshet.broker.membership.Membership;
import io.freshet.broker.membership.MembershipConfig;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.ControllerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.MetadataNode;
import io.freshet.metadata.MetadataNodeConfig;
import io.freshet.metadata.MetadataNodes;
import io.freshet.metadata.QuorumLink;
import io.freshet.metadata.QuorumNode;
import io.freshet.metadata.follow.ManifestFollower;
import io.freshet.metadata.log.PeerRequests;
import io.freshet.metadata.log.PeerSockets;
import io.freshet.metadata.mirror.MirrorSettings;
import io.freshet.metadata.remote.CommandRouting;
import io.freshet.metadata.remote.EnvelopeChannel;
import io.freshet.metadata.remote.EnvelopeSettings;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.image.ConfigurationsImage;
import org.apache.kafka.raft.KRaftConfigs;
import org.apache.kafka.raft.MetadataLogConfig;
import org.apache.kafka.raft.NetworkChannel;
import org.jspecify.annotations.Nullable;

/** Starts this node's part of the quorum, and registers its broker. */
final class MetadataWiring {
    private static final Duration READY_TIMEOUT = Duration.ofSeconds(60);

    /** A node that waits is what the others may lack for a majority; ending it would help nobody. */
    static final Duration QUORUM_TIMEOUT = Duration.ofMinutes(10);

    /** Each takes 20 s when the quorum has no leader. */
    private static final int REGISTRATION_TRIES = 30;

    private static final Duration FLUSH_TIMEOUT = Duration.ofSeconds(5);

    private final ServerConfig config;
    private final QuorumSettings quorum;
    private final Runtime runtime;
    private final AtomicReference<ConfigurationsImage> configurations =
            new AtomicReference<>(ConfigurationsImage.EMPTY);
    private final BrokerConfigs brokerConfigs;
    private @Nullable LeaderForward leader;

    MetadataWiring(ServerConfig config, Runtime runtime) {
        this.config = config;
        this.quorum = config.quorum();
        this.runtime = runtime;
        this.brokerConfigs =
                new BrokerConfigs(config.nodeId(), KafkaSettings.DEFINITION, config.kafka(), configurations::get);
    }

    /** This broker's configuration with what the quorum adds to it. */
    BrokerConfigs brokerConfigs() {
        return brokerConfigs;
    }

    /**
     * Starts the node and waits until there is a leader and this node has what was committed then; the store of {@code mirror}
     * outlives it.
     */
    QuorumNode start(Optional<MirrorSettings> mirror, OpenedParts opened) {
        QuorumNode node = launch(mirror, opened);
        Waiting.on("the metadata quorum", QUORUM_TIMEOUT, node.ready());
        return node;
    }

    /** Starts the node, and its controller listener if it has one; does not wait for a leader. */
    QuorumNode launch(Optional<MirrorSettings> mirror, OpenedParts opened) {
        Optional<ControllerListener> listener = quorum.listeners().isEmpty()
                ? Optional.empty()
                : Optional.of(opened.add("controller listener", ControllerListener.bind(config, runtime)));
        Optional<PeerRequests> peers = isAlone()
                ? Optional.empty()
                : Optional.of(opened.add(
                        "requests to peers",
                        PeerRequests.open(quorum.listenerName(), config.nodeId(), runtime.clock())));
        QuorumNode node = opened.add("metadata", open(mirror));
        LeaderForward forward = new LeaderForward(node, config.nodeId(), peers);
        leader = forward;
        listener.ifPresent(bound -> bound.serve(node, forward));
        if (quorum.isController()) {
            opened.add("controller's registration", registering(node)).tell();
        }
        opened.add(
                "metadata mirror", () -> Waiting.on("The last write of the mirror", FLUSH_TIMEOUT, node.flushMirror()));
        node.addListener((delta, image) -> configurations.set(image.configs()));
        return node;
    }

    private ControllerRegistering registering(QuorumNode node) {
        List<Endpoint> endpoints = quorum.listeners().stream()
                .map(listener -> new Endpoint(
                        listener.listener(),
                        listener.securityProtocol().name,
                        config.advertisedControllerHost(),
                        quorum.advertisedPort()))
                .toList();
        ControllerSpec spec = new ControllerSpec(
                config.nodeId(), incarnation(runtime.randomness()), endpoints, FreshetVersion.SUPPORTED);
        return new ControllerRegistering(node.controller(), spec, runtime.scheduler());
    }

    /** Whether this node has no way to others. */
    private boolean isAlone() {
        return quorum.isController() && quorum.listeners().isEmpty();
    }

    /** Adds what operators ask of the quorum to the router of a started node's clients. */
    void registerQuorumApis(ApiRouter router) {
        new QuorumApis(Objects.requireNonNull(leader, "the metadata node is not started")).register(router);
    }

    private QuorumNode open(Optional<MirrorSettings> mirror) {
        MetadataNodeConfig settings = settings();
        if (isAlone()) {
            return MetadataNodes.start(settings, mirror, runtime.clock(), runtime.randomness(), runtime.meters());
        }
        NetworkChannel channel =
                PeerSockets.open(quorum.listenerName(), config.nodeId(), quorum.logOverrides(), runtime.clock());
        QuorumLink link = new QuorumLink(quorum.bootstrapServers(), channel, Optional.of(commands()));
        if (quorum.isController()) {
            return MetadataNodes.start(settings, link, mirror, runtime.clock(), runtime.randomness(), runtime.meters());
        }
        return MetadataNodes.follow(
                settings,
                link,
                ManifestFollower.Settings.DEFAULT,
                runtime.clock(),
                runtime.randomness(),
                runtime.meters());
    }

    private CommandRouting commands() {
        EnvelopeSettings connections = EnvelopeSettings.plaintext(config.nodeId(), quorum.listenerName());
        return new CommandRouting(
                new EnvelopeChannel(connections, runtime.clock()),
                runtime.clock(),
                runtime.scheduler(),
                runtime.randomness(),
                runtime.meters());
    }

    private MetadataNodeConfig settings() {
        ConfigChangeValidation validation = ConfigChangeValidation.of(config.kafka());
        Map<String, Object> staticConfig = new HashMap<>();
        config.kafka().nonInternalValues().forEach((key, value) -> {
            if (value != null) {
                staticConfig.put(key, value);
            }
        });
        return new MetadataNodeConfig(
                config.metadataDirectory(),
                config.nodeId(),
                config.advertisedControllerHost(),
                quorum.advertisedPort(),
                config.kafka().numPartitions(),
                (short) config.kafka().defaultReplicationFactor(),
                config.kafka().getLong(MetadataLogConfig.METADATA_SNAPSHOT_MAX_NEW_RECORD_BYTES_CONFIG),
                validation::validate,
                BrokerConfigs.schema(KafkaSettings.DEFINITION),
                staticConfig,
                quorum.logOverrides(),
                config.kafka().getInt(KRaftConfigs.BROKER_SESSION_TIMEOUT_MS_CONFIG));
    }

    /** Registers this process as the broker and waits until its image says so. */
    RegisteredBroker register(MetadataNode node, Map<String, Integer> boundPorts, List<String> walLanes) {
        List<Endpoint> endpoints = config.advertisedListeners(boundPorts).stream()
                .map(endpoint -> new Endpoint(
                        endpoint.listener(), endpoint.securityProtocol().name, endpoint.host(), endpoint.port()))
                .toList();
        BrokerSpec spec = new BrokerSpec(
                config.nodeId(),
                incarnation(runtime.randomness()),
                endpoints,
                config.kafka().rack().orElse(null),
                walLanes);
        RegisteredBroker registered = Waiting.onTries(
                "the broker's registration",
                REGISTRATION_TRIES,
                READY_TIMEOUT,
                () -> node.controller().registerBroker(spec));
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
