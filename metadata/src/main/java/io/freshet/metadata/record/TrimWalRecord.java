// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** Slots below a number are not needed any more; behind the WAL's name: startSlot long. */
public final class TrimWalRecord extends NamedWalRecord {
    static final short API_KEY = FIRST_API_KEY + 8;

    private long startSlot;

    TrimWalRecord() {
        this(0, 0, 0);
    }

    public TrimWalRecord(int brokerId, long brokerEpoch, long startSlot) {
        super(API_KEY, brokerId, brokerEpoch);
        this.startSlot = startSlot;
    }

    public long startSlot() {
        return startSlot;
    }

    @Override
    int sizeBytes() {
        return super.sizeBytes() + Long.BYTES;
    }

    @Override
    void encode(Writable out) {
        super.encode(out);
        out.writeLong(startSlot);
    }

    @Override
    void decode(Readable in) {
        super.decode(in);
        startSlot = in.readLong();
    }

    @Override
    public String toString() {
        return super.toString() + " from slot " + startSlot;
    }
}
