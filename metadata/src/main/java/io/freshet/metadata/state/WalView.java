// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.record.OpenWalRecord;
import io.freshet.metadata.record.RetireWalRecord;
import io.freshet.metadata.record.SealWalRecord;
import io.freshet.metadata.record.TrimWalRecord;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WriteBatchWithIndex;

/** The part of a {@link ManifestView} that knows S3 WALs; shares its unwritten changes. Metadata thread. */
public final class WalView {
    private final ManifestStore store;
    private final WriteBatchWithIndex batch;

    WalView(ManifestStore store, WriteBatchWithIndex batch) {
        this.store = store;
        this.batch = batch;
    }

    /** What is known of a WAL; null if it was never opened or is retired. */
    public @Nullable WalState wal(int brokerId, long brokerEpoch) {
        byte[] key = Rows.key(brokerId, brokerEpoch);
        byte[] value = store.get(batch, Table.WALS, key);
        return value == null ? null : Rows.decodeWal(key, value);
    }

    /** Whether this WAL, or a newer one of the same broker id, was retired. */
    public boolean isBelowRetired(int brokerId, long brokerEpoch) {
        byte[] value = store.get(batch, Table.WAL_FLOORS, Rows.key(brokerId));
        return value != null && brokerEpoch <= Rows.decodeId(value);
    }

    /** The streams' ends that a seal recorded; empty if the WAL is not sealed. */
    public Map<Long, Long> streamEnds(int brokerId, long brokerEpoch) {
        try (RocksIterator rows = store.iterator(batch, Table.WAL_ENDS)) {
            return readEnds(rows, brokerId, brokerEpoch);
        }
    }

    static Map<Long, Long> readEnds(RocksIterator rows, int brokerId, long brokerEpoch) {
        Map<Long, Long> ends = new HashMap<>();
        for (rows.seek(Rows.key(brokerId, brokerEpoch, 0)); rows.isValid(); rows.next()) {
            ByteBuffer key = ByteBuffer.wrap(rows.key());
            if (key.getInt() != brokerId || key.getLong() != brokerEpoch) {
                break;
            }
            ends.put(key.getLong(), Rows.decodeId(rows.value()));
        }
        return ends;
    }

    void apply(OpenWalRecord opened) throws RocksDBException {
        if (wal(opened.brokerId(), opened.brokerEpoch()) == null) {
            put(new WalState(opened.brokerId(), opened.brokerEpoch(), 0, WalState.NOT_SEALED));
        }
    }

    void apply(TrimWalRecord trim) throws RocksDBException {
        WalState wal = wal(trim.brokerId(), trim.brokerEpoch());
        if (wal != null && trim.startSlot() > wal.startSlot()) {
            put(new WalState(wal.brokerId(), wal.brokerEpoch(), trim.startSlot(), wal.sealedEndSlot()));
        }
    }

    void apply(SealWalRecord change) throws RocksDBException {
        WalSeal seal = change.seal();
        WalState wal = wal(seal.brokerId(), seal.brokerEpoch());
        if (wal == null || wal.isSealed()) {
            return;
        }
        put(new WalState(wal.brokerId(), wal.brokerEpoch(), wal.startSlot(), seal.endSlot()));
        for (Map.Entry<Long, Long> end : seal.streamEnds().entrySet()) {
            batch.put(
                    store.family(Table.WAL_ENDS),
                    Rows.key(wal.brokerId(), wal.brokerEpoch(), end.getKey()),
                    Rows.encodeId(end.getValue()));
        }
    }

    void apply(RetireWalRecord retired) throws RocksDBException {
        int brokerId = retired.brokerId();
        long brokerEpoch = retired.brokerEpoch();
        for (long streamId : streamEnds(brokerId, brokerEpoch).keySet()) {
            batch.delete(store.family(Table.WAL_ENDS), Rows.key(brokerId, brokerEpoch, streamId));
        }
        batch.delete(store.family(Table.WALS), Rows.key(brokerId, brokerEpoch));
        if (!isBelowRetired(brokerId, brokerEpoch)) {
            batch.put(store.family(Table.WAL_FLOORS), Rows.key(brokerId), Rows.encodeId(brokerEpoch));
        }
    }

    private void put(WalState wal) throws RocksDBException {
        batch.put(
                store.family(Table.WALS),
                Rows.key(wal.brokerId(), wal.brokerEpoch()),
                Rows.encodeWal(wal.startSlot(), wal.sealedEndSlot()));
    }
}
