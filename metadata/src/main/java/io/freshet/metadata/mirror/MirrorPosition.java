// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import java.util.List;

/**
 * How far the mirror goes.
 *
 * @param endOffset where the next piece begins; 0 if there is none
 * @param epoch Raft's epoch of the last record below it
 * @param timestampMs when that record was appended
 * @param snapshot what the last piece relies on
 * @param pieces base offsets of all pieces, ascending
 */
record MirrorPosition(long endOffset, int epoch, long timestampMs, SnapshotRef snapshot, List<Long> pieces) {
    static final MirrorPosition EMPTY = new MirrorPosition(0, 0, -1, SnapshotRef.NONE, List.of());

    MirrorPosition {
        pieces = List.copyOf(pieces);
    }
}
