// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.apache.kafka.common.utils.internals.ByteBufferOutputStream;

/**
 * A run of rows of one table, in key order; stands in snapshots only: table byte, count int, then per row key length int,
 * key, value length int, value. In packed ones the table's highest bit is set, and all that follows it is one zstd frame. The rows' layout,
 * which has its own version byte, is the manifest store's. Rows that were
 * read stay one array until somebody asks for them: who starts with tables that are ahead of a snapshot needs none of them.
 */
public final class RowsRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 6;
    private static final byte[] NONE = new byte[0];

    /** No table has this number: who does not know the mark fails. */
    private static final byte PARTIAL_MARK = Byte.MAX_VALUE;

    private static final int PACKED_BIT = 0x80;
    /** Snapshots are written in the background, beside all else. */
    private static final Compression PACKING = Compression.zstd().level(1).build();

    private byte table;
    private List<Row> rows = List.of();
    private byte[] encodedRows = NONE;
    private boolean isPacked;

    RowsRecord() {
        super(API_KEY);
    }

    public RowsRecord(byte table, List<Row> rows) {
        this();
        this.table = table;
        this.rows = List.copyOf(rows);
    }

    /** The same rows, encoded in a fraction of the bytes; this record if it was read. */
    public RowsRecord packed() {
        if (encodedRows != NONE) {
            return this;
        }
        ByteBuffer plain = ByteBuffer.allocate(sizeBytes() - 1);
        writeRows(new ByteBufferAccessor(plain));
        ByteBufferOutputStream packed = new ByteBufferOutputStream(plain.capacity() / 4 + 64);
        try (OutputStream out = PACKING.wrapForOutput(packed, RecordBatch.CURRENT_MAGIC_VALUE)) {
            out.write(plain.array(), 0, plain.position());
        } catch (IOException e) {
            throw new UncheckedIOException("Memory cannot fail", e);
        }
        ByteBuffer bytes = packed.buffer().flip();
        RowsRecord same = new RowsRecord();
        same.table = table;
        same.isPacked = true;
        same.encodedRows = new byte[bytes.remaining()];
        bytes.get(same.encodedRows);
        return same;
    }

    private static ByteBuffer unpacked(byte[] packed) {
        try (InputStream in = PACKING.wrapForInput(
                ByteBuffer.wrap(packed), RecordBatch.CURRENT_MAGIC_VALUE, BufferSupplier.NO_CACHING)) {
            return ByteBuffer.wrap(in.readAllBytes());
        } catch (IOException | KafkaException e) {
            throw new IllegalArgumentException(packed.length + " packed bytes of a snapshot's rows are damaged", e);
        }
    }

    /**
     * Stands before all rows in the snapshot of a node that keeps only a part of the tables, for itself. A node that needs all of
     * them must not load it.
     */
    public static RowsRecord partialMark() {
        return new RowsRecord(PARTIAL_MARK, List.of(new Row(NONE, NONE)));
    }

    public boolean isPartialMark() {
        return table == PARTIAL_MARK;
    }

    public byte table() {
        return table;
    }

    /** The rows; parsed anew by each call if the record was read. */
    public List<Row> rows() {
        if (encodedRows == NONE) {
            return rows;
        }
        return parse(isPacked ? unpacked(encodedRows) : ByteBuffer.wrap(encodedRows));
    }

    private static List<Row> parse(ByteBuffer in) {
        int count = in.getInt();
        List<Row> read = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] key = array(in);
            read.add(new Row(key, array(in)));
        }
        if (in.hasRemaining()) {
            throw new IllegalArgumentException(in.remaining() + " bytes follow " + count + " rows of a snapshot");
        }
        return read;
    }

    private static byte[] array(ByteBuffer in) {
        int length = in.getInt();
        if (length < 0 || length > in.remaining()) {
            throw new IllegalArgumentException(
                    "A row of a snapshot claims " + length + " bytes where " + in.remaining() + " are left");
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    @Override
    int sizeBytes() {
        if (encodedRows != NONE) {
            return 1 + encodedRows.length;
        }
        int size = 1 + Integer.BYTES;
        for (Row row : rows) {
            size += 2 * Integer.BYTES + row.key.length + row.value.length;
        }
        return size;
    }

    @Override
    void encode(Writable out) {
        out.writeByte((byte) (isPacked ? table | PACKED_BIT : table));
        if (encodedRows != NONE) {
            out.writeByteArray(encodedRows);
        } else {
            writeRows(out);
        }
    }

    private void writeRows(Writable out) {
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
        byte first = in.readByte();
        isPacked = (first & PACKED_BIT) != 0;
        table = (byte) (first & ~PACKED_BIT);
        encodedRows = in.readArray(in.remaining());
    }

    @Override
    public String toString() {
        return "RowsRecord(table=" + table + ", bytes=" + sizeBytes() + ")";
    }

    /** One row; the arrays are not changed any more. */
    @SuppressWarnings("ArrayRecordComponent")
    public record Row(byte[] key, byte[] value) {}
}
