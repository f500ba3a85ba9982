// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.record.MetadataLogSerde;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.apache.kafka.common.utils.internals.LogContext;
import org.apache.kafka.raft.DynamicVoter;
import org.apache.kafka.raft.DynamicVoters;
import org.apache.kafka.raft.KafkaRaftClient;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.KRaftVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.FileRawSnapshotReader;
import org.apache.kafka.snapshot.FileRawSnapshotWriter;
import org.apache.kafka.snapshot.RecordsSnapshotReader;
import org.apache.kafka.snapshot.RecordsSnapshotWriter;
import org.apache.kafka.snapshot.Snapshots;

/** A snapshot of the Raft log written while nobody has the log open, with a set of one voter. Used by one thread. */
public final class SnapshotFile implements AutoCloseable {
    private static final int RECORDS_PER_BATCH = 64;

    private final RecordsSnapshotWriter<ApiMessageAndVersion> writer;

    private SnapshotFile(RecordsSnapshotWriter<ApiMessageAndVersion> writer) {
        this.writer = writer;
    }

    /** Begins a snapshot of everything before {@code end} in {@code logDirectory}; it counts after {@link #finish()}. */
    public static SnapshotFile create(
            Path logDirectory, OffsetAndEpoch end, long lastContainedLogTimeMs, MetadataFormat.Voter voter) {
        DynamicVoters voters = new DynamicVoters(List.of(
                new DynamicVoter(voter.directoryId(), voter.nodeId(), voter.controllerHost(), voter.controllerPort())));
        return new SnapshotFile(new RecordsSnapshotWriter.Builder()
                .setLastContainedLogTimestamp(lastContainedLogTimeMs)
                .setMaxBatchSizeBytes(KafkaRaftClient.MAX_BATCH_SIZE_BYTES)
                .setRawSnapshotWriter(FileRawSnapshotWriter.create(logDirectory, end))
                .setKraftVersion(KRaftVersion.LATEST_PRODUCTION)
                .setVoterSet(Optional.of(voters.toVoterSet(RaftLogSettings.CONTROLLER_LISTENER)))
                .build(new MetadataLogSerde()));
    }

    /** Adds records; later ones win over earlier ones, as in the log. */
    public void append(List<ApiMessageAndVersion> records) {
        for (int from = 0; from < records.size(); from += RECORDS_PER_BATCH) {
            writer.append(records.subList(from, Math.min(records.size(), from + RECORDS_PER_BATCH)));
        }
    }

    /** Makes the snapshot durable and valid. */
    public void finish() {
        writer.freeze();
    }

    /** Removes the snapshot that formatting wrote, and returns the records that a new cluster begins with. */
    public static List<ApiMessageAndVersion> takeBootstrap(Path logDirectory) {
        List<ApiMessageAndVersion> records = new ArrayList<>();
        try (RecordsSnapshotReader<ApiMessageAndVersion> reader = RecordsSnapshotReader.of(
                FileRawSnapshotReader.open(logDirectory, Snapshots.BOOTSTRAP_SNAPSHOT_ID),
                new MetadataLogSerde(),
                BufferSupplier.NO_CACHING,
                KafkaRaftClient.MAX_BATCH_SIZE_BYTES,
                true,
                new LogContext())) {
            reader.forEachRemaining(batch -> records.addAll(batch.records()));
        }
        Snapshots.deleteIfExists(logDirectory, Snapshots.BOOTSTRAP_SNAPSHOT_ID);
        return records;
    }

    @Override
    public void close() {
        writer.close();
    }
}
