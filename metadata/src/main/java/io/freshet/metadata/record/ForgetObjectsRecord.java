// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** Retired objects that are gone from the store: count int, then each id long. */
public final class ForgetObjectsRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 4;

    private List<Long> objectIds = List.of();

    ForgetObjectsRecord() {
        super(API_KEY);
    }

    public ForgetObjectsRecord(List<Long> objectIds) {
        this();
        this.objectIds = List.copyOf(objectIds);
    }

    public List<Long> objectIds() {
        return objectIds;
    }

    @Override
    int sizeBytes() {
        return Integer.BYTES + objectIds.size() * Long.BYTES;
    }

    @Override
    void encode(Writable out) {
        out.writeInt(objectIds.size());
        for (long objectId : objectIds) {
            out.writeLong(objectId);
        }
    }

    @Override
    void decode(Readable in) {
        int count = in.readInt();
        List<Long> read = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            read.add(in.readLong());
        }
        objectIds = List.copyOf(read);
    }

    @Override
    public String toString() {
        return "ForgetObjectsRecord(objectIds=" + objectIds + ")";
    }
}
