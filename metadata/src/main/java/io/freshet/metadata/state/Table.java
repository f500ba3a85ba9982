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
 * WALS        brokerId int, brokerEpoch long       -> startSlot long, sealedEndSlot long (-1: not sealed)
 * WAL_ENDS    brokerId int, brokerEpoch long,
 *             streamId long                        -> endOffset long; the stream's end in a sealed WAL
 * WAL_FLOORS  brokerId int                         -> brokerEpoch long; the newest that was retired
 * MEMBERS     brokerId int                         -> brokerEpoch long, flags byte, count int, per lane length int, name
 * MOVE_WISHES topicId uuid, partition int          -> targetBrokerId int
 * LANE_CHANGES topicId uuid                        -> a long 0; the topic was made with another WAL lane
 * META        name                                 -> see ManifestStore; not part of snapshots
 * </pre>
 */
enum Table {
    META,
    STREAMS,
    PARTITIONS,
    MANIFESTS,
    OBJECTS,
    RETIRED,
    WALS,
    WAL_ENDS,
    WAL_FLOORS,
    MEMBERS,
    MOVE_WISHES,
    LANE_CHANGES;

    /** Every table in its place in snapshots, by {@link #ordinal()}: new ones come last. */
    static final Table[] ALL = values();

    byte[] columnFamilyName() {
        return (this == META ? "default" : name().toLowerCase(java.util.Locale.ROOT)).getBytes(StandardCharsets.UTF_8);
    }
}
