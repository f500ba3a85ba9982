// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.metadata.log.MetadataLog;
import io.freshet.metadata.state.ClusterState.FrozenState;
import java.util.Optional;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.image.writer.RaftSnapshotWriter;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.snapshot.SnapshotWriter;

/** Writes one frozen state as a snapshot. On the snapshot thread. */
final class SnapshotWriting {
    private static final int RECORDS_PER_BATCH = 64;

    private SnapshotWriting() {}

    /** Returns whether there was something to write. The snapshot counts once it is complete on the disk. */
    static boolean write(MetadataLog log, FrozenState state) {
        MetadataProvenance provenance = state.image().provenance();
        Optional<SnapshotWriter<ApiMessageAndVersion>> writer =
                log.createSnapshot(provenance.snapshotId(), provenance.lastContainedLogTimeMs());
        if (writer.isEmpty()) {
            return false;
        }
        try (SnapshotWriter<ApiMessageAndVersion> out = writer.get()) {
            RaftSnapshotWriter records = new RaftSnapshotWriter(out, RECORDS_PER_BATCH);
            SnapshotRecords.forEach(state, records::write);
            state.syncTables(); // before the snapshot lets the log forget what led to it
            records.close(true);
        }
        return true;
    }
}
