// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.broker.partition.ProducerStateBytes;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import io.freshet.storage.format.SegmentTrailer;
import io.freshet.storage.inspect.Finding;
import io.freshet.storage.inspect.Finding.Kind;
import io.freshet.storage.inspect.ObjectLayout;
import io.freshet.storage.rebuild.FoundSegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** All segments in the bucket's data objects, read from the objects' tails. Used by one thread. */
final class BucketContent {
    private static final int OBJECTS_PER_PROGRESS = 1000;

    private final Printing print;
    private final OpenStore store;
    private final ParallelReads reads;
    private final boolean deep;
    private final Findings findings;
    private final Map<Long, List<FoundSegment>> segments = new TreeMap<>();
    private final Map<Long, Long> sizes = new HashMap<>();
    /** Histories are the same in most segments of a stream: each is kept once. */
    private final Map<List<EpochStart>, List<EpochStart>> histories = new HashMap<>();

    private long objects;
    private long maxObjectId;
    private long maxProducerId;

    BucketContent(Printing print, OpenStore store, ParallelReads reads, boolean deep, Findings findings) {
        this.print = print;
        this.store = store;
        this.reads = reads;
        this.deep = deep;
        this.findings = findings;
    }

    void read() {
        store.forEachPage(ObjectKeys.DATA_PREFIX, page -> {
            List<ObjectStat> ours = page.stream()
                    .filter(object -> ObjectKeys.objectId(object.key()) >= 0)
                    .toList();
            for (ObjectStat object : ours) {
                maxObjectId = Math.max(maxObjectId, ObjectKeys.objectId(object.key()));
            }
            reads.forEach(
                    ours, object -> ObjectVerdict.of(store, object.key(), ObjectVerdict.ANY_SIZE, deep), this::add);
        });
        print.progress("rebuild: " + objects + " objects, " + segments.size() + " streams");
    }

    /** A damaged object is left out as a whole: what covers its offsets, if anything does, is used instead. */
    private void add(ObjectVerdict verdict) {
        if (++objects % OBJECTS_PER_PROGRESS == 0) {
            print.progress("rebuild: " + objects + " objects, " + segments.size() + " streams");
        }
        ObjectLayout layout = verdict.layout();
        if (!verdict.findings().isEmpty() || layout == null) {
            verdict.findings().forEach(findings::add);
            return;
        }
        sizes.put(layout.objectId(), layout.sizeBytes());
        for (SegmentTrailer trailer : layout.segments()) {
            List<EpochStart> history = trailer.checkpoint().epochStarts();
            history = histories.computeIfAbsent(history, same -> same);
            segments.computeIfAbsent(trailer.segment().streamId(), id -> new ArrayList<>())
                    .add(new FoundSegment(trailer.segment(), history));
            noteProducers(layout, trailer);
        }
    }

    private void noteProducers(ObjectLayout layout, SegmentTrailer trailer) {
        try {
            maxProducerId = Math.max(
                    maxProducerId,
                    ProducerStateBytes.maxProducerId(trailer.checkpoint().producerState()));
        } catch (FreshetException e) {
            findings.add(Finding.ofObject(
                    Kind.DAMAGED,
                    ObjectKeys.dataKey(layout.objectId()),
                    layout.objectId(),
                    -1,
                    "the producer state of stream " + trailer.segment().streamId() + ": " + e.getMessage()));
        }
    }

    /** By stream id. */
    Map<Long, List<FoundSegment>> segments() {
        return segments;
    }

    long sizeBytes(long objectId) {
        return sizes.getOrDefault(objectId, 0L);
    }

    long objectCount() {
        return objects;
    }

    long maxObjectId() {
        return maxObjectId;
    }

    long maxProducerId() {
        return maxProducerId;
    }
}
