// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.mirror.MirrorObject.Header;
import io.freshet.metadata.mirror.MirrorObject.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** Reads a mirror, for restoring and for tools. Blocks on the store. */
public final class MirrorReading {
    private static final int READS_AT_ONCE = 16;
    private static final String CLUSTER_MAGIC = "freshet-metadata-mirror 1 ";

    private MirrorReading() {}

    /**
     * The cluster whose mirror the bucket holds; empty if it holds none.
     *
     * @throws FreshetException CORRUPT if the object that names it is damaged
     */
    public static Optional<String> clusterId(MirrorStore store) {
        if (!store.await("listing the metadata mirror", store.list(MirrorKeys.CLUSTER))
                .contains(MirrorKeys.CLUSTER)) {
            return Optional.empty();
        }
        String text = new String(
                store.await("reading " + MirrorKeys.CLUSTER, store.read(MirrorKeys.CLUSTER)), StandardCharsets.UTF_8);
        if (!text.startsWith(CLUSTER_MAGIC) || !text.endsWith("\n")) {
            throw new FreshetException(
                    ErrorKind.CORRUPT,
                    "Object " + MirrorKeys.CLUSTER + " in " + store.describe()
                            + " does not name a cluster in a format that this program knows; use a newer one, or"
                            + " restore the object");
        }
        return Optional.of(text.substring(CLUSTER_MAGIC.length(), text.length() - 1));
    }

    static byte[] clusterObject(String clusterId) {
        return (CLUSTER_MAGIC + clusterId + "\n").getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Hands every record that leads to the mirrored state of {@code clusterId} to {@code sink}, in order: the records of the
     * newest snapshot, then those of the log behind it. Kafka's records and ours.
     *
     * @return how many offsets of the log they stand for
     * @throws FreshetException CORRUPT if a byte is wrong or a piece is missing
     */
    public static long forEachRecord(MirrorStore store, String clusterId, Consumer<ApiMessageAndVersion> sink) {
        MirrorPosition position = position(store, clusterId);
        forEachRun(store, clusterId, position, run -> run.records().forEach(sink));
        return position.endOffset();
    }

    /** Where the mirror ends now, from the names of its pieces and the last one's content. */
    static MirrorPosition position(MirrorStore store, String clusterId) {
        List<Long> pieces =
                store.await("listing the metadata mirror", store.list(MirrorKeys.logPrefix(clusterId))).stream()
                        .map(MirrorKeys::baseOffset)
                        .filter(offset -> offset >= 0)
                        .toList();
        if (pieces.isEmpty()) {
            return MirrorPosition.EMPTY;
        }
        Header last = header(store, clusterId, pieces.get(pieces.size() - 1));
        return new MirrorPosition(last.endOffset(), last.epoch(), last.timestampMs(), last.snapshot(), pieces);
    }

    static Header header(MirrorStore store, String clusterId, long baseOffset) {
        String key = MirrorKeys.piece(clusterId, baseOffset);
        return MirrorObject.decodeHeader(key, store.await("reading " + key, store.read(key)));
    }

    /** Hands the records that lead to {@code position} to {@code sink}: the snapshot relied on, then the pieces behind it. */
    static void forEachRun(MirrorStore store, String clusterId, MirrorPosition position, Consumer<MirrorRecords> sink) {
        long next = 0;
        if (position.snapshot().exists()) {
            String key = MirrorKeys.snapshot(clusterId, position.snapshot());
            MirrorObject snapshot = MirrorObject.decode(key, store.await("reading " + key, store.read(key)));
            requireSnapshot(key, snapshot.header(), position.snapshot());
            snapshot.runs().forEach(sink);
            next = position.snapshot().endOffset();
        }
        long snapshotEnd = next;
        // The snapshot may end inside a piece, between two of its batches.
        long first =
                position.pieces().stream().filter(base -> base <= snapshotEnd).reduce(snapshotEnd, (a, b) -> b);
        Deque<Long> wanted = new ArrayDeque<>(
                position.pieces().stream().filter(base -> base >= first).toList());
        Deque<Read> reading = new ArrayDeque<>();
        while (!wanted.isEmpty() || !reading.isEmpty()) {
            while (!wanted.isEmpty() && reading.size() < READS_AT_ONCE) {
                String key = MirrorKeys.piece(clusterId, wanted.removeFirst());
                reading.add(new Read(key, store.read(key)));
            }
            Read read = reading.removeFirst();
            MirrorObject piece = MirrorObject.decode(read.key, store.await("reading " + read.key, read.bytes));
            if (piece.header().endOffset() <= snapshotEnd) {
                continue;
            }
            requireNext(store, read.key, piece.header(), next, snapshotEnd);
            piece.runs().stream().filter(run -> run.lastOffset() >= snapshotEnd).forEach(sink);
            next = piece.header().endOffset();
        }
        if (next != position.endOffset()) {
            throw hole(store, next, position.endOffset());
        }
    }

    private static void requireSnapshot(String key, Header header, SnapshotRef wanted) {
        if (header.kind() != Kind.SNAPSHOT || header.endOffset() != wanted.endOffset()) {
            throw new FreshetException(
                    ErrorKind.CORRUPT,
                    "Metadata mirror object " + key + " is a " + header.kind() + " that ends at " + header.endOffset()
                            + ", not the snapshot that its name tells of; keep the bucket as it is");
        }
    }

    private static void requireNext(MirrorStore store, String key, Header header, long next, long snapshotEnd) {
        boolean follows = next == snapshotEnd ? header.baseOffset() <= next : header.baseOffset() == next;
        if (!follows) {
            throw hole(store, next, header.baseOffset());
        }
        if (header.kind() == Kind.GAP) {
            throw new FreshetException(
                    ErrorKind.CORRUPT,
                    "Metadata mirror object " + key + " stands for records that only a snapshot at "
                            + header.endOffset() + " holds, which the newest piece does not name; keep the bucket as"
                            + " it is");
        }
    }

    private static FreshetException hole(MirrorStore store, long from, long to) {
        return new FreshetException(
                ErrorKind.CORRUPT,
                "The metadata mirror in " + store.describe() + " lacks the records from offset " + from + " to " + to
                        + "; an object was deleted by hand. Restore it, or start from the node's own directory");
    }

    private record Read(String key, CompletableFuture<byte[]> bytes) {}
}
