// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** A WAL that its owner is about to write, from slot 0 on: brokerId int, brokerEpoch long. */
public final class OpenWalRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 7;

    private int brokerId;
    private long brokerEpoch;

    OpenWalRecord() {
        super(API_KEY);
    }

    public OpenWalRecord(int brokerId, long brokerEpoch) {
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
        return "OpenWalRecord(brokerId=" + brokerId + ", brokerEpoch=" + brokerEpoch + ")";
    }
}
