// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.metadata.SnapshotRecords;
import io.freshet.metadata.mirror.MirrorObject.Header;
import io.freshet.metadata.mirror.MirrorObject.Kind;
import io.freshet.metadata.state.ClusterState.FrozenState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** A frozen state as a snapshot object. */
final class MirrorSnapshots {
    private static final int RECORDS_PER_RUN = 64;

    private MirrorSnapshots() {}

    /** A snapshot ready to be written. */
    record Encoded(Header header, List<ByteBuffer> runs) {
        SnapshotRef ref() {
            return new SnapshotRef(header.endOffset(), header.writer());
        }
    }

    static Encoded encode(FrozenState state, Uuid writer) {
        MetadataProvenance provenance = state.image().provenance();
        long lastOffset = provenance.lastContainedOffset();
        int epoch = provenance.lastContainedEpoch();
        long timestampMs = provenance.lastContainedLogTimeMs();
        List<ByteBuffer> runs = new ArrayList<>();
        List<ApiMessageAndVersion> run = new ArrayList<>();
        SnapshotRecords.forEach(state, entry -> {
            run.add(entry);
            if (run.size() == RECORDS_PER_RUN) {
                runs.add(new MirrorRecords(lastOffset, lastOffset, epoch, timestampMs, run).encode());
                run.clear();
            }
        });
        if (!run.isEmpty()) {
            runs.add(new MirrorRecords(lastOffset, lastOffset, epoch, timestampMs, run).encode());
        }
        Header header = new Header(Kind.SNAPSHOT, 0, lastOffset + 1, epoch, timestampMs, writer, SnapshotRef.NONE);
        return new Encoded(header, runs);
    }
}
