// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/**
 * Unwritten changes of rows over the store. They stay on the heap, so that a change costs no native call until
 * {@link ManifestStore#write}; and rows that many records need can be read in one call ({@link #prefetch}). Metadata thread.
 */
final class RowOverlay {
    /** Stands for a row that is not there. */
    private static final byte[] ABSENT = new byte[0];

    private final ManifestStore store;
    private final Map<Table, TableChanges> changes = new EnumMap<>(Table.class);

    RowOverlay(ManifestStore store) {
        this.store = store;
    }

    byte @Nullable [] get(Table table, byte[] key) {
        byte[] changed = changesOf(table).get(key);
        if (changed != null) {
            return changed == ABSENT ? null : changed;
        }
        byte[] recent = store.recent().get(table, key);
        return recent == null ? store.get(table, key) : recent;
    }

    /** Reads these rows at once, for the {@link #get}s that follow: those find nearly all of them on the heap. */
    void prefetch(Table table, Collection<byte[]> keys) {
        List<byte[]> wanted = new ArrayList<>();
        for (byte[] key : keys) {
            if (store.recent().get(table, key) == null) {
                wanted.add(key);
            }
        }
        if (wanted.isEmpty()) {
            return;
        }
        List<byte @Nullable []> values = store.get(table, wanted);
        for (int i = 0; i < wanted.size(); i++) {
            store.recent().read(table, wanted.get(i), values.get(i));
        }
    }

    void put(Table table, byte[] key, byte[] value) {
        changesOf(table).put(key, value);
    }

    void delete(Table table, byte[] key) {
        changesOf(table).put(key, ABSENT);
    }

    /** Visits rows in key order from {@code from} on, until the visitor has seen enough. Nothing may change meanwhile. */
    void scan(Table table, byte[] from, Visitor visitor) {
        store.scan(table, stored -> {
            stored.seek(from);
            merge(changesOf(table).inOrder().tailMap(from, true).entrySet().iterator(), stored, visitor);
        });
    }

    private static void merge(Iterator<Map.Entry<byte[], byte[]>> changes, RocksIterator stored, Visitor visitor) {
        Map.Entry<byte[], byte[]> change = next(changes);
        boolean goesOn = true;
        while (goesOn && (change != null || stored.isValid())) {
            byte[] storedKey = stored.isValid() ? stored.key() : null;
            int order = order(change, storedKey);
            if (order > 0 && storedKey != null) {
                goesOn = visitor.visit(storedKey, stored.value());
            } else if (change != null && change.getValue() != ABSENT) {
                goesOn = visitor.visit(change.getKey(), change.getValue());
            }
            if (order <= 0) {
                change = next(changes);
            }
            if (order >= 0) {
                stored.next();
            }
        }
    }

    /** Negative if the change comes first, positive if the stored row does, 0 if the change is of that row. */
    private static int order(Map.@Nullable Entry<byte[], byte[]> change, byte @Nullable [] storedKey) {
        if (change == null) {
            return 1;
        }
        return storedKey == null ? -1 : Arrays.compareUnsigned(change.getKey(), storedKey);
    }

    private static Map.@Nullable Entry<byte[], byte[]> next(Iterator<Map.Entry<byte[], byte[]>> entries) {
        return entries.hasNext() ? entries.next() : null;
    }

    /** Hands every change to {@code sink}; a null value is a deletion. */
    <E extends Exception> void forEachChange(Sink<E> sink) throws E {
        for (Map.Entry<Table, TableChanges> ofTable : changes.entrySet()) {
            Table table = ofTable.getKey();
            ofTable.getValue().forEachInOrder((key, value) -> sink.take(table, key, value == ABSENT ? null : value));
        }
    }

    /** The tables with unwritten changes, and maybe others. */
    Set<Table> changedTables() {
        return changes.keySet();
    }

    /** Forgets the changes. */
    void clear() {
        changes.clear();
    }

    private TableChanges changesOf(Table table) {
        return changes.computeIfAbsent(table, key -> new TableChanges());
    }

    /** Sees one row; returns whether to go on. */
    interface Visitor {
        boolean visit(byte[] key, byte[] value);
    }

    /** Takes one change. */
    interface Sink<E extends Exception> {
        void take(Table table, byte[] key, byte @Nullable [] value) throws E;
    }
}
