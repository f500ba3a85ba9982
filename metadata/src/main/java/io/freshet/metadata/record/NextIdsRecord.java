// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** Lower bounds of what may be given out next; they only grow: nextStreamId long, nextObjectId long. */
public final class NextIdsRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 5;

    private long nextStreamId;
    private long nextObjectId;

    NextIdsRecord() {
        super(API_KEY);
    }

    public NextIdsRecord(long nextStreamId, long nextObjectId) {
        this();
        this.nextStreamId = nextStreamId;
        this.nextObjectId = nextObjectId;
    }

    public long nextStreamId() {
        return nextStreamId;
    }

    public long nextObjectId() {
        return nextObjectId;
    }

    @Override
    int sizeBytes() {
        return 2 * Long.BYTES;
    }

    @Override
    void encode(Writable out) {
        out.writeLong(nextStreamId);
        out.writeLong(nextObjectId);
    }

    @Override
    void decode(Readable in) {
        nextStreamId = in.readLong();
        nextObjectId = in.readLong();
    }

    @Override
    public String toString() {
        return "NextIdsRecord(nextStreamId=" + nextStreamId + ", nextObjectId=" + nextObjectId + ")";
    }
}
