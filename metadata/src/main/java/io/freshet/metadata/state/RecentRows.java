// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Rows that were read or written last, so that a command's rows are read from the store once and not again when it is
 * applied. Each key has one place, where it gives way to the next one. Streams are kept as they are written, since the next
 * upload needs them; other rows only after somebody has asked for them. Every write passes through here. Metadata thread.
 */
final class RecentRows {
    /** Streams are numbered one by one, so as many fit; some 20 MiB of heap when all are in use. */
    private static final int MAX_STREAMS = 1 << 18;

    /** Far more than one command names; some 3 MiB each. */
    private static final int MAX_OTHERS = 1 << 14;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private final Map<Table, Places> tables = new EnumMap<>(Table.class);

    RecentRows() {
        tables.put(Table.STREAMS, new Places(MAX_STREAMS));
        tables.put(Table.MANIFESTS, new Places(MAX_OTHERS));
        tables.put(Table.OBJECTS, new Places(MAX_OTHERS));
    }

    /** A copy of a row that is known to be there; null says nothing. */
    byte @Nullable [] get(Table table, byte[] key) {
        Places places = tables.get(table);
        return places == null ? null : places.get(key);
    }

    /** The row was read; null if it is not there. */
    void read(Table table, byte[] key, byte @Nullable [] value) {
        Places places = tables.get(table);
        if (places != null && value != null) {
            places.put(key, value);
        }
    }

    /** The row is now {@code value}, or is gone. */
    void written(Table table, byte[] key, byte @Nullable [] value) {
        Places places = tables.get(table);
        if (places == null) {
            return;
        }
        if (table == Table.STREAMS && value != null) {
            places.put(key, value);
        } else {
            places.replace(key, value);
        }
    }

    void clear() {
        tables.values().forEach(Places::clear);
    }

    /** Forgets the rows of one table, which were changed past this. */
    void clear(Table table) {
        Places places = tables.get(table);
        if (places != null) {
            places.clear();
        }
    }

    private static final class Places {
        private final byte[] @Nullable [] keys;
        private final byte[] @Nullable [] values;

        Places(int count) {
            keys = new byte[count][];
            values = new byte[count][];
        }

        byte @Nullable [] get(byte[] key) {
            int place = place(key);
            byte[] value = values[place];
            return value != null && Arrays.equals(keys[place], key) ? value.clone() : null;
        }

        void put(byte[] key, byte[] value) {
            int place = place(key);
            keys[place] = copied(key, keys[place]);
            values[place] = copied(value, values[place]);
        }

        void replace(byte[] key, byte @Nullable [] value) {
            int place = place(key);
            if (value != null && Arrays.equals(keys[place], key)) {
                values[place] = copied(value, values[place]);
            } else if (Arrays.equals(keys[place], key)) {
                keys[place] = null;
                values[place] = null;
            }
        }

        /** In the array that is there already, if it fits: new ones would outlive a garbage collection, each of which would move them all. */
        private static byte[] copied(byte[] row, byte @Nullable [] place) {
            if (place == null || place.length != row.length) {
                return row.clone();
            }
            System.arraycopy(row, 0, place, 0, row.length);
            return place;
        }

        void clear() {
            Arrays.fill(keys, null);
            Arrays.fill(values, null);
        }

        /** Ids that follow one another have different places. */
        private int place(byte[] key) {
            long id = (long) LONGS.get(key, key.length - Long.BYTES);
            if (key.length > Long.BYTES) {
                id = ((id * 0x9E37_79B9_7F4A_7C15L) >>> 32) + (long) LONGS.get(key, 0);
            }
            return (int) id & (keys.length - 1);
        }
    }
}
