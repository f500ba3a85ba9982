// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.inspect;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.StreamSegment;
import java.util.List;

/** The JSON documents of the pages under {@code /api/storage}; both ends of the wire use these types. */
public final class StoragePages {
    private StoragePages() {}

    /**
     * {@code /api/storage}.
     *
     * @param storageUri the object store as configured; it never holds credentials
     * @param orphanGraceMs unknown objects younger than this may be on their way into a manifest
     * @param nowMs the node's wall clock
     */
    public record Overview(
            String clusterId, int nodeId, String storageUri, long orphanGraceMs, long deleteGraceMs, long nowMs) {}

    /** {@code /api/storage/topics/NAME}. */
    public record Topic(String name, String topicId, List<Partition> partitions) {}

    /**
     * One partition.
     *
     * @param streamId −1 if the quorum has no stream for it
     * @param committedEndOffset end of what objects hold
     * @param durableEndOffset end of what the WAL holds, the high watermark; −1 if this node does not own the partition
     * @param endOffset the next offset; −1 if this node does not own the partition
     * @param walBytes bytes that only the WAL and memory hold; −1 if this node does not own the partition
     */
    public record Partition(
            int partition,
            long streamId,
            int leaderEpoch,
            int owner,
            long startOffset,
            long committedEndOffset,
            long durableEndOffset,
            long endOffset,
            long walBytes) {}

    /** {@code /api/storage/streams?after=ID&limit=N}: streams with higher ids, ascending. */
    public record Streams(List<Stream> streams, boolean hasMore) {}

    /** What the quorum knows of a stream. */
    public record Stream(long streamId, int leaderEpoch, int owner, long startOffset, long endOffset) {}

    /** {@code /api/storage/segments?stream=ID&from=OFFSET&limit=N}: rows of one manifest in offset order. */
    public record Segments(List<StreamSegment> segments, boolean hasMore) {}

    /** {@code /api/storage/objects?after=ID&limit=N}: objects that manifests name, with higher ids, ascending. */
    public record Objects(List<LiveObject> objects, boolean hasMore) {}

    /** {@code /api/storage/known?ids=ID,ID,…}: for each id, live, retired or unknown. */
    public record Known(List<String> states) {}

    /** {@code /api/storage/wals?broker=ID&epoch=EPOCH&limit=N}: S3 WALs behind that one, ascending by broker and epoch. */
    public record Wals(List<Wal> wals, boolean hasMore) {}

    /**
     * One S3 WAL.
     *
     * @param startSlot first slot that may hold records which no object holds
     * @param sealedEndSlot where it ends; −1 while it is not sealed
     * @param acknowledgedEndSlot end of what was acknowledged; −1 if this node does not write it
     */
    public record Wal(int brokerId, long brokerEpoch, long startSlot, long sealedEndSlot, long acknowledgedEndSlot) {}

    /** Every answer but 200. */
    public record Error(String error) {}
}
