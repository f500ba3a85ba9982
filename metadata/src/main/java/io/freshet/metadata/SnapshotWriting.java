// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.metadata.log.MetadataLog;
import io.freshet.metadata.state.ClusterState.FrozenState;
import java.util.Optional;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.image.writer.ImageWriter;
import org.apache.kafka.image.writer.ImageWriterOptions;
import org.apache.kafka.image.writer.RaftSnapshotWriter;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.snapshot.SnapshotWriter;

/** Writes one frozen state as a snapshot: Kafka's records first, then ours. On the snapshot thread. */
final class SnapshotWriting {
    private static final int RECORDS_PER_BATCH = 64;

    private SnapshotWriting() {}

    /** Returns whether there was something to write. The snapshot counts once it is complete on the disk. */
    static boolean write(MetadataLog log, FrozenState state) {
        MetadataImage image = state.image();
        MetadataProvenance provenance = image.provenance();
        Optional<SnapshotWriter<ApiMessageAndVersion>> writer =
                log.createSnapshot(provenance.snapshotId(), provenance.lastContainedLogTimeMs());
        if (writer.isEmpty()) {
            return false;
        }
        try (SnapshotWriter<ApiMessageAndVersion> out = writer.get()) {
            RaftSnapshotWriter records = new RaftSnapshotWriter(out, RECORDS_PER_BATCH);
            image.write(new Part(records), new ImageWriterOptions.Builder(image).build());
            state.forEachOwnRecord(records::write);
            records.close(true);
        }
        return true;
    }

    /** A part of the snapshot: the image closes its writer, but our records still follow. */
    private record Part(ImageWriter whole) implements ImageWriter {
        @Override
        public void write(ApiMessageAndVersion entry) {
            whole.write(entry);
        }

        @Override
        public void close(boolean isComplete) {}
    }
}
