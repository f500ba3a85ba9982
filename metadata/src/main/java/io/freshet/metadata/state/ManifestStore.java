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
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLongArray;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WriteBatch;

/**
 * The tables of streams, manifests and objects. The metadata thread alone writes; any thread may read.
 *
 * <p>A write carries the log offset up to which it is the fold of the log. RocksDB keeps no log of its own: what a crash
 * takes away, all tables back to one offset since they are written to files together, comes back from the metadata log.
 */
public final class ManifestStore implements AutoCloseable {
    private static final byte[] APPLIED = "applied".getBytes(StandardCharsets.UTF_8);
    private static final byte[] CLUSTER = "cluster".getBytes(StandardCharsets.UTF_8);
    private static final byte[] AFTER_ALL_KEYS = HexFormat.of().parseHex("ff".repeat(64));
    static final byte[] NEXT_IDS = "next-ids".getBytes(StandardCharsets.UTF_8);

    private final RocksTables tables;
    private final RecentRows recent = new RecentRows();
    private final AtomicLongArray versions = new AtomicLongArray(Table.ALL.length);
    private final @Nullable Holdings holdings;
    private volatile long appliedOffset;

    private ManifestStore(RocksTables tables, boolean isPartial) {
        this.tables = tables;
        holdings = isPartial ? new Holdings(this) : null;
        byte[] applied = read(Table.META, APPLIED);
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
        try {
            RocksTables.delete(directory);
        } catch (RocksDBException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Cannot delete the manifest store in " + directory + ", which is not needed any more: "
                            + e.getMessage() + "; check the directory's rights and that no other process has it open",
                    e);
        }
    }

    private static ManifestStore open(Path directory, String clusterId, boolean isPartial) {
        try {
            Files.createDirectories(directory);
            ManifestStore store = new ManifestStore(RocksTables.open(directory), isPartial);
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

    private void adopt(String clusterId) {
        byte[] owner = clusterId.getBytes(StandardCharsets.UTF_8);
        if (!Arrays.equals(owner, read(Table.META, CLUSTER))) {
            clear();
            tables.write(batch -> batch.put(tables.family(Table.META), CLUSTER, owner));
        }
    }

    /** Which manifests are kept; null if all are, and all other tables too. */
    public @Nullable Holdings holdings() {
        return holdings;
    }

    private boolean keeps(Table table) {
        return holdings == null || (table != Table.OBJECTS && table != Table.RETIRED);
    }

    /** Whether every row of the table is kept. */
    boolean isWhole(Table table) {
        return keeps(table) && (holdings == null || table != Table.MANIFESTS);
    }

    /** A question about rows that are not kept must never be answered: a "no" would be taken for the quorum's. */
    void require(Table table) {
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
        tables.write(batch -> {
            for (Table table : Table.ALL) {
                if (table != Table.META) {
                    deleteAll(table, batch);
                }
            }
            batch.delete(tables.family(Table.META), APPLIED);
            batch.delete(tables.family(Table.META), NEXT_IDS);
        });
        appliedOffset = -1;
        for (Table table : Table.ALL) {
            versions.incrementAndGet(table.ordinal());
        }
    }

    private void clear(Table table) {
        tables.write(batch -> deleteAll(table, batch));
    }

    private void deleteAll(Table table, WriteBatch batch) throws RocksDBException {
        batch.deleteRange(tables.family(table), new byte[0], AFTER_ALL_KEYS);
    }

    /** Adds whole manifests, of streams that have no row here. They are no change: the applied offset stays. */
    void writeManifests(Collection<StreamSegment> segments) {
        recent.clear(Table.MANIFESTS);
        tables.write(batch -> {
            for (StreamSegment segment : segments) {
                batch.put(
                        tables.family(Table.MANIFESTS),
                        Rows.key(segment.streamId(), segment.startOffset()),
                        Rows.encodeSegment(segment));
            }
        });
    }

    /** Removes all rows of these streams' manifests; the applied offset stays. */
    void dropManifests(Collection<Long> streamIds) {
        recent.clear(Table.MANIFESTS);
        tables.write(batch -> scan(Table.MANIFESTS, rows -> {
            for (long streamId : streamIds) {
                rows.seek(Rows.key(streamId, 0));
                while (rows.isValid() && ByteBuffer.wrap(rows.key()).getLong() == streamId) {
                    batch.delete(tables.family(Table.MANIFESTS), rows.key());
                    rows.next();
                }
            }
        }));
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
        tables.write(batch -> {
            for (RowsRecord.Row row : rows.rows()) {
                batch.put(tables.family(Table.ALL[rows.table()]), row.key(), row.value());
            }
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
        tables.write(batch -> batch.put(tables.family(Table.META), APPLIED, encodeApplied(applied)));
        appliedOffset = applied.offset();
    }

    /** Writes the changes and the applied offset as one. */
    void write(RowOverlay changes, OffsetAndEpoch applied) {
        tables.write(batch -> {
            changes.forEachChange((table, key, value) -> {
                require(table);
                if (value == null) {
                    batch.delete(tables.family(table), key);
                } else {
                    batch.put(tables.family(table), key, value);
                }
            });
            batch.put(tables.family(Table.META), APPLIED, encodeApplied(applied));
        });
        changes.forEachChange(recent::written);
        appliedOffset = applied.offset();
        changes.changedTables().forEach(table -> versions.incrementAndGet(table.ordinal()));
    }

    /** A frozen state to write a snapshot from; holds back {@link #close()} until it is closed. */
    FrozenTables freeze() {
        return FrozenTables.toReadThrough(this, tables);
    }

    /** The same for short reads here and there. */
    FrozenTables freezeForLookUps() {
        return FrozenTables.forLookUps(this, tables);
    }

    /** Bytes outside of the heap that the store occupies; 0 after close. Any thread. */
    public long memoryBytes() {
        return tables.memoryBytes();
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
            readAll(table, rows -> {
                for (rows.seekToFirst(); rows.isValid(); rows.next()) {
                    size[0]++;
                    size[1] += rows.key().length + rows.value().length;
                }
            });
            sizes.put(table.name(), new TableSize(size[0], size[1]));
        }
        return sizes;
    }

    byte @Nullable [] get(Table table, byte[] key) {
        require(table);
        return read(table, key);
    }

    private byte @Nullable [] read(Table table, byte[] key) {
        return tables.call(rocks -> rocks.get(tables.family(table), key));
    }

    /** Many rows in one native call; null stands for one that is not there. */
    List<byte @Nullable []> get(Table table, List<byte[]> keys) {
        require(table);
        return tables.call(rocks -> rocks.multiGetAsList(Collections.nCopies(keys.size(), tables.family(table)), keys));
    }

    /** Runs {@code reader} over the table; the iterator is valid only during the call. */
    void scan(Table table, RowReader reader) {
        require(table);
        readAll(table, reader);
    }

    private void readAll(Table table, RowReader reader) {
        tables.call(rocks -> {
            try (RocksIterator rows = rocks.newIterator(tables.family(table))) {
                reader.read(rows);
                rows.status();
            }
            return true;
        });
    }

    private static byte[] encodeApplied(OffsetAndEpoch applied) {
        return ByteBuffer.allocate(13)
                .put((byte) 0)
                .putLong(applied.offset())
                .putInt(applied.epoch())
                .array();
    }

    @Override
    public void close() {
        tables.close();
    }

    /** Goes through rows. */
    interface RowReader {
        void read(RocksIterator rows) throws RocksDBException;
    }
}
