// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.QuorumNode.QuorumParts;
import io.freshet.metadata.control.Inputs;
import io.freshet.metadata.follow.ManifestFollower;
import io.freshet.metadata.log.LonelyChannel;
import io.freshet.metadata.log.MetadataLog;
import io.freshet.metadata.log.RaftLogSettings;
import io.freshet.metadata.log.RaftMetadataLog;
import io.freshet.metadata.mirror.CommitPath;
import io.freshet.metadata.mirror.LogMirror;
import io.freshet.metadata.mirror.MirrorHost;
import io.freshet.metadata.mirror.MirrorSettings;
import io.freshet.metadata.state.ManifestStore;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BiFunction;
import org.apache.kafka.metadata.properties.MetaProperties;
import org.apache.kafka.raft.NetworkChannel;

/** Starts metadata nodes. */
public final class MetadataNodes {
    private static final String MANIFESTS = "manifests";
    private static final String LED_MANIFESTS = "led-manifests";

    private MetadataNodes() {}

    /**
     * Starts a quorum of one on a formatted directory. Returns at once; {@link MetadataNode#ready()} says when it serves.
     *
     * @throws FreshetException INVALID if the directory is not formatted, or for another node; UNAVAILABLE if another
     *     process has it open
     */
    public static QuorumNode start(
            MetadataNodeConfig config, Clock clock, Randomness randomness, MeterRegistry registry) {
        return start(config, Optional.empty(), clock, randomness, registry);
    }

    /**
     * The same with a mirror of the log in the bucket: {@link io.freshet.metadata.mirror.MirrorStart} gives the right to
     * write it. A node whose mirror gets another owner, or is damaged, completes {@link MetadataNode#fault()}.
     *
     * @throws FreshetException also FENCED if the mirror is ahead of the directory
     */
    public static QuorumNode start(
            MetadataNodeConfig config,
            Optional<MirrorSettings> mirror,
            Clock clock,
            Randomness randomness,
            MeterRegistry registry) {
        QuorumLink alone = new QuorumLink(List.of(), new LonelyChannel(RaftLogSettings.CONTROLLER_LISTENER));
        return start(config, alone, mirror, clock, randomness, registry);
    }

    /**
     * Starts a node that votes, or may be given a vote later: its peers' requests are to be handed to {@link
     * QuorumNode#answerPeer}, and come to {@code config}'s controller host and port. A mirror is for a quorum of one only:
     * such a node refuses to add voters.
     *
     * @throws FreshetException as above
     */
    public static QuorumNode start(
            MetadataNodeConfig config,
            QuorumLink link,
            Optional<MirrorSettings> mirror,
            Clock clock,
            Randomness randomness,
            MeterRegistry registry) {
        return open(
                config,
                true,
                link,
                new Process(clock, randomness, registry),
                (host, log) -> mirror.<CommitPath>map(
                                settings -> new LogMirror(settings, host, log.endOffset(), registry))
                        .orElse(CommitPath.DIRECT));
    }

    /**
     * Starts a node that follows a quorum of others without a vote: it fetches log and snapshots from the leader, applies
     * them to a state of its own, and refuses commands (UNAVAILABLE, naming the leader). The directory is one that {@link
     * MetadataFormat#formatObserver} has formatted. Returns at once; {@link MetadataNode#ready()} says when it has caught up.
     *
     * @param voters {@code host:port} of voters to ask first
     * @param ownedChannel carries Raft's requests to the voters; closed with the node
     * @throws FreshetException as {@link #start}
     */
    public static QuorumNode observe(
            MetadataNodeConfig config,
            List<String> voters,
            NetworkChannel ownedChannel,
            Clock clock,
            Randomness randomness,
            MeterRegistry registry) {
        return observe(config, new QuorumLink(voters, ownedChannel), clock, randomness, registry);
    }

    /** The same, with a way for commands to the leader if {@code link} has one. */
    public static QuorumNode observe(
            MetadataNodeConfig config, QuorumLink link, Clock clock, Randomness randomness, MeterRegistry registry) {
        if (link.bootstrapServers().isEmpty()) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "An observer of the metadata quorum needs the address of a voter; set"
                            + " controller.quorum.bootstrap.servers");
        }
        Process process = new Process(clock, randomness, registry);
        return open(config, false, link, process, (host, log) -> CommitPath.DIRECT);
    }

    /**
     * The same for a broker that can never vote: it keeps no objects, and of the manifests only those of the streams that the
     * broker of its node id leads, which it asks from the leader. {@link MetadataNode#manifests()} says what that means for reads.
     *
     * @param link must have a way for commands
     */
    public static QuorumNode follow(
            MetadataNodeConfig config,
            QuorumLink link,
            ManifestFollower.Settings following,
            Clock clock,
            Randomness randomness,
            MeterRegistry registry) {
        if (link.bootstrapServers().isEmpty() || link.routing().isEmpty()) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "A broker that follows the metadata quorum needs the address of a voter and a way for commands; set"
                            + " controller.quorum.bootstrap.servers");
        }
        Process process = new Process(clock, randomness, registry);
        return open(config, Optional.of(following), false, link, process, (host, log) -> CommitPath.DIRECT);
    }

    private static QuorumNode open(
            MetadataNodeConfig config,
            boolean mayVote,
            QuorumLink link,
            Process process,
            BiFunction<MirrorHost, MetadataLog, CommitPath> path) {
        return open(config, Optional.empty(), mayVote, link, process, path);
    }

    private static QuorumNode open(
            MetadataNodeConfig config,
            Optional<ManifestFollower.Settings> following,
            boolean mayVote,
            QuorumLink link,
            Process process,
            BiFunction<MirrorHost, MetadataLog, CommitPath> path) {
        try {
            return started(config, following, mayVote, link, process, path);
        } catch (RuntimeException e) {
            link.routing().ifPresent(routing -> routing.ownedChannel().close());
            throw e;
        }
    }

    private static QuorumNode started(
            MetadataNodeConfig config,
            Optional<ManifestFollower.Settings> following,
            boolean mayVote,
            QuorumLink link,
            Process process,
            BiFunction<MirrorHost, MetadataLog, CommitPath> path) {
        MetaProperties properties = checkedProperties(config);
        String clusterId = properties.clusterId().orElseThrow();
        RaftLogSettings settings = new RaftLogSettings(
                config.directory(),
                clusterId,
                properties.directoryId().orElseThrow(),
                OptionalInt.of(config.nodeId()),
                mayVote,
                config.controllerHost(),
                config.controllerPort(),
                link.bootstrapServers(),
                config.logOverrides());
        Inputs inputs = new Inputs(
                process.clock,
                process.randomness,
                config.defaultPartitions(),
                config.defaultReplicationFactor(),
                config.validator(),
                config.schema(),
                config.staticConfig());
        ManifestStore store = openStore(config.directory(), clusterId, following.isPresent());
        RaftMetadataLog log;
        try {
            log = new RaftMetadataLog(settings, process.clock, link.ownedChannel());
        } catch (RuntimeException e) {
            store.close();
            throw e;
        }
        QuorumNode node;
        try {
            node = new QuorumNode(new QuorumParts(
                    clusterId,
                    log,
                    store,
                    new OwnThreads(),
                    inputs,
                    process.registry,
                    config.snapshotAfterBytes(),
                    config.brokerSessionTimeoutMs(),
                    config.versions(),
                    host -> path.apply(host, log),
                    link.routing(),
                    following));
        } catch (RuntimeException e) {
            log.close();
            store.close();
            throw e;
        }
        try {
            node.start();
            return node;
        } catch (RuntimeException e) {
            node.close();
            throw e;
        }
    }

    /** Tables of which a part is kept never lie where tables are whole. */
    private static ManifestStore openStore(Path directory, String clusterId, boolean isPartial) {
        if (!isPartial) {
            return ManifestStore.open(directory.resolve(MANIFESTS), clusterId);
        }
        ManifestStore.delete(directory.resolve(MANIFESTS)); // of a version, or a role, that kept everything
        return ManifestStore.openPartial(directory.resolve(LED_MANIFESTS), clusterId);
    }

    private static MetaProperties checkedProperties(MetadataNodeConfig config) {
        MetaProperties properties = MetadataFormat.properties(config.directory());
        if (properties.nodeId().getAsInt() != config.nodeId()) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Directory " + config.directory() + " was formatted for node "
                            + properties.nodeId().getAsInt() + ", but node.id is " + config.nodeId()
                            + "; correct node.id or the directory");
        }
        return properties;
    }

    private record Process(Clock clock, Randomness randomness, MeterRegistry registry) {}
}
