// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** A sealed WAL is forgotten and can never be opened again: brokerId int, brokerEpoch long. */
public final class RetireWalRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 10;

    private int brokerId;
    private long brokerEpoch;

    RetireWalRecord() {
        super(API_KEY);
    }

    public RetireWalRecord(int brokerId, long brokerEpoch) {
        this();
        this.brokerId = brokerId;
        this.brokerEpoch = brokerEpoch;
    }

    public int brokerId() {
        return brokerId;
    }

    public long brokerEpoch() {
        return brokerEpoch;
    }

    @Override
    int sizeBytes() {
        return Integer.BYTES + Long.BYTES;
    }

    @Override
    void encode(Writable out) {
        out.writeInt(brokerId);
        out.writeLong(brokerEpoch);
    }

    @Override
    void decode(Readable in) {
        brokerId = in.readInt();
        brokerEpoch = in.readLong();
    }

    @Override
    public String toString() {
        return "RetireWalRecord(brokerId=" + brokerId + ", brokerEpoch=" + brokerEpoch + ")";
    }
}
