// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import io.freshet.common.stream.StreamSegment;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/**
 * A committed object with the segments that were accepted: objectId long, sizeBytes long, committedAtMs long (wall
 * clock), count int, then per segment streamId, startOffset, endOffset, sizeBytes, minTimestampMs, maxTimestampMs, each
 * long. An object without segments is born retired.
 */
public final class ObjectRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 2;

    private long objectId;
    private long objectSizeBytes;
    private long committedAtMs;
    private List<StreamSegment> segments = List.of();

    ObjectRecord() {
        super(API_KEY);
    }

    public ObjectRecord(long objectId, long objectSizeBytes, long committedAtMs, List<StreamSegment> segments) {
        this();
        this.objectId = objectId;
        this.objectSizeBytes = objectSizeBytes;
        this.committedAtMs = committedAtMs;
        this.segments = List.copyOf(segments);
    }

    public long objectId() {
        return objectId;
    }

    public long objectSizeBytes() {
        return objectSizeBytes;
    }

    public long committedAtMs() {
        return committedAtMs;
    }

    public List<StreamSegment> segments() {
        return segments;
    }

    @Override
    int sizeBytes() {
        return 3 * Long.BYTES + Integer.BYTES + segments.size() * 6 * Long.BYTES;
    }

    @Override
    void encode(Writable out) {
        out.writeLong(objectId);
        out.writeLong(objectSizeBytes);
        out.writeLong(committedAtMs);
        out.writeInt(segments.size());
        for (StreamSegment segment : segments) {
            out.writeLong(segment.streamId());
            out.writeLong(segment.startOffset());
            out.writeLong(segment.endOffset());
            out.writeLong(segment.sizeBytes());
            out.writeLong(segment.minTimestampMs());
            out.writeLong(segment.maxTimestampMs());
        }
    }

    @Override
    void decode(Readable in) {
        objectId = in.readLong();
        objectSizeBytes = in.readLong();
        committedAtMs = in.readLong();
        int count = in.readInt();
        List<StreamSegment> read = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            long streamId = in.readLong();
            long startOffset = in.readLong();
            long endOffset = in.readLong();
            read.add(new StreamSegment(
                    streamId, startOffset, endOffset, objectId, in.readLong(), in.readLong(), in.readLong()));
        }
        segments = List.copyOf(read);
    }

    @Override
    public String toString() {
        return "ObjectRecord(objectId=" + objectId + ", sizeBytes=" + objectSizeBytes + ", committedAtMs="
                + committedAtMs + ", segments=" + segments + ")";
    }
}
