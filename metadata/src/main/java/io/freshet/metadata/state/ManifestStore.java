// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.TableSize;
import io.freshet.metadata.record.RowsRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Consumer;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;
import org.rocksdb.FlushOptions;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Snapshot;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * The one owner of the RocksDB database. The metadata thread alone writes; any thread may read. Native handles must not
 * be touched after close (that ends the process), so every call holds a permit, and {@link #close()} waits for all of them.
 *
 * <p>A write carries the log offset up to which it is the fold of the log. RocksDB keeps no log of its own: what a crash
 * takes away, all tables back to one offset since they are written to files together, comes back from the metadata log.
 */
public final class ManifestStore implements AutoCloseable {
    private static final int MAX_CALLS = 1 << 20;
    private static final int ROWS_PER_RECORD = 1024;

    /** Of all tables together. */
    private static final long CACHE_BYTES = 64L << 20;

    /** Files go to the disk in such pieces while they are written, so that no flush of the metadata log waits for much. */
    private static final long SYNC_BYTES = 1L << 20;

    /** So much of all tables together is in memory only, at most: what a restart after a crash reads from the metadata log again. */
    private static final long UNWRITTEN_BYTES = 64L << 20;

    /** Rows are found and added faster in small tables in memory. Each becomes a file, since all tables are flushed together. */
    private static final long WRITE_BUFFER_BYTES = 16L << 20;

    private static final int MAX_WRITE_BUFFERS = 12;

    /** The small files are merged into the large ones so many at a time. */
    private static final int FILES_TO_MERGE = 8;

    /**
     * RocksDB slows writes down, to seconds for a commit, from so many files on that wait for a merge, and stops them at twice as many.
     * Its own 20 come together in half a minute of many commits if a merge lasts that long; reads look into each.
     */
    private static final int FILES_TO_SLOW_DOWN = 64;

    private static final long SNAPSHOT_READAHEAD_BYTES = 1L << 20;
    private static final byte[] APPLIED = "applied".getBytes(StandardCharsets.UTF_8);
    private static final byte[] CLUSTER = "cluster".getBytes(StandardCharsets.UTF_8);
    static final byte[] NEXT_IDS = "next-ids".getBytes(StandardCharsets.UTF_8);

    private final Semaphore permits = new Semaphore(MAX_CALLS);
    private final DBOptions options;
    private final LRUCache cache;
    private final ColumnFamilyOptions familyOptions;
    private final WriteOptions writeOptions = new WriteOptions().setDisableWAL(true);
    private final ReadOptions readOptions = new ReadOptions();
    private final List<ColumnFamilyHandle> families = new ArrayList<>();
    private final RecentRows recent = new RecentRows();
    private final RocksDB db;
    private final AtomicLongArray versions = new AtomicLongArray(Table.ALL.length);
    private final @Nullable Holdings holdings;
    private volatile long appliedOffset;

    private ManifestStore(Path directory, boolean isPartial) throws RocksDBException {
        holdings = isPartial ? new Holdings(this) : null;
        options = new DBOptions()
                .setCreateIfMissing(true)
                .setCreateMissingColumnFamilies(true)
                .setAtomicFlush(true)
                .setKeepLogFileNum(2)
                .setDbWriteBufferSize(UNWRITTEN_BYTES)
                .setBytesPerSync(SYNC_BYTES);
        cache = new LRUCache(CACHE_BYTES);
        familyOptions = new ColumnFamilyOptions()
                .setTableFormatConfig(new BlockBasedTableConfig().setBlockCache(cache))
                .setWriteBufferSize(WRITE_BUFFER_BYTES)
                .setMaxWriteBufferNumber(MAX_WRITE_BUFFERS)
                .setLevel0FileNumCompactionTrigger(FILES_TO_MERGE)
                .setLevel0SlowdownWritesTrigger(FILES_TO_SLOW_DOWN)
                .setLevel0StopWritesTrigger(2 * FILES_TO_SLOW_DOWN);
        List<ColumnFamilyDescriptor> descriptors = Arrays.stream(Table.ALL)
                .map(table -> new ColumnFamilyDescriptor(table.columnFamilyName(), familyOptions))
                .toList();
        try {
            db = RocksDB.open(options, directory.toString(), descriptors, families);
        } catch (RocksDBException e) {
            closeOptions();
            throw e;
        }
        byte[] applied = db.get(family(Table.META), APPLIED);
        appliedOffset = applied == null ? -1 : Rows.open(applied).getLong();
    }

    /**
     * Opens or makes the database in {@code directory}. One that belongs to another cluster is emptied (the log is the truth).
     *
     * @throws FreshetException UNAVAILABLE if another process has it open or it cannot be opened
     */
    public static ManifestStore open(Path directory, String clusterId) {
        return open(directory, clusterId, false);
    }

    /**
     * The same for a store that keeps neither OBJECTS nor RETIRED, and of MANIFESTS only those that its {@link #holdings()}
     * say, none at first. Any use of what it does not keep fails. It must not share its directory with a store that keeps all.
     */
    public static ManifestStore openPartial(Path directory, String clusterId) {
        return open(directory, clusterId, true);
    }

    /** Deletes the database in {@code directory}, which nobody has open; nothing if there is none. */
    public static void delete(Path directory) {
        if (!Files.exists(directory)) {
            return;
        }
        RocksDB.loadLibrary();
        try (Options none = new Options()) {
            RocksDB.destroyDB(directory.toString(), none);
        } catch (RocksDBException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Cannot delete the manifest store in " + directory + ", which is not needed any more: "
                            + e.getMessage() + "; check the directory's rights and that no other process has it open",
                    e);
        }
    }

    private static ManifestStore open(Path directory, String clusterId, boolean isPartial) {
        RocksDB.loadLibrary();
        try {
            Files.createDirectories(directory);
            ManifestStore store = new ManifestStore(directory, isPartial);
            store.adopt(clusterId);
            if (isPartial) {
                store.clear(Table.MANIFESTS); // which of them are whole is not known any more
            }
            return store;
        } catch (RocksDBException | IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    isLocked(e)
                            ? "The metadata directory " + directory.getParent()
                                    + " is in use by another process; stop that one first, or give this one a directory"
                                    + " of its own"
                            : "Cannot open the manifest store in " + directory + ": " + e.getMessage()
                                    + "; check the directory's rights and the disk",
                    e);
        }
    }

    private static boolean isLocked(Exception error) {
        return String.valueOf(error.getMessage()).contains("/LOCK");
    }

    private void adopt(String clusterId) throws RocksDBException {
        byte[] owner = clusterId.getBytes(StandardCharsets.UTF_8);
        byte[] known = db.get(family(Table.META), CLUSTER);
        if (!Arrays.equals(owner, known)) {
            clear();
            db.put(family(Table.META), writeOptions, CLUSTER, owner);
        }
    }

    /** Which manifests are kept; null if all are, and all other tables too. */
    public @Nullable Holdings holdings() {
        return holdings;
    }

    private boolean keeps(Table table) {
        return holdings == null || (table != Table.OBJECTS && table != Table.RETIRED);
    }

    private boolean isWhole(Table table) {
        return keeps(table) && (holdings == null || table != Table.MANIFESTS);
    }

    /** A question about rows that are not kept must never be answered: a "no" would be taken for the quorum's. */
    private void require(Table table) {
        if (!keeps(table)) {
            throw new FreshetException(
                    ErrorKind.INTERNAL,
                    "This node follows the quorum without a vote and keeps no table " + table
                            + ": who needs it must ask the quorum's leader");
        }
    }

    /** The last log offset that the tables contain; −1 if none. */
    public long appliedOffset() {
        return appliedOffset;
    }

    /** A private view with its own unwritten changes; the metadata thread's. */
    ManifestView newView() {
        return new ManifestView(this, new RowOverlay(this));
    }

    /** Empties every table and forgets the applied offset, before a snapshot is loaded or another log is followed. */
    public void clear() {
        recent.clear();
        if (holdings != null) {
            holdings.forget();
        }
        call(() -> {
            for (Table table : Table.ALL) {
                if (table != Table.META) {
                    db.deleteRange(family(table), writeOptions, new byte[0], fill(64));
                }
            }
            db.delete(family(Table.META), writeOptions, APPLIED);
            db.delete(family(Table.META), writeOptions, NEXT_IDS);
            appliedOffset = -1;
            return true;
        });
        for (Table table : Table.ALL) {
            versions.incrementAndGet(table.ordinal());
        }
    }

    private void clear(Table table) {
        call(() -> {
            db.deleteRange(family(table), writeOptions, new byte[0], fill(64));
            return true;
        });
    }

    /** Adds whole manifests, of streams that have no row here. They are no change: the applied offset stays. */
    void writeManifests(Collection<StreamSegment> segments) {
        recent.clear(Table.MANIFESTS);
        call(() -> {
            try (WriteBatch batch = new WriteBatch()) {
                for (StreamSegment segment : segments) {
                    batch.put(
                            family(Table.MANIFESTS),
                            Rows.key(segment.streamId(), segment.startOffset()),
                            Rows.encodeSegment(segment));
                }
                db.write(writeOptions, batch);
            }
            return true;
        });
    }

    /** Removes all rows of these streams' manifests; the applied offset stays. */
    void dropManifests(Collection<Long> streamIds) {
        recent.clear(Table.MANIFESTS);
        call(() -> {
            try (WriteBatch batch = new WriteBatch();
                    RocksIterator rows = db.newIterator(family(Table.MANIFESTS))) {
                for (long streamId : streamIds) {
                    rows.seek(Rows.key(streamId, 0));
                    while (rows.isValid() && ByteBuffer.wrap(rows.key()).getLong() == streamId) {
                        batch.delete(family(Table.MANIFESTS), rows.key());
                        rows.next();
                    }
                }
                rows.status();
                db.write(writeOptions, batch);
            }
            return true;
        });
    }

    /** Differs from what it was when rows of the table have been written since; any thread. */
    long version(Table table) {
        return versions.get(table.ordinal());
    }

    /** Adds rows from a snapshot; they count only after {@link #markApplied}. */
    void load(RowsRecord rows) {
        recent.clear();
        if (rows.isPartialMark()) {
            requireMayLoadPartial();
            return;
        }
        if (!isWhole(Table.ALL[rows.table()])) {
            return; // what is wanted of it is asked of the leader
        }
        call(() -> {
            try (WriteBatch batch = new WriteBatch()) {
                for (RowsRecord.Row row : rows.rows()) {
                    batch.put(family(Table.ALL[rows.table()]), row.key(), row.value());
                }
                db.write(writeOptions, batch);
            }
            return true;
        });
        versions.incrementAndGet(rows.table());
    }

    private void requireMayLoadPartial() {
        if (holdings == null) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "The metadata snapshot in this directory was written by a broker without a vote, which leaves out what"
                            + " a controller needs; stop this node, delete its metadata directory, format it anew: the"
                            + " leader sends everything");
        }
    }

    void markApplied(OffsetAndEpoch applied) {
        call(() -> {
            db.put(family(Table.META), writeOptions, APPLIED, encodeApplied(applied));
            appliedOffset = applied.offset();
            return true;
        });
    }

    /** Writes the changes and the applied offset as one. */
    void write(RowOverlay changes, OffsetAndEpoch applied) {
        call(() -> {
            try (WriteBatch batch = new WriteBatch()) {
                changes.forEachChange((table, key, value) -> {
                    require(table);
                    if (value == null) {
                        batch.delete(family(table), key);
                    } else {
                        batch.put(family(table), key, value);
                    }
                });
                batch.put(family(Table.META), APPLIED, encodeApplied(applied));
                db.write(writeOptions, batch);
            }
            changes.forEachChange(recent::written);
            appliedOffset = applied.offset();
            return true;
        });
        changes.changedTables().forEach(table -> versions.incrementAndGet(table.ordinal()));
    }

    /** A frozen state to write a snapshot from; holds back {@link #close()} until it is closed. */
    Frozen freeze() {
        enter();
        Snapshot snapshot = db.getSnapshot();
        return new Frozen(
                snapshot,
                new ReadOptions().setSnapshot(snapshot).setFillCache(false).setReadaheadSize(SNAPSHOT_READAHEAD_BYTES));
    }

    /** The same for short reads here and there. */
    Frozen freezeForLookUps() {
        enter();
        Snapshot snapshot = db.getSnapshot();
        return new Frozen(snapshot, new ReadOptions().setSnapshot(snapshot));
    }

    /** Bytes outside of the heap that the store occupies; 0 after close. Any thread. */
    public long memoryBytes() {
        if (!permits.tryAcquire()) {
            return 0;
        }
        try {
            long bytes = cache.getUsage();
            for (ColumnFamilyHandle family : families) {
                bytes += db.getLongProperty(family, "rocksdb.cur-size-all-mem-tables");
                bytes += db.getLongProperty(family, "rocksdb.estimate-table-readers-mem");
            }
            return bytes;
        } catch (RocksDBException e) {
            return 0;
        } finally {
            exit();
        }
    }

    /** What views have read or written lately; the metadata thread's. */
    RecentRows recent() {
        return recent;
    }

    /** How large each table is, by its name; reads all of them. */
    public Map<String, TableSize> tableSizes() {
        Map<String, TableSize> sizes = new TreeMap<>();
        for (Table table : Table.ALL) {
            long[] size = new long[2];
            call(() -> {
                try (RocksIterator rows = db.newIterator(family(table))) {
                    for (rows.seekToFirst(); rows.isValid(); rows.next()) {
                        size[0]++;
                        size[1] += rows.key().length + rows.value().length;
                    }
                    rows.status();
                }
                return true;
            });
            sizes.put(table.name(), new TableSize(size[0], size[1]));
        }
        return sizes;
    }

    byte @Nullable [] get(Table table, byte[] key) {
        require(table);
        return call(() -> db.get(family(table), readOptions, key));
    }

    /** Many rows in one native call; null stands for one that is not there. */
    List<byte @Nullable []> get(Table table, List<byte[]> keys) {
        require(table);
        return call(() -> db.multiGetAsList(readOptions, Collections.nCopies(keys.size(), family(table)), keys));
    }

    /** Runs {@code reader} over the table; the iterator is valid only during the call. */
    void scan(Table table, Consumer<RocksIterator> reader) {
        require(table);
        call(() -> {
            try (RocksIterator rows = db.newIterator(family(table))) {
                reader.accept(rows);
                rows.status();
            }
            return true;
        });
    }

    private ColumnFamilyHandle family(Table table) {
        return families.get(table.ordinal());
    }

    private void exit() {
        permits.release();
    }

    private void enter() {
        if (!permits.tryAcquire()) {
            throw new FreshetException(ErrorKind.UNAVAILABLE, "The manifest store is closed; this node is stopping");
        }
    }

    private <T extends @Nullable Object> T call(Call<T> call) {
        enter();
        try {
            return call.run();
        } catch (RocksDBException e) {
            throw new FreshetException(
                    ErrorKind.CORRUPT,
                    "The manifest store failed: " + e.getMessage()
                            + "; stop the node, delete the manifests directory, start it again: the log rebuilds it",
                    e);
        } finally {
            exit();
        }
    }

    private static byte[] encodeApplied(OffsetAndEpoch applied) {
        return ByteBuffer.allocate(13)
                .put((byte) 0)
                .putLong(applied.offset())
                .putInt(applied.epoch())
                .array();
    }

    private static byte[] fill(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) 0xFF);
        return bytes;
    }

    @Override
    public void close() {
        if (!options.isOwningHandle()) {
            return;
        }
        permits.acquireUninterruptibly(MAX_CALLS);
        families.forEach(ColumnFamilyHandle::close);
        db.close();
        closeOptions();
    }

    private void closeOptions() {
        readOptions.close();
        writeOptions.close();
        familyOptions.close();
        cache.close();
        options.close();
    }

    private interface Call<T extends @Nullable Object> {
        T run() throws RocksDBException;
    }

    /** The tables at one instant, while writes go on. Used by one thread. */
    final class Frozen implements AutoCloseable {
        private final Snapshot snapshot;
        private final ReadOptions frozenReads;

        private Frozen(Snapshot snapshot, ReadOptions frozenReads) {
            this.snapshot = snapshot;
            this.frozenReads = frozenReads;
        }

        /** Has everything written so far, this instant's rows included, written to the disk. */
        void sync() {
            try (FlushOptions all = new FlushOptions().setWaitForFlush(true)) {
                db.flush(all, families);
            } catch (RocksDBException e) {
                throw new FreshetException(
                        ErrorKind.UNAVAILABLE, "Cannot flush the manifest store to the disk: " + e.getMessage(), e);
            }
        }

        /** Runs {@code reader} over the table; the iterator is valid only during the call. */
        void scan(Table table, Consumer<RocksIterator> reader) {
            require(table);
            try (RocksIterator rows = db.newIterator(family(table), frozenReads)) {
                reader.accept(rows);
                rows.status();
            } catch (RocksDBException e) {
                throw new FreshetException(
                        ErrorKind.CORRUPT,
                        "Cannot read the manifest store: " + e.getMessage() + "; restart the node",
                        e);
            }
        }

        /** Many rows in one native call; null stands for one that is not there. */
        List<byte @Nullable []> get(Table table, List<byte[]> keys) {
            require(table);
            try {
                return db.multiGetAsList(frozenReads, Collections.nCopies(keys.size(), family(table)), keys);
            } catch (RocksDBException e) {
                throw new FreshetException(
                        ErrorKind.CORRUPT,
                        "Cannot read the manifest store: " + e.getMessage() + "; restart the node",
                        e);
            }
        }

        /** Hands every row of every table but META to {@code sink}, in key order; what is kept in part is left out. */
        void forEachRun(Consumer<RowsRecord> sink) {
            if (holdings != null) {
                sink.accept(RowsRecord.partialMark());
            }
            for (Table table : Table.ALL) {
                if (table != Table.META && isWhole(table)) {
                    forEachRun(table, sink);
                }
            }
        }

        private void forEachRun(Table table, Consumer<RowsRecord> sink) {
            List<RowsRecord.Row> run = new ArrayList<>();
            try (RocksIterator rows = db.newIterator(family(table), frozenReads)) {
                for (rows.seekToFirst(); rows.isValid(); rows.next()) {
                    run.add(new RowsRecord.Row(rows.key(), rows.value()));
                    if (run.size() == ROWS_PER_RECORD) {
                        sink.accept(new RowsRecord((byte) table.ordinal(), run));
                        run.clear();
                    }
                }
                rows.status();
            } catch (RocksDBException e) {
                throw new FreshetException(
                        ErrorKind.CORRUPT, "Cannot read the manifest store for a snapshot: " + e.getMessage(), e);
            }
            if (!run.isEmpty()) {
                sink.accept(new RowsRecord((byte) table.ordinal(), run));
            }
        }

        @Override
        public void close() {
            frozenReads.close();
            db.releaseSnapshot(snapshot);
            exit();
        }
    }
}
