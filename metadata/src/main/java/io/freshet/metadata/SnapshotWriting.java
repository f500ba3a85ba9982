// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.log.MetadataLog;
import io.freshet.metadata.state.ClusterState.FrozenState;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.image.writer.RaftSnapshotWriter;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.snapshot.SnapshotWriter;

/** Writes one frozen state as a snapshot. On the snapshot thread. */
final class SnapshotWriting {
    private static final int RECORDS_PER_BATCH = 64;

    /** Raft reads no file of 2 GiB or more: a voter that had nothing else could not start. */
    private static final long MAX_BYTES = Integer.MAX_VALUE - (64L << 20);

    /** Of a record in its batch, generously. */
    private static final int FRAME_BYTES = 32;

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
            SnapshotRecords.forEach(state, new Limit(MAX_BYTES, records::write));
            state.syncTables(); // before the snapshot lets the log forget what led to it
            records.close(true);
        }
        return true;
    }

    /** Gives up a snapshot that nobody could read; the one before it stays, with the log since then. */
    static final class Limit implements Consumer<ApiMessageAndVersion> {
        private final long maxBytes;
        private final Consumer<ApiMessageAndVersion> sink;
        private long sizeBytes;

        Limit(long maxBytes, Consumer<ApiMessageAndVersion> sink) {
            this.maxBytes = maxBytes;
            this.sink = sink;
        }

        @Override
        public void accept(ApiMessageAndVersion entry) {
            sizeBytes += FRAME_BYTES + entry.message().size(new ObjectSerializationCache(), entry.version());
            if (sizeBytes > maxBytes) {
                throw new FreshetException(
                        ErrorKind.INVALID,
                        "The metadata snapshot would have more than " + maxBytes
                                + " bytes, which Raft cannot read again;"
                                + " the log is kept instead and grows: let compaction run (storage.compaction.enable),"
                                + " delete topics, or shorten their retention");
            }
            sink.accept(entry);
        }
    }
}
