// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** A stream ends and its segments with it: streamId long, removedAtMs long (wall clock, becomes the objects' retirement time). */
public final class RemoveStreamRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 1;

    private long streamId;
    private long removedAtMs;

    RemoveStreamRecord() {
        super(API_KEY);
    }

    public RemoveStreamRecord(long streamId, long removedAtMs) {
        this();
        this.streamId = streamId;
        this.removedAtMs = removedAtMs;
    }

    public long streamId() {
        return streamId;
    }

    public long removedAtMs() {
        return removedAtMs;
    }

    @Override
    int sizeBytes() {
        return 2 * Long.BYTES;
    }

    @Override
    void encode(Writable out) {
        out.writeLong(streamId);
        out.writeLong(removedAtMs);
    }

    @Override
    void decode(Readable in) {
        streamId = in.readLong();
        removedAtMs = in.readLong();
    }

    @Override
    public String toString() {
        return "RemoveStreamRecord(streamId=" + streamId + ", removedAtMs=" + removedAtMs + ")";
    }
}
