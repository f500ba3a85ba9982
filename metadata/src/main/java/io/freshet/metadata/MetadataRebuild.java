// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.log.SnapshotFile;
import io.freshet.metadata.record.NextIdsRecord;
import io.freshet.metadata.record.ObjectRecord;
import io.freshet.metadata.record.OpenWalRecord;
import io.freshet.metadata.record.SealWalRecord;
import io.freshet.metadata.record.StreamRecord;
import io.freshet.metadata.record.TrimStreamRecord;
import io.freshet.metadata.record.TrimWalRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.common.DirectoryId;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.metadata.ConfigRecord;
import org.apache.kafka.common.metadata.PartitionRecord;
import org.apache.kafka.common.metadata.ProducerIdsRecord;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;

/**
 * Writes the metadata directory of a new quorum of one whose streams are known already, because the former quorum was lost. The
 * directory counts once {@link #finish} returns; remove it if that fails. Used by one thread; blocks on the disk.
 */
public final class MetadataRebuild {

    private final List<ApiMessageAndVersion> kafkas = new ArrayList<>();
    private final List<ApiMessageAndVersion> objects = new ArrayList<>();
    private final List<ApiMessageAndVersion> changes = new ArrayList<>();
    private final int nodeId;
    private final long nowMs;

    /**
     * @param nodeId the only node; it will own every partition
     * @param nowMs wall-clock time that objects count as committed at
     */
    public MetadataRebuild(int nodeId, long nowMs) {
        this.nodeId = nodeId;
        this.nowMs = nowMs;
    }

    /**
     * One partition.
     *
     * @param streamId its stream
     * @param leaderEpoch the greatest one ever seen; the node's registration will go above it
     * @param startOffset the log's start
     */
    public record RebuiltPartition(int partition, long streamId, int leaderEpoch, long startOffset) {}

    /** Adds a topic with its configuration and partitions, which must be numbered 0, 1, … */
    public void addTopic(String name, Uuid topicId, Map<String, String> configs, List<RebuiltPartition> partitions) {
        kafkas.add(new ApiMessageAndVersion(new TopicRecord().setName(name).setTopicId(topicId), (short) 0));
        configs.forEach((key, value) -> kafkas.add(new ApiMessageAndVersion(
                new ConfigRecord()
                        .setResourceType(ConfigResource.Type.TOPIC.id())
                        .setResourceName(name)
                        .setName(key)
                        .setValue(value),
                (short) 0)));
        short version = MetadataVersion.latestProduction().partitionRecordVersion();
        for (RebuiltPartition partition : partitions) {
            PartitionRecord placed = new PartitionRecord()
                    .setTopicId(topicId)
                    .setPartitionId(partition.partition())
                    .setReplicas(List.of(nodeId))
                    .setIsr(List.of(nodeId))
                    .setLeader(nodeId)
                    .setLeaderEpoch(partition.leaderEpoch())
                    .setPartitionEpoch(0)
                    .setDirectories(List.of(DirectoryId.unassignedArray(1)));
            kafkas.add(new ApiMessageAndVersion(placed, version));
            kafkas.add(new StreamRecord(partition.streamId(), topicId, partition.partition()).versioned());
            if (partition.startOffset() > 0) {
                changes.add(new TrimStreamRecord(partition.streamId(), partition.startOffset(), nowMs).versioned());
            }
        }
    }

    /** Adds an object with the segments that manifests shall name, sorted by stream id and start offset. */
    public void addObject(long objectId, long sizeBytes, List<StreamSegment> segments) {
        objects.add(new ObjectRecord(objectId, sizeBytes, nowMs, segments).versioned());
    }

    /** Adds an S3 WAL that the node's first start recovers. */
    public void addWal(WalState wal) {
        changes.add(new OpenWalRecord(wal.brokerId(), wal.brokerEpoch()).versioned());
        if (wal.startSlot() > 0) {
            changes.add(new TrimWalRecord(wal.brokerId(), wal.brokerEpoch(), wal.startSlot()).versioned());
        }
    }

    /** Ends an added S3 WAL, so that the node's first start reads it up to there and lays no fence. */
    public void addSeal(WalSeal seal) {
        changes.add(new SealWalRecord(seal).versioned());
    }

    /**
     * Lower bounds of what the new quorum gives out; each must lie above all that the former one ever gave out.
     *
     * @param metadataOffset where the new log begins; broker epochs lie above it
     */
    public record Bounds(long nextStreamId, long nextObjectId, long nextProducerId, long metadataOffset) {}

    /**
     * Formats {@code directory} and writes everything as the snapshot that the log begins with.
     *
     * @throws FreshetException INVALID if the directory is not empty, or an id is not acceptable; UNAVAILABLE if it cannot be written
     */
    public void finish(
            Path directory,
            String clusterId,
            Uuid directoryId,
            String controllerHost,
            int controllerPort,
            Bounds bounds) {
        requireEmpty(directory);
        MetadataFormat.format(directory, clusterId, nodeId, directoryId, controllerHost, controllerPort);
        Path log = directory.resolve(Topic.CLUSTER_METADATA_TOPIC_NAME + "-0");
        List<ApiMessageAndVersion> bootstrap = SnapshotFile.takeBootstrap(log);
        MetadataFormat.Voter voter = new MetadataFormat.Voter(nodeId, directoryId, controllerHost, controllerPort);
        try (SnapshotFile snapshot =
                SnapshotFile.create(log, new OffsetAndEpoch(bounds.metadataOffset(), 1), nowMs, voter)) {
            snapshot.append(bootstrap);
            snapshot.append(List.of(FreshetVersion.record(FreshetVersion.SUPPORTED.newest())));
            snapshot.append(kafkas);
            snapshot.append(List.of(producerIds(bounds)));
            snapshot.append(List.of(new NextIdsRecord(bounds.nextStreamId(), bounds.nextObjectId()).versioned()));
            snapshot.append(objects);
            snapshot.append(changes);
            snapshot.finish();
        }
    }

    private ApiMessageAndVersion producerIds(Bounds bounds) {
        return new ApiMessageAndVersion(
                new ProducerIdsRecord()
                        .setBrokerId(nodeId)
                        .setBrokerEpoch(-1)
                        .setNextProducerId(bounds.nextProducerId()),
                (short) 0);
    }

    /** Fails with INVALID if {@code directory} holds anything. */
    public static void requireEmpty(Path directory) {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> files = Files.list(directory)) {
            if (files.findAny().isPresent()) {
                throw new FreshetException(
                        ErrorKind.INVALID,
                        "Directory " + directory + " is not empty; name a new one for the rebuilt metadata");
            }
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE, "Cannot look into " + directory + ": " + e.getMessage(), e);
        }
    }
}
