// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.metadata.mirror.MirrorObject.Header;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which pieces and which snapshot the mirror has, and what may be deleted: pieces below a snapshot, and an older snapshot,
 * once a durable piece relies on the newer one. The metadata thread's.
 */
final class MirrorShelf {
    private static final Logger LOG = LoggerFactory.getLogger(MirrorShelf.class);

    private final MirrorStore store;
    private final String clusterId;
    private final NavigableMap<Long, Long> endsByBase = new TreeMap<>();
    private SnapshotRef reliedOn;
    private @Nullable SnapshotRef offered;
    private boolean isExpecting;

    MirrorShelf(MirrorStore store, String clusterId, MirrorPosition position) {
        this.store = store;
        this.clusterId = clusterId;
        this.reliedOn = position.snapshot();
        List<Long> bases = position.pieces();
        for (int i = 0; i < bases.size(); i++) {
            long end = i + 1 < bases.size() ? bases.get(i + 1) : position.endOffset();
            endsByBase.put(bases.get(i), end);
        }
    }

    int pieces() {
        return endsByBase.size();
    }

    /** The snapshot for a piece that ends at {@code end} to rely on: the newest that holds nothing beyond it. */
    SnapshotRef snapshotBelow(long end) {
        SnapshotRef newest = offered;
        return newest != null && newest.endOffset() <= end ? newest : reliedOn;
    }

    boolean isSnapshotPending() {
        return isExpecting || offered != null;
    }

    void expectSnapshot() {
        isExpecting = true;
    }

    /** A complete snapshot lies in the bucket. */
    void offer(SnapshotRef snapshot) {
        isExpecting = false;
        if (snapshot.endOffset() > reliedOn.endOffset()) {
            offered = snapshot;
        }
    }

    /** A piece is durable. */
    void add(Header piece) {
        endsByBase.put(piece.baseOffset(), piece.endOffset());
        if (!piece.snapshot().equals(reliedOn)) {
            SnapshotRef old = reliedOn;
            reliedOn = piece.snapshot();
            if (reliedOn.equals(offered)) {
                offered = null;
            }
            deleteBelow(reliedOn, old);
        }
    }

    private void deleteBelow(SnapshotRef snapshot, SnapshotRef old) {
        List<String> keys = new ArrayList<>();
        endsByBase.entrySet().removeIf(piece -> {
            boolean isCovered = piece.getValue() <= snapshot.endOffset() && !isLast(piece);
            if (isCovered) {
                keys.add(MirrorKeys.piece(clusterId, piece.getKey()));
            }
            return isCovered;
        });
        if (old.exists()) {
            keys.add(MirrorKeys.snapshot(clusterId, old));
        }
        if (!keys.isEmpty()) {
            store.delete(keys).whenComplete((done, error) -> {
                if (error != null) {
                    LOG.warn(
                            "Could not delete {} objects of the metadata mirror that a snapshot replaced; they cost"
                                    + " space only",
                            keys.size(),
                            error);
                }
            });
        }
    }

    private boolean isLast(Map.Entry<Long, Long> piece) {
        return piece.getKey().equals(endsByBase.lastKey());
    }
}
