// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.log.RaftLogSettings;
import io.freshet.metadata.log.StoredVoters;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.metadata.properties.MetaProperties;
import org.apache.kafka.metadata.properties.MetaPropertiesEnsemble;
import org.apache.kafka.metadata.properties.MetaPropertiesVersion;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.raft.DynamicVoter;
import org.apache.kafka.raft.DynamicVoters;
import org.apache.kafka.server.common.MetadataVersion;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a metadata directory its identity, by Kafka's own formatter: cluster id, node id, directory id, the first voters
 * and the feature levels to begin with. Voters can be added later. Blocks on the disk.
 */
public final class MetadataFormat {
    private static final Logger LOG = LoggerFactory.getLogger(MetadataFormat.class);

    /** Features that start at 0, not at the release's default, since this server has nothing behind them. */
    private static final Set<String> NOT_OFFERED =
            Set.of("share.version", "streams.version", "eligible.leader.replicas.version");

    /**
     * One of the first voters of a new cluster, or the only one of a restored one.
     *
     * @param directoryId random, names the disk's content for ever
     * @param controllerHost where other voters will reach this one, e.g. {@code localhost}
     */
    public record Voter(int nodeId, Uuid directoryId, String controllerHost, int controllerPort) {
        /**
         * Reads {@code id@host:port:directory,…}, as Kafka's tools write it.
         *
         * @throws IllegalArgumentException if it is written otherwise
         */
        public static List<Voter> parse(String voters) {
            return DynamicVoters.parse(voters).voters().values().stream()
                    .map(voter -> new Voter(voter.nodeId(), voter.directoryId(), voter.host(), voter.port()))
                    .toList();
        }
    }

    /**
     * What a new cluster begins with.
     *
     * @param releaseVersion Kafka's name of the metadata version, such as {@code 4.4-IV0}; the latest if empty
     * @param features levels that differ from those of the release, by Kafka's names
     * @param scram credentials in the words of {@code kafka-storage.sh --add-scram}
     */
    public record Beginning(Optional<String> releaseVersion, Map<String, Short> features, List<String> scram) {
        public static final Beginning DEFAULT = new Beginning(Optional.empty(), Map.of(), List.of());

        public Beginning {
            features = Map.copyOf(features);
            scram = List.copyOf(scram);
        }
    }

    private MetadataFormat() {}

    /** Whether {@code directory} has an identity. */
    public static boolean isFormatted(Path directory) {
        return Files.exists(directory.resolve(MetaPropertiesEnsemble.META_PROPERTIES_NAME));
    }

    /** A random id for a new cluster. */
    public static String newClusterId(io.freshet.common.runtime.Randomness randomness) {
        java.util.UUID uuid = randomness.nextUuid();
        return new Uuid(uuid.getMostSignificantBits(), uuid.getLeastSignificantBits()).toString();
    }

    /**
     * Formats {@code directory} as the only voter of a new cluster.
     *
     * @param directoryId random, names the disk's content for ever
     * @param controllerHost where other voters will reach this one, e.g. {@code localhost}
     * @throws FreshetException INVALID if the directory is formatted already or an id is not acceptable
     */
    public static void format(
            Path directory, String clusterId, int nodeId, Uuid directoryId, String controllerHost, int controllerPort) {
        format(
                directory,
                clusterId,
                nodeId,
                RaftLogSettings.CONTROLLER_LISTENER,
                List.of(new Voter(nodeId, directoryId, controllerHost, controllerPort)));
    }

    /**
     * Formats {@code directory} of node {@code nodeId} for a new cluster whose first voters are {@code voters}, this node
     * among them; all of them are to be formatted with the same list.
     *
     * @param listenerName the listener on which voters reach each other
     * @throws FreshetException INVALID if the directory is formatted already, an id is not acceptable, or the node is not
     *     among the voters
     */
    public static void format(Path directory, String clusterId, int nodeId, String listenerName, List<Voter> voters) {
        format(directory, clusterId, nodeId, listenerName, voters, Beginning.DEFAULT);
    }

    /**
     * The same with a choice of what the cluster begins with.
     *
     * @throws FreshetException also INVALID if {@code beginning} cannot be had
     */
    public static void format(
            Path directory,
            String clusterId,
            int nodeId,
            String listenerName,
            List<Voter> voters,
            Beginning beginning) {
        requireUnformatted(directory);
        if (voters.stream().noneMatch(voter -> voter.nodeId() == nodeId)) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Node " + nodeId + " is not among the first voters " + voters + "; add it, or format it without"
                            + " initial controllers");
        }
        List<DynamicVoter> initial = voters.stream()
                .map(voter -> new DynamicVoter(
                        voter.directoryId(), voter.nodeId(), voter.controllerHost(), voter.controllerPort()))
                .toList();
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        try {
            Files.createDirectories(directory);
            Formatter formatter = new Formatter()
                    .setPrintStream(new PrintStream(said, true, StandardCharsets.UTF_8))
                    .setClusterId(clusterId)
                    .setNodeId(nodeId)
                    .setDirectories(List.of(directory.toString()))
                    .setMetadataLogDirectory(directory.toString())
                    .setReleaseVersion(beginning
                            .releaseVersion
                            .map(version -> MetadataVersion.fromVersionString(version, false))
                            .orElseGet(MetadataVersion::latestProduction))
                    .setControllerListenerName(listenerName)
                    .setHasDynamicQuorum(true)
                    .setInitialControllers(new DynamicVoters(initial))
                    .setScramArguments(beginning.scram);
            NOT_OFFERED.forEach(feature -> formatter.setFeatureLevel(feature, (short) 0));
            beginning.features.forEach(formatter::setFeatureLevel);
            formatter.run();
        } catch (Exception e) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Cannot format " + directory + " for cluster " + clusterId + ": " + e.getMessage(),
                    e);
        }
        LOG.debug(
                "Formatted {}: {}",
                directory,
                said.toString(StandardCharsets.UTF_8).trim());
    }

    /**
     * Formats {@code directory} for a node that follows the quorum of {@code clusterId} without a vote, a controller that
     * will be added as a voter later among them; everything else it learns from the quorum.
     *
     * @param directoryId random, names the disk's content for ever
     * @throws FreshetException INVALID if the directory is formatted already; UNAVAILABLE if it cannot be written
     */
    public static void formatObserver(Path directory, String clusterId, int nodeId, Uuid directoryId) {
        requireUnformatted(directory);
        try {
            Files.createDirectories(directory);
            MetaPropertiesEnsemble.Loader loader = new MetaPropertiesEnsemble.Loader();
            loader.addLogDirs(List.of(directory.toString()));
            MetaPropertiesEnsemble.Copier copier = new MetaPropertiesEnsemble.Copier(loader.load());
            copier.setLogDirProps(
                    directory.toString(),
                    new MetaProperties.Builder()
                            .setVersion(MetaPropertiesVersion.V1)
                            .setClusterId(clusterId)
                            .setNodeId(nodeId)
                            .setDirectoryId(directoryId)
                            .build());
            copier.writeLogDirChanges();
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE, "Cannot write meta.properties in " + directory + ": " + e.getMessage(), e);
        }
    }

    private static void requireUnformatted(Path directory) {
        if (isFormatted(directory)) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Directory " + directory + " is formatted already for cluster " + clusterId(directory)
                            + "; use it, or remove it by hand if its data is not needed");
        }
    }

    /** The cluster id in {@code directory}; INVALID if it is not formatted. */
    public static String clusterId(Path directory) {
        return properties(directory).clusterId().orElseThrow();
    }

    /** The node id in {@code directory}; INVALID if it is not formatted. */
    public static int nodeId(Path directory) {
        return properties(directory).nodeId().getAsInt();
    }

    /**
     * Whether the newest voter set in {@code directory}, committed or not, is {@code nodeId} alone. Nobody may have the
     * directory's log open.
     */
    public static boolean isOnlyVoter(Path directory, int nodeId) {
        return StoredVoters.ids(directory.resolve(Topic.CLUSTER_METADATA_TOPIC_NAME + "-0"))
                .equals(Set.of(nodeId));
    }

    /** @throws FreshetException INVALID, naming the command to format with, if {@code directory} is not formatted */
    public static void requireFormatted(Path directory) {
        properties(directory);
    }

    static MetaProperties properties(Path directory) {
        if (!isFormatted(directory)) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Metadata directory " + directory + " is not formatted; run bin/kafka-storage.sh format first");
        }
        try {
            MetaPropertiesEnsemble.Loader loader = new MetaPropertiesEnsemble.Loader();
            loader.addLogDirs(List.of(directory.toString()));
            MetaProperties properties = loader.load().logDirProps().get(directory.toString());
            if (properties == null
                    || properties.clusterId().isEmpty()
                    || properties.nodeId().isEmpty()
                    || properties.directoryId().isEmpty()) {
                throw new FreshetException(
                        ErrorKind.CORRUPT,
                        "The file meta.properties in " + directory
                                + " lacks cluster.id, node.id or directory.id; restore it");
            }
            return properties;
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE, "Cannot read meta.properties in " + directory + ": " + e.getMessage(), e);
        }
    }
}
