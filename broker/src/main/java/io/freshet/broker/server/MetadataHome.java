// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.config.QuorumSettings;
import io.freshet.broker.config.ServerConfig;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.mirror.MirrorMode;
import io.freshet.metadata.mirror.MirrorReading;
import io.freshet.metadata.mirror.MirrorSession;
import io.freshet.metadata.mirror.MirrorSettings;
import io.freshet.metadata.mirror.MirrorStart;
import io.freshet.objectstore.ObjectStore;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.kafka.common.Uuid;

/**
 * Brings a node's metadata directory and the mirror in its bucket together before the metadata node starts: restores an
 * empty directory, formats one for a new cluster if the caller allows it, and refuses a pair that does not belong together.
 */
final class MetadataHome {
    private final ServerConfig config;
    private final Runtime runtime;
    private String origin = "";

    MetadataHome(ServerConfig config, Runtime runtime) {
        this.config = config;
        this.runtime = runtime;
    }

    /**
     * Refuses a directory that will not be made and cannot be restored, before anything is opened.
     *
     * @throws FreshetException INVALID if it is not formatted
     */
    void requireUsable(boolean mayFormat) {
        if (!mayFormat && mode() != MirrorMode.SYNC) {
            MetadataFormat.requireFormatted(config.metadataDirectory());
        }
    }

    /** One sentence if the directory was made by {@link #prepare}, else nothing. */
    String origin() {
        return origin;
    }

    /**
     * How to mirror from now on; empty if the mirror is off.
     *
     * @param mayFormat whether an empty directory may become that of a new cluster
     */
    Optional<MirrorSettings> prepare(ObjectStore bucket, boolean mayFormat) {
        MirrorMode mode = mode();
        Path directory = config.metadataDirectory();
        if (mode == MirrorMode.OFF) {
            formatIfNew(directory, mayFormat);
            return Optional.empty();
        }
        ObjectMirrorStore store = new ObjectMirrorStore(bucket);
        Optional<MirrorSession> restored = Optional.empty();
        if (!MetadataFormat.isFormatted(directory)) {
            Optional<String> mirrored = MirrorReading.clusterId(store);
            if (mirrored.isPresent() && mode == MirrorMode.SYNC) {
                restored = Optional.of(MirrorStart.restore(store, directory, voter(), runtime.randomness()));
                origin = "Restored the metadata of cluster " + mirrored.get() + " from its mirror in "
                        + store.describe() + ".";
            } else if (mirrored.isPresent() && mayFormat) {
                throw isAnothers(store, mirrored.get(), directory);
            } else {
                formatIfNew(directory, mayFormat);
            }
        }
        MirrorSession session = restored.orElseGet(() -> MirrorStart.join(store, directory, runtime.randomness()));
        return Optional.of(MirrorSettings.of(mode, session, runtime.scheduler()));
    }

    /**
     * The configured mode for the only voter of a quorum; other nodes have no mirror, since only one node can write it.
     *
     * @throws FreshetException INVALID if another node asks for one
     */
    private MirrorMode mode() {
        MirrorMode mode = config.metadataMirror();
        if (mode == MirrorMode.OFF || isAlone()) {
            return mode;
        }
        if (config.values().containsKey(FreshetKeys.METADATA_MIRROR)) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    FreshetKeys.METADATA_MIRROR + "=" + config.values().get(FreshetKeys.METADATA_MIRROR)
                            + " is for a node that is the only voter of its quorum, which node " + config.nodeId()
                            + " is not; set it to off");
        }
        return MirrorMode.OFF;
    }

    private boolean isAlone() {
        QuorumSettings quorum = config.quorum();
        if (!quorum.isController() || !quorum.isBroker()) {
            return false;
        }
        return quorum.listeners().isEmpty()
                || !MetadataFormat.isFormatted(config.metadataDirectory())
                || MetadataFormat.isOnlyVoter(config.metadataDirectory(), config.nodeId());
    }

    private static FreshetException isAnothers(ObjectMirrorStore store, String clusterId, Path directory) {
        return new FreshetException(
                ErrorKind.INVALID,
                store.describe() + " holds the metadata of cluster " + clusterId + ", but directory " + directory
                        + " is not formatted. Correct the directory; or give a new cluster a bucket or prefix of its own;"
                        + " or set " + FreshetKeys.METADATA_MIRROR + "=sync to go on with that cluster from its mirror"
                        + " (what only the lost directory held, such as a block WAL, is gone)");
    }

    private void formatIfNew(Path directory, boolean mayFormat) {
        if (!mayFormat || MetadataFormat.isFormatted(directory)) {
            return;
        }
        String clusterId = MetadataFormat.newClusterId(runtime.randomness());
        MetadataFormat.Voter voter = voter();
        MetadataFormat.format(
                directory, clusterId, voter.nodeId(), config.quorum().listenerName(), List.of(voter));
        origin = "Formatted " + directory + " for the new cluster " + clusterId + ".";
    }

    private MetadataFormat.Voter voter() {
        return new MetadataFormat.Voter(
                config.nodeId(),
                randomId(runtime.randomness()),
                config.advertisedControllerHost(),
                config.quorum().advertisedPort());
    }

    private static Uuid randomId(Randomness randomness) {
        UUID random = randomness.nextUuid();
        return new Uuid(random.getMostSignificantBits(), random.getLeastSignificantBits());
    }
}
