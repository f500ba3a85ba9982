// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import java.nio.charset.StandardCharsets;

/**
 * The column families. Keys and values are big-endian; values but the empty ones start with a version byte (0).
 *
 * <pre>
 * STREAMS     streamId long                        -> topicId uuid, partition int, startOffset long, endOffset long
 * PARTITIONS  topicId uuid, partition int          -> streamId long
 * MANIFESTS   streamId long, startOffset long      -> endOffset, objectId, sizeBytes, minTimestampMs, maxTimestampMs
 * OBJECTS     objectId long                        -> sizeBytes long, liveSegments int, retiredAtMs long (-1: live)
 * RETIRED     retiredAtMs long, objectId long      -> nothing
 * META        name                                 -> see ManifestStore; not part of snapshots
 * </pre>
 */
enum Table {
    META,
    STREAMS,
    PARTITIONS,
    MANIFESTS,
    OBJECTS,
    RETIRED;

    /** Every table in its place in snapshots, by {@link #ordinal()}. */
    static final Table[] ALL = values();

    byte[] columnFamilyName() {
        return (this == META ? "default" : name().toLowerCase(java.util.Locale.ROOT)).getBytes(StandardCharsets.UTF_8);
    }
}
