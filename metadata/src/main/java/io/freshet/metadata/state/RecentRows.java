// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Rows that were read or written last, so that a command's rows are read from the store once and not again when it is
 * applied. Every write passes through here. Metadata thread.
 */
final class RecentRows {
    /** Per table; some 6 MB of heap. */
    private static final int MAX_ROWS = 32_768;

    private final Map<Table, Map<ByteBuffer, byte[]>> rows = new EnumMap<>(Table.class);

    RecentRows() {
        rows.put(Table.STREAMS, new Newest());
        rows.put(Table.MANIFESTS, new Newest());
        rows.put(Table.OBJECTS, new Newest());
    }

    /** A row that is known to be there; null says nothing. */
    byte @Nullable [] get(Table table, byte[] key) {
        Map<ByteBuffer, byte[]> known = rows.get(table);
        return known == null ? null : known.get(ByteBuffer.wrap(key));
    }

    /** The row is now {@code value}, or is gone. */
    void put(Table table, byte[] key, byte @Nullable [] value) {
        Map<ByteBuffer, byte[]> known = rows.get(table);
        if (known == null) {
            return;
        }
        if (value == null) {
            known.remove(ByteBuffer.wrap(key));
        } else {
            known.put(ByteBuffer.wrap(key), value);
        }
    }

    void clear() {
        rows.values().forEach(Map::clear);
    }

    private static final class Newest extends LinkedHashMap<ByteBuffer, byte[]> {
        Newest() {
            super(16, 0.75f, true);
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<ByteBuffer, byte[]> eldest) {
            return size() > MAX_ROWS;
        }
    }
}
