// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** A stream's start moves up: streamId long, startOffset long, trimmedAtMs long (wall clock). */
public final class TrimStreamRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 3;

    private long streamId;
    private long startOffset;
    private long trimmedAtMs;

    TrimStreamRecord() {
        super(API_KEY);
    }

    public TrimStreamRecord(long streamId, long startOffset, long trimmedAtMs) {
        this();
        this.streamId = streamId;
        this.startOffset = startOffset;
        this.trimmedAtMs = trimmedAtMs;
    }

    public long streamId() {
        return streamId;
    }

    public long startOffset() {
        return startOffset;
    }

    public long trimmedAtMs() {
        return trimmedAtMs;
    }

    @Override
    int sizeBytes() {
        return 3 * Long.BYTES;
    }

    @Override
    void encode(Writable out) {
        out.writeLong(streamId);
        out.writeLong(startOffset);
        out.writeLong(trimmedAtMs);
    }

    @Override
    void decode(Readable in) {
        streamId = in.readLong();
        startOffset = in.readLong();
        trimmedAtMs = in.readLong();
    }

    @Override
    public String toString() {
        return "TrimStreamRecord(streamId=" + streamId + ", startOffset=" + startOffset + ", trimmedAtMs=" + trimmedAtMs
                + ")";
    }
}
