// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.log.RaftLogSettings;
import io.freshet.metadata.record.MetadataLogSerde;
import io.freshet.metadata.state.ManifestStore;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.raft.DynamicVoter;
import org.apache.kafka.raft.DynamicVoters;
import org.apache.kafka.raft.KafkaRaftClient;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.KRaftVersion;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.snapshot.RecordsSnapshotWriter;
import org.apache.kafka.snapshot.Snapshots;

/** What one node keeps when its process ends: log and snapshots, votes, tables. */
record NodeDisk(MemoryRaftLog log, SimVotes votes, ManifestStore tables) {
    /** As after formatting with these first voters; without any, the node is one that only follows. */
    static NodeDisk formatted(List<DynamicVoter> voters, ManifestStore tables, boolean flushes) {
        MemoryRaftLog log = new MemoryRaftLog(flushes);
        if (!voters.isEmpty()) {
            writeBeginning(log, voters);
        }
        return new NodeDisk(log, new SimVotes(), tables);
    }

    private static void writeBeginning(MemoryRaftLog log, List<DynamicVoter> voters) {
        try (RecordsSnapshotWriter<ApiMessageAndVersion> writer = new RecordsSnapshotWriter.Builder()
                .setLastContainedLogTimestamp(0)
                .setMaxBatchSizeBytes(KafkaRaftClient.MAX_BATCH_SIZE_BYTES)
                .setRawSnapshotWriter(new MemorySnapshot.Writer(Snapshots.BOOTSTRAP_SNAPSHOT_ID, log::addSnapshot))
                .setKraftVersion(KRaftVersion.LATEST_PRODUCTION)
                .setVoterSet(Optional.of(new DynamicVoters(voters).toVoterSet(RaftLogSettings.CONTROLLER_LISTENER)))
                .build(new MetadataLogSerde())) {
            writer.append(List.of(new ApiMessageAndVersion(
                    new FeatureLevelRecord()
                            .setName(MetadataVersion.FEATURE_NAME)
                            .setFeatureLevel(MetadataVersion.latestProduction().featureLevel()),
                    (short) 0)));
            writer.freeze();
        }
    }
}
