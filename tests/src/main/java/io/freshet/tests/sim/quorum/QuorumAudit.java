// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.Manifests;
import io.freshet.metadata.SnapshotRecords;
import io.freshet.metadata.record.MetadataLogSerde;
import io.freshet.metadata.state.ClusterState.FrozenState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** Compares states with each other, and with what was promised. */
final class QuorumAudit {
    private static final MetadataLogSerde SERDE = new MetadataLogSerde();
    private static final int PAGE = 1_000;

    private final QuorumWorld world;
    private final QuorumLedger ledger;

    QuorumAudit(QuorumWorld world) {
        this.world = world;
        this.ledger = world.ledger;
    }

    /** Nodes that have applied the same part of the log are in the same state. */
    void statesAgree() {
        Map<Long, NodeRun> seen = new HashMap<>();
        for (NodeRun run : world.runs()) {
            long offset = run.quorum().state().appliedOffset();
            NodeRun other = seen.putIfAbsent(offset, run);
            if (other != null && offset >= 0) {
                compare(other, run, offset);
            }
        }
    }

    private void compare(NodeRun one, NodeRun other, long offset) {
        MetadataImage a = one.quorum().image();
        MetadataImage b = other.quorum().image();
        boolean isSameImage = a.features().equals(b.features())
                && a.cluster().equals(b.cluster())
                && a.topics().equals(b.topics())
                && a.configs().equals(b.configs())
                && a.producerIds().equals(b.producerIds());
        ledger.check(
                isSameImage,
                () -> "Nodes " + one.id() + " and " + other.id() + " have applied " + offset
                        + " and have different images: " + a + " and " + b);
        ledger.check(
                tables(one) == tables(other),
                () -> "Nodes " + one.id() + " and " + other.id() + " have applied " + offset
                        + " and have different tables");
    }

    /** A digest of everything but the image. */
    private static long tables(NodeRun run) {
        CRC32C digest = new CRC32C();
        try (FrozenState frozen = run.quorum().state().freeze()) {
            frozen.forEachOwnRecord(entry -> update(digest, entry));
        }
        return digest.getValue();
    }

    private static void update(CRC32C digest, ApiMessageAndVersion entry) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer bytes = ByteBuffer.allocate(SERDE.recordSize(entry, cache));
        SERDE.write(entry, cache, new ByteBufferAccessor(bytes));
        digest.update(bytes.flip());
    }

    /** Every command that anybody was told to be done is in the state of a node that has applied all. */
    void commandsAreKept(NodeRun run) {
        ledger.commands().audit(run.quorum().image());
    }

    /** Every thin record that was acknowledged is in the manifests of a node that has applied all. */
    void recordsAreKept(NodeRun run) {
        Manifests manifests = run.quorum().manifests();
        for (long streamId : ledger.records().streams()) {
            if (manifests.stream(streamId).isPresent()) {
                List<StreamSegment> segments = new ArrayList<>();
                long next = 0;
                List<StreamSegment> page = manifests.segments(streamId, next, PAGE);
                while (!page.isEmpty()) {
                    segments.addAll(page);
                    next = page.get(page.size() - 1).endOffset();
                    page = manifests.segments(streamId, next, PAGE);
                }
                ledger.records().audit(streamId, segments);
            }
        }
    }

    /** The number of records of a node's state as a snapshot would hold them; for the trace. */
    static long size(NodeRun run) {
        long[] count = {0};
        try (FrozenState frozen = run.quorum().state().freeze()) {
            SnapshotRecords.forEach(frozen, entry -> count[0]++);
        }
        return count[0];
    }
}
