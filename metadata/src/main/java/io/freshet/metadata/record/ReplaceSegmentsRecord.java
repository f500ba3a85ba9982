// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import io.freshet.common.stream.SegmentReplacement.NewObject;
import io.freshet.common.stream.StreamSegment;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/**
 * New objects and the segments that took the place of others: replacedAtMs long (wall clock, becomes the retirement time
 * of objects left without segments); count int, then per object objectId and sizeBytes, each long; count int, then per
 * removed segment streamId, startOffset, objectId, each long; count int, then per inserted segment streamId, startOffset,
 * endOffset, objectId, sizeBytes, minTimestampMs, maxTimestampMs, each long.
 */
public final class ReplaceSegmentsRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 11;

    private long replacedAtMs;
    private List<NewObject> objects = List.of();
    private List<RemovedSegment> removed = List.of();
    private List<StreamSegment> inserted = List.of();

    ReplaceSegmentsRecord() {
        super(API_KEY);
    }

    public ReplaceSegmentsRecord(
            long replacedAtMs, List<NewObject> objects, List<RemovedSegment> removed, List<StreamSegment> inserted) {
        this();
        this.replacedAtMs = replacedAtMs;
        this.objects = List.copyOf(objects);
        this.removed = List.copyOf(removed);
        this.inserted = List.copyOf(inserted);
    }

    public long replacedAtMs() {
        return replacedAtMs;
    }

    public List<NewObject> objects() {
        return objects;
    }

    public List<RemovedSegment> removed() {
        return removed;
    }

    public List<StreamSegment> inserted() {
        return inserted;
    }

    @Override
    int sizeBytes() {
        int longs = 1 + 2 * objects.size() + 3 * removed.size() + 7 * inserted.size();
        return longs * Long.BYTES + 3 * Integer.BYTES;
    }

    @Override
    void encode(Writable out) {
        out.writeLong(replacedAtMs);
        out.writeInt(objects.size());
        for (NewObject object : objects) {
            out.writeLong(object.objectId());
            out.writeLong(object.sizeBytes());
        }
        out.writeInt(removed.size());
        for (RemovedSegment segment : removed) {
            out.writeLong(segment.streamId());
            out.writeLong(segment.startOffset());
            out.writeLong(segment.objectId());
        }
        out.writeInt(inserted.size());
        for (StreamSegment segment : inserted) {
            out.writeLong(segment.streamId());
            out.writeLong(segment.startOffset());
            out.writeLong(segment.endOffset());
            out.writeLong(segment.objectId());
            out.writeLong(segment.sizeBytes());
            out.writeLong(segment.minTimestampMs());
            out.writeLong(segment.maxTimestampMs());
        }
    }

    @Override
    void decode(Readable in) {
        replacedAtMs = in.readLong();
        List<NewObject> readObjects = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            readObjects.add(new NewObject(in.readLong(), in.readLong()));
        }
        objects = List.copyOf(readObjects);
        List<RemovedSegment> readRemoved = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            readRemoved.add(new RemovedSegment(in.readLong(), in.readLong(), in.readLong()));
        }
        removed = List.copyOf(readRemoved);
        List<StreamSegment> readInserted = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            readInserted.add(new StreamSegment(
                    in.readLong(),
                    in.readLong(),
                    in.readLong(),
                    in.readLong(),
                    in.readLong(),
                    in.readLong(),
                    in.readLong()));
        }
        inserted = List.copyOf(readInserted);
    }

    @Override
    public String toString() {
        return "ReplaceSegmentsRecord(replacedAtMs=" + replacedAtMs + ", objects=" + objects + ", removed=" + removed
                + ", inserted=" + inserted + ")";
    }

    /** What names a segment in a manifest, and the object that it is in. */
    public record RemovedSegment(long streamId, long startOffset, long objectId) {}
}
