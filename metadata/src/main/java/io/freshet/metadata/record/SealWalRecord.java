// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import io.freshet.common.stream.WalSeal;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/**
 * A WAL ends: brokerId int, brokerEpoch long, endSlot long, count int, then per stream, ascending, streamId long and
 * endOffset long.
 */
public final class SealWalRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 9;

    private WalSeal seal = new WalSeal(0, 0, 0, Map.of());

    SealWalRecord() {
        super(API_KEY);
    }

    public SealWalRecord(WalSeal seal) {
        this();
        this.seal = seal;
    }

    public WalSeal seal() {
        return seal;
    }

    @Override
    int sizeBytes() {
        return 2 * Integer.BYTES + 2 * Long.BYTES + seal.streamEnds().size() * 2 * Long.BYTES;
    }

    @Override
    void encode(Writable out) {
        out.writeInt(seal.brokerId());
        out.writeLong(seal.brokerEpoch());
        out.writeLong(seal.endSlot());
        out.writeInt(seal.streamEnds().size());
        new TreeMap<>(seal.streamEnds()).forEach((streamId, endOffset) -> {
            out.writeLong(streamId);
            out.writeLong(endOffset);
        });
    }

    @Override
    void decode(Readable in) {
        int brokerId = in.readInt();
        long brokerEpoch = in.readLong();
        long endSlot = in.readLong();
        int count = in.readInt();
        Map<Long, Long> streamEnds = new HashMap<>();
        for (int i = 0; i < count; i++) {
            long streamId = in.readLong();
            streamEnds.put(streamId, in.readLong());
        }
        seal = new WalSeal(brokerId, brokerEpoch, endSlot, streamEnds);
    }

    @Override
    public String toString() {
        return "SealWalRecord(" + seal + ")";
    }
}
