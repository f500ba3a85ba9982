// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** A record that names one WAL first: brokerId int, brokerEpoch long, and then what the kind adds. */
public abstract sealed class NamedWalRecord extends OwnRecord permits OpenWalRecord, TrimWalRecord, RetireWalRecord {
    private int brokerId;
    private long brokerEpoch;

    NamedWalRecord(short apiKey, int brokerId, long brokerEpoch) {
        super(apiKey);
        this.brokerId = brokerId;
        this.brokerEpoch = brokerEpoch;
    }

    public final int brokerId() {
        return brokerId;
    }

    public final long brokerEpoch() {
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
        return getClass().getSimpleName() + "(brokerId=" + brokerId + ", brokerEpoch=" + brokerEpoch + ")";
    }
}
