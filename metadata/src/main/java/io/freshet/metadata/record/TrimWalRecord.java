// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** Slots below a number are not needed any more: brokerId int, brokerEpoch long, startSlot long. */
public final class TrimWalRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 8;

    private int brokerId;
    private long brokerEpoch;
    private long startSlot;

    TrimWalRecord() {
        super(API_KEY);
    }

    public TrimWalRecord(int brokerId, long brokerEpoch, long startSlot) {
        this();
        this.brokerId = brokerId;
        this.brokerEpoch = brokerEpoch;
        this.startSlot = startSlot;
    }

    public int brokerId() {
        return brokerId;
    }

    public long brokerEpoch() {
        return brokerEpoch;
    }

    public long startSlot() {
        return startSlot;
    }

    @Override
    int sizeBytes() {
        return Integer.BYTES + 2 * Long.BYTES;
    }

    @Override
    void encode(Writable out) {
        out.writeInt(brokerId);
        out.writeLong(brokerEpoch);
        out.writeLong(startSlot);
    }

    @Override
    void decode(Readable in) {
        brokerId = in.readInt();
        brokerEpoch = in.readLong();
        startSlot = in.readLong();
    }

    @Override
    public String toString() {
        return "TrimWalRecord(brokerId=" + brokerId + ", brokerEpoch=" + brokerEpoch + ", startSlot=" + startSlot + ")";
    }
}
