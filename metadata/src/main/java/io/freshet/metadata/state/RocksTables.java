// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * The open RocksDB database with a column family for each {@link Table}, and how it is set up. Native handles must not be touched
 * after close (that ends the process), so every call holds a permit, and {@link #close()} waits for all of them. It keeps
 * no log of its own. Any thread.
 */
final class RocksTables implements AutoCloseable {
    private static final int MAX_CALLS = 1 << 20;

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

    private final Semaphore permits = new Semaphore(MAX_CALLS);
    private final DBOptions options = new DBOptions()
            .setCreateIfMissing(true)
            .setCreateMissingColumnFamilies(true)
            .setAtomicFlush(true)
            .setKeepLogFileNum(2)
            .setDbWriteBufferSize(UNWRITTEN_BYTES)
            .setBytesPerSync(SYNC_BYTES);
    private final LRUCache cache = new LRUCache(CACHE_BYTES);
    private final ColumnFamilyOptions familyOptions = new ColumnFamilyOptions()
            .setTableFormatConfig(new BlockBasedTableConfig().setBlockCache(cache))
            .setWriteBufferSize(WRITE_BUFFER_BYTES)
            .setMaxWriteBufferNumber(MAX_WRITE_BUFFERS)
            .setLevel0FileNumCompactionTrigger(FILES_TO_MERGE)
            .setLevel0SlowdownWritesTrigger(FILES_TO_SLOW_DOWN)
            .setLevel0StopWritesTrigger(2 * FILES_TO_SLOW_DOWN);
    private final WriteOptions writeOptions = new WriteOptions().setDisableWAL(true);
    private final List<ColumnFamilyHandle> families = new ArrayList<>();
    private final RocksDB db;

    private RocksTables(Path directory) throws RocksDBException {
        List<ColumnFamilyDescriptor> descriptors = Arrays.stream(Table.ALL)
                .map(table -> new ColumnFamilyDescriptor(table.columnFamilyName(), familyOptions))
                .toList();
        try {
            db = RocksDB.open(options, directory.toString(), descriptors, families);
        } catch (RocksDBException e) {
            closeOptions();
            throw e;
        }
    }

    /** Opens or makes the database in {@code directory}, which exists. */
    static RocksTables open(Path directory) throws RocksDBException {
        RocksDB.loadLibrary();
        return new RocksTables(directory);
    }

    /** Deletes the database in {@code directory}, which nobody has open; nothing if there is none. */
    static void delete(Path directory) throws RocksDBException {
        if (!Files.exists(directory)) {
            return;
        }
        RocksDB.loadLibrary();
        try (Options none = new Options()) {
            RocksDB.destroyDB(directory.toString(), none);
        }
    }

    /** For use within a {@link #call} or between {@link #enter} and {@link #exit}. */
    RocksDB db() {
        return db;
    }

    ColumnFamilyHandle family(Table table) {
        return families.get(table.ordinal());
    }

    List<ColumnFamilyHandle> families() {
        return families;
    }

    /** Runs {@code call} while the database stays open; what RocksDB says against it becomes CORRUPT. */
    <T extends @Nullable Object> T call(Call<T> call) {
        enter();
        try {
            return call.on(db);
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

    /** Makes all the changes that {@code changes} puts into its batch, or none. */
    void write(Changes changes) {
        call(rocks -> {
            try (WriteBatch batch = new WriteBatch()) {
                changes.addTo(batch);
                rocks.write(writeOptions, batch);
            }
            return true;
        });
    }

    /** Holds {@link #close()} back until {@link #exit}; fails with UNAVAILABLE after it. */
    void enter() {
        if (!permits.tryAcquire()) {
            throw new FreshetException(ErrorKind.UNAVAILABLE, "The manifest store is closed; this node is stopping");
        }
    }

    void exit() {
        permits.release();
    }

    /** Bytes outside of the heap that the tables occupy; 0 after close. */
    long memoryBytes() {
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
        writeOptions.close();
        familyOptions.close();
        cache.close();
        options.close();
    }

    /** Something to do with the open database. */
    interface Call<T extends @Nullable Object> {
        T on(RocksDB rocks) throws RocksDBException;
    }

    /** Fills a batch. */
    interface Changes {
        void addTo(WriteBatch batch) throws RocksDBException;
    }
}
