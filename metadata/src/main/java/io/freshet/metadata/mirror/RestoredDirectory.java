// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.log.SnapshotFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.metadata.properties.MetaPropertiesEnsemble;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;

/**
 * A metadata directory that is being made from the mirror. It is built in a folder beside its final place and moved, the
 * identity (meta.properties) last: a start that was interrupted finds an unformatted directory and restores again.
 */
final class RestoredDirectory {
    private static final String STAGING = "metadata-restore";
    private static final String LOG = Topic.CLUSTER_METADATA_TOPIC_NAME + "-0";
    private static final String MANIFESTS = "manifests";

    private final Path directory;
    private final Path staging;

    private RestoredDirectory(Path directory) {
        this.directory = directory;
        this.staging = directory.resolve(STAGING);
    }

    /** Checks that nothing of value would be overwritten, and clears what an interrupted restore left. */
    static RestoredDirectory begin(Path directory) {
        RestoredDirectory restored = new RestoredDirectory(directory);
        if (MetadataFormat.isFormatted(directory)) {
            throw new FreshetException(
                    ErrorKind.INVALID, "Directory " + directory + " is formatted; move it away to restore it");
        }
        boolean holdsLog = Files.exists(directory.resolve(LOG)) || Files.exists(directory.resolve(MANIFESTS));
        if (holdsLog && !Files.exists(restored.staging)) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Directory " + directory + " holds a metadata log (" + LOG + ", " + MANIFESTS
                            + ") but no meta.properties: it may be newer than the mirror. Put meta.properties back, or"
                            + " move the log away to restore from the mirror");
        }
        try {
            delete(directory.resolve(LOG));
            delete(directory.resolve(MANIFESTS));
            delete(restored.staging);
            Files.createDirectories(restored.staging);
        } catch (IOException e) {
            throw restored.failed(e);
        }
        return restored;
    }

    /** Writes and moves everything; returns the number of records. */
    long write(
            MirrorStore store,
            String clusterId,
            MetadataFormat.Voter voter,
            MirrorPosition position,
            Incarnations incarnations) {
        try {
            MetadataFormat.format(
                    staging,
                    clusterId,
                    voter.nodeId(),
                    voter.directoryId(),
                    voter.controllerHost(),
                    voter.controllerPort());
            List<ApiMessageAndVersion> bootstrap = SnapshotFile.takeBootstrap(staging.resolve(LOG));
            long records;
            try (SnapshotFile snapshot = SnapshotFile.create(
                    staging.resolve(LOG),
                    new OffsetAndEpoch(position.endOffset(), position.epoch()),
                    Math.max(0, position.timestampMs()),
                    voter)) {
                records = fill(snapshot, store, clusterId, position, bootstrap);
            }
            incarnations.save(staging);
            Incarnations.force(staging.resolve(LOG));
            moveAll();
            return records;
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private static long fill(
            SnapshotFile snapshot,
            MirrorStore store,
            String clusterId,
            MirrorPosition position,
            List<ApiMessageAndVersion> bootstrap) {
        Filling filling = new Filling(snapshot, bootstrap);
        MirrorReading.forEachRun(store, clusterId, position, run -> filling.add(run.records()));
        filling.finish();
        return filling.records;
    }

    private void moveAll() throws IOException {
        List<Path> made = new ArrayList<>();
        try (Stream<Path> files = Files.list(staging)) {
            files.filter(file -> !file.endsWith(MetaPropertiesEnsemble.META_PROPERTIES_NAME))
                    .forEach(made::add);
        }
        made.add(staging.resolve(MetaPropertiesEnsemble.META_PROPERTIES_NAME));
        for (Path file : made) {
            Incarnations.force(directory);
            Files.move(
                    file,
                    directory.resolve(String.valueOf(file.getFileName())),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        }
        Incarnations.force(directory);
        delete(staging);
    }

    private FreshetException failed(IOException e) {
        return new FreshetException(
                ErrorKind.UNAVAILABLE,
                "Cannot restore the metadata directory " + directory + ": " + e
                        + "; check the disk and the directory's rights, then start again",
                e);
    }

    private static void delete(Path tree) throws IOException {
        if (!Files.exists(tree)) {
            return;
        }
        List<Path> files;
        try (Stream<Path> walk = Files.walk(tree)) {
            files = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.delete(file);
        }
    }

    /** Adds the records of a new cluster if the mirror ended before they were in the log. */
    private static final class Filling {
        private final SnapshotFile snapshot;
        private final List<ApiMessageAndVersion> bootstrap;
        private boolean isBootstrapped;
        private long records;

        Filling(SnapshotFile snapshot, List<ApiMessageAndVersion> bootstrap) {
            this.snapshot = snapshot;
            this.bootstrap = bootstrap;
        }

        void add(List<ApiMessageAndVersion> run) {
            for (ApiMessageAndVersion entry : run) {
                isBootstrapped |= entry.message() instanceof FeatureLevelRecord feature
                        && feature.name().equals(MetadataVersion.FEATURE_NAME);
            }
            records += run.size();
            snapshot.append(run);
        }

        void finish() {
            if (!isBootstrapped) {
                snapshot.append(bootstrap);
            }
            snapshot.finish();
        }
    }
}
