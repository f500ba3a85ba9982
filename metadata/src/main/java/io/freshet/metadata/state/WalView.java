// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.record.OpenWalRecord;
import io.freshet.metadata.record.RetireWalRecord;
import io.freshet.metadata.record.SealWalRecord;
import io.freshet.metadata.record.TrimWalRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The part of a {@link ManifestView} that knows S3 WALs; shares its unwritten changes. Metadata thread. */
public final class WalView {
    private final RowOverlay rows;

    WalView(RowOverlay rows) {
        this.rows = rows;
    }

    /** What is known of a WAL; null if it was never opened or is retired. */
    public @Nullable WalState wal(int brokerId, long brokerEpoch) {
        byte[] key = Rows.key(brokerId, brokerEpoch);
        byte[] value = rows.get(Table.WALS, key);
        return value == null ? null : Rows.decodeWal(key, value);
    }

    /** All WALs that are not retired, ascending by broker id and epoch. */
    public List<WalState> wals() {
        List<WalState> found = new ArrayList<>();
        rows.scan(Table.WALS, Rows.key(0), (key, value) -> found.add(Rows.decodeWal(key, value)));
        return found;
    }

    /** Whether this WAL, or a newer one of the same broker id, was retired. */
    public boolean isBelowRetired(int brokerId, long brokerEpoch) {
        byte[] value = rows.get(Table.WAL_FLOORS, Rows.key(brokerId));
        return value != null && brokerEpoch <= Rows.decodeId(value);
    }

    /** The streams' ends that a seal recorded; empty if the WAL is not sealed. */
    public Map<Long, Long> streamEnds(int brokerId, long brokerEpoch) {
        Map<Long, Long> ends = new HashMap<>();
        rows.scan(
                Table.WAL_ENDS,
                Rows.key(brokerId, brokerEpoch, 0),
                (key, value) -> addEnd(brokerId, brokerEpoch, key, value, ends));
        return ends;
    }

    /** Adds a row of a seal; false if it belongs to another WAL. */
    static boolean addEnd(int brokerId, long brokerEpoch, byte[] key, byte[] value, Map<Long, Long> ends) {
        ByteBuffer in = ByteBuffer.wrap(key);
        if (in.getInt() != brokerId || in.getLong() != brokerEpoch) {
            return false;
        }
        ends.put(in.getLong(), Rows.decodeId(value));
        return true;
    }

    void apply(OpenWalRecord opened) {
        if (wal(opened.brokerId(), opened.brokerEpoch()) == null) {
            put(new WalState(opened.brokerId(), opened.brokerEpoch(), 0, WalState.NOT_SEALED));
        }
    }

    void apply(TrimWalRecord trim) {
        WalState wal = wal(trim.brokerId(), trim.brokerEpoch());
        if (wal != null && trim.startSlot() > wal.startSlot()) {
            put(new WalState(wal.brokerId(), wal.brokerEpoch(), trim.startSlot(), wal.sealedEndSlot()));
        }
    }

    void apply(SealWalRecord change) {
        WalSeal seal = change.seal();
        WalState wal = wal(seal.brokerId(), seal.brokerEpoch());
        if (wal == null || wal.isSealed()) {
            return;
        }
        put(new WalState(wal.brokerId(), wal.brokerEpoch(), wal.startSlot(), seal.endSlot()));
        for (Map.Entry<Long, Long> end : seal.streamEnds().entrySet()) {
            rows.put(
                    Table.WAL_ENDS,
                    Rows.key(wal.brokerId(), wal.brokerEpoch(), end.getKey()),
                    Rows.encodeId(end.getValue()));
        }
    }

    void apply(RetireWalRecord retired) {
        int brokerId = retired.brokerId();
        long brokerEpoch = retired.brokerEpoch();
        for (long streamId : streamEnds(brokerId, brokerEpoch).keySet()) {
            rows.delete(Table.WAL_ENDS, Rows.key(brokerId, brokerEpoch, streamId));
        }
        rows.delete(Table.WALS, Rows.key(brokerId, brokerEpoch));
        if (!isBelowRetired(brokerId, brokerEpoch)) {
            rows.put(Table.WAL_FLOORS, Rows.key(brokerId), Rows.encodeId(brokerEpoch));
        }
    }

    private void put(WalState wal) {
        rows.put(
                Table.WALS,
                Rows.key(wal.brokerId(), wal.brokerEpoch()),
                Rows.encodeWal(wal.startSlot(), wal.sealedEndSlot()));
    }
}
