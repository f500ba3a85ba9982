// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.record.RowsRecord;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.rocksdb.FlushOptions;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Snapshot;

/** The tables at one instant, while writes go on; holds back the closing of the store until it is closed. Used by one thread. */
final class FrozenTables implements AutoCloseable {
    private static final long READAHEAD_BYTES = 1L << 20;
    private static final int ROWS_PER_RECORD = 1024;

    private final ManifestStore store;
    private final RocksTables tables;
    private final Snapshot snapshot;
    private final ReadOptions reads;

    private FrozenTables(ManifestStore store, RocksTables tables) {
        this.store = store;
        this.tables = tables;
        tables.enter();
        snapshot = tables.db().getSnapshot();
        reads = new ReadOptions().setSnapshot(snapshot);
    }

    /** To read all of it once: that leaves what is cached as it is. */
    static FrozenTables toReadThrough(ManifestStore store, RocksTables tables) {
        FrozenTables frozen = new FrozenTables(store, tables);
        frozen.reads.setFillCache(false).setReadaheadSize(READAHEAD_BYTES);
        return frozen;
    }

    /** For short reads here and there. */
    static FrozenTables forLookUps(ManifestStore store, RocksTables tables) {
        return new FrozenTables(store, tables);
    }

    /** Has everything written so far, this instant's rows included, written to the disk. */
    void sync() {
        try (FlushOptions all = new FlushOptions().setWaitForFlush(true)) {
            tables.db().flush(all, tables.families());
        } catch (RocksDBException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE, "Cannot flush the manifest store to the disk: " + e.getMessage(), e);
        }
    }

    /** Runs {@code reader} over the table; the iterator is valid only during the call. */
    void scan(Table table, Consumer<RocksIterator> reader) {
        store.require(table);
        try (RocksIterator rows = tables.db().newIterator(tables.family(table), reads)) {
            reader.accept(rows);
            rows.status();
        } catch (RocksDBException e) {
            throw unreadable(e);
        }
    }

    /** Many rows in one native call; null stands for one that is not there. */
    List<byte @Nullable []> get(Table table, List<byte[]> keys) {
        store.require(table);
        try {
            return tables.db().multiGetAsList(reads, Collections.nCopies(keys.size(), tables.family(table)), keys);
        } catch (RocksDBException e) {
            throw unreadable(e);
        }
    }

    /** Hands every row of every table but META to {@code sink}, in key order; what is kept in part is left out. */
    void forEachRun(Consumer<RowsRecord> sink) {
        if (store.holdings() != null) {
            sink.accept(RowsRecord.partialMark());
        }
        for (Table table : Table.ALL) {
            if (table != Table.META && store.isWhole(table)) {
                scan(table, rows -> forEachRun(table, rows, sink));
            }
        }
    }

    private static void forEachRun(Table table, RocksIterator rows, Consumer<RowsRecord> sink) {
        List<RowsRecord.Row> run = new ArrayList<>();
        for (rows.seekToFirst(); rows.isValid(); rows.next()) {
            run.add(new RowsRecord.Row(rows.key(), rows.value()));
            if (run.size() == ROWS_PER_RECORD) {
                sink.accept(new RowsRecord((byte) table.ordinal(), run));
                run.clear();
            }
        }
        if (!run.isEmpty()) {
            sink.accept(new RowsRecord((byte) table.ordinal(), run));
        }
    }

    private static FreshetException unreadable(RocksDBException cause) {
        return new FreshetException(
                ErrorKind.CORRUPT,
                "Cannot read the manifest store: " + cause.getMessage() + "; restart the node",
                cause);
    }

    @Override
    public void close() {
        reads.close();
        tables.db().releaseSnapshot(snapshot);
        tables.exit();
    }
}
