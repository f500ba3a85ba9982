// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/**
 * A run of rows of one table, in key order; stands in snapshots only: table byte, count int, then per row key length int,
 * key, value length int, value. The rows' layout, which has its own version byte, is the manifest store's.
 */
public final class RowsRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 6;

    private byte table;
    private List<Row> rows = List.of();

    RowsRecord() {
        super(API_KEY);
    }

    public RowsRecord(byte table, List<Row> rows) {
        this();
        this.table = table;
        this.rows = List.copyOf(rows);
    }

    public byte table() {
        return table;
    }

    public List<Row> rows() {
        return rows;
    }

    @Override
    int sizeBytes() {
        int size = 1 + Integer.BYTES;
        for (Row row : rows) {
            size += 2 * Integer.BYTES + row.key.length + row.value.length;
        }
        return size;
    }

    @Override
    void encode(Writable out) {
        out.writeByte(table);
        out.writeInt(rows.size());
        for (Row row : rows) {
            out.writeInt(row.key.length);
            out.writeByteArray(row.key);
            out.writeInt(row.value.length);
            out.writeByteArray(row.value);
        }
    }

    @Override
    void decode(Readable in) {
        table = in.readByte();
        int count = in.readInt();
        List<Row> read = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] key = in.readArray(in.readInt());
            read.add(new Row(key, in.readArray(in.readInt())));
        }
        rows = List.copyOf(read);
    }

    @Override
    public String toString() {
        return "RowsRecord(table=" + table + ", rows=" + rows.size() + ")";
    }

    /** One row; the arrays are not changed any more. */
    @SuppressWarnings("ArrayRecordComponent")
    public record Row(byte[] key, byte[] value) {}
}
