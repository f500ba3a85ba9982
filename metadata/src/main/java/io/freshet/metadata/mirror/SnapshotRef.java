// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import org.apache.kafka.common.Uuid;

/**
 * A snapshot in the bucket that a piece relies on.
 *
 * @param endOffset the snapshot holds everything below it; −1 for no snapshot
 * @param writer the incarnation of the process that wrote it: no other process ever writes under that name
 */
record SnapshotRef(long endOffset, Uuid writer) {
    static final SnapshotRef NONE = new SnapshotRef(-1, Uuid.ZERO_UUID);

    boolean exists() {
        return endOffset >= 0;
    }
}
