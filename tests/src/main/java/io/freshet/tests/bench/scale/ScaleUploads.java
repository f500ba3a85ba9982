// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench.scale;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.SegmentReplacement.NewObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.ClusterController;
import io.freshet.tests.bench.scale.ScaleBrokers.Led;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Makes the commands that brokers send about their uploads. Used by one thread. */
final class ScaleUploads {
    static final int SEGMENTS = 1000;
    private static final int RECORDS_PER_SEGMENT = 500;
    private static final long SEGMENT_BYTES = 256 << 10;
    private static final int IDS_AT_ONCE = 100_000;
    private static final long TIMESTAMP_MS = 1_760_000_000_000L;

    private final ClusterController controller;
    private final ScaleBrokers brokers;
    private final List<List<Led>> led;
    private final int[] next = new int[ScaleBrokers.BROKERS + 1];
    private long nextObjectId;
    private long endObjectId;
    private int turn;

    ScaleUploads(ScaleVoter voter, ScaleBrokers brokers, long seed) {
        this.controller = voter.node.controller();
        this.brokers = brokers;
        this.led = brokers.ledStreams(seed);
    }

    /** One upload of some broker: who, and which segments it added. */
    record Upload(int brokerId, long objectId, List<SegmentCommit> segments) {}

    /** The next broker's upload: 1,000 segments of 1,000 of its streams (of all, if it leads fewer). */
    Upload nextUpload() {
        int brokerId = 1 + turn++ % ScaleBrokers.BROKERS;
        while (led.get(brokerId).isEmpty()) {
            brokerId = 1 + turn++ % ScaleBrokers.BROKERS;
        }
        List<Led> streams = led.get(brokerId);
        List<Led> chosen = new ArrayList<>();
        for (int i = 0; i < Math.min(SEGMENTS, streams.size()); i++) {
            chosen.add(streams.get(next[brokerId]++ % streams.size()));
        }
        return upload(brokerId, chosen);
    }

    private Upload upload(int brokerId, List<Led> chosen) {
        long objectId = objectId();
        List<SegmentCommit> segments = new ArrayList<>();
        List<Led> sorted = new ArrayList<>(chosen);
        sorted.sort(Comparator.comparingLong(stream -> stream.streamId));
        for (Led stream : sorted) {
            long start = stream.endOffset;
            stream.endOffset += RECORDS_PER_SEGMENT;
            segments.add(new SegmentCommit(
                    new StreamSegment(
                            stream.streamId,
                            start,
                            stream.endOffset,
                            objectId,
                            SEGMENT_BYTES,
                            TIMESTAMP_MS + start,
                            TIMESTAMP_MS + stream.endOffset),
                    stream.leaderEpoch));
        }
        return new Upload(brokerId, objectId, segments);
    }

    /** Sends the commit; completes when it is answered, and fails if anything was refused. */
    CompletableFuture<Upload> commit(Upload upload) {
        long bytes = upload.segments().size() * SEGMENT_BYTES;
        return controller
                .commitObject(new ObjectCommit(
                        upload.objectId(),
                        bytes,
                        upload.brokerId(),
                        brokers.brokerEpoch(upload.brokerId()),
                        upload.segments()))
                .thenApply(refused -> all(upload, refused));
    }

    /** The compaction of two uploads that cover the same streams into one object of its own for each stream. */
    SegmentReplacement compaction(Upload first, Upload second) {
        List<NewObject> objects = new ArrayList<>();
        List<StreamSegment> removed = new ArrayList<>();
        List<StreamSegment> inserted = new ArrayList<>();
        for (int i = 0; i < first.segments().size(); i++) {
            StreamSegment early = first.segments().get(i).segment();
            StreamSegment late = second.segments().get(i).segment();
            long objectId = objectId();
            removed.add(early);
            removed.add(late);
            objects.add(new NewObject(objectId, early.sizeBytes() + late.sizeBytes()));
            inserted.add(new StreamSegment(
                    early.streamId(),
                    early.startOffset(),
                    late.endOffset(),
                    objectId,
                    early.sizeBytes() + late.sizeBytes(),
                    early.minTimestampMs(),
                    late.maxTimestampMs()));
        }
        return new SegmentReplacement(
                first.brokerId(), brokers.brokerEpoch(first.brokerId()), objects, removed, inserted);
    }

    /** Sends the compaction, and then the end of the two uploads' objects. */
    CompletableFuture<Void> compact(SegmentReplacement compaction, Upload first, Upload second) {
        return controller
                .replaceSegments(compaction)
                .thenApply(refused -> all(first, refused))
                .thenCompose(done -> controller.forgetObjects(List.of(first.objectId(), second.objectId())));
    }

    /** A second upload of the same streams as {@code first}. */
    Upload again(Upload first) {
        List<Led> streams = led.get(first.brokerId());
        List<Led> chosen = new ArrayList<>();
        int count = first.segments().size();
        for (int i = next[first.brokerId()] - count; i < next[first.brokerId()]; i++) {
            chosen.add(streams.get(i % streams.size()));
        }
        return upload(first.brokerId(), chosen);
    }

    private static Upload all(Upload upload, Set<Long> refused) {
        if (!refused.isEmpty()) {
            throw new IllegalStateException(
                    "The quorum refused " + refused.size() + " streams of object " + upload.objectId());
        }
        return upload;
    }

    /** Ids come in ranges, as to brokers; the rare wait for a range is no part of a commit. */
    private long objectId() {
        if (nextObjectId == endObjectId) {
            IdRange range = ScaleVoter.get(controller.reserveObjectIds(IDS_AT_ONCE));
            nextObjectId = range.first();
            endObjectId = range.first() + IDS_AT_ONCE;
        }
        return nextObjectId++;
    }
}
