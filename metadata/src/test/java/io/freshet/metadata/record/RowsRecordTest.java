// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.metadata.record.RowsRecord.Row;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.junit.jupiter.api.Test;

class RowsRecordTest {
    private static final byte TABLE = 3;
    private static final int ROWS = 1024;

    @Test
    void rowsComeBackPackedOrNot() {
        RowsRecord rows = new RowsRecord(TABLE, rows());
        ByteBuffer plain = encoded(rows);
        ByteBuffer packed = encoded(rows.packed());

        assertThat(packed.remaining()).isLessThan(plain.remaining() / 3);
        for (ByteBuffer bytes : List.of(plain, packed)) {
            RowsRecord read = (RowsRecord) new MetadataLogSerde()
                    .read(new ByteBufferAccessor(bytes.duplicate()), bytes.remaining())
                    .message();
            assertThat(read.table()).isEqualTo(TABLE);
            assertThat(read.isPartialMark()).isFalse();
            assertThat(read.rows()).usingRecursiveComparison().isEqualTo(rows());
            assertThat(encoded(read)).as("what was read is written as it was").isEqualTo(bytes);
            assertThat(encoded(read.packed())).isEqualTo(bytes);
        }
    }

    /** Raft's checksums find damage within; what is cut off is noticed here. */
    @Test
    void rowsThatAreCutOffAreRefused() {
        ByteBuffer packed = encoded(new RowsRecord(TABLE, rows()).packed());
        packed.limit(packed.limit() - 100);
        RowsRecord read = (RowsRecord) new MetadataLogSerde()
                .read(new ByteBufferAccessor(packed), packed.remaining())
                .message();

        assertThatThrownBy(read::rows).isInstanceOf(IllegalArgumentException.class);
    }

    /** Like those of manifests. */
    private static List<Row> rows() {
        Random random = new Random(1);
        List<Row> rows = new ArrayList<>();
        long offset = 0;
        for (int i = 0; i < ROWS; i++) {
            byte[] key = ByteBuffer.allocate(16).putLong(i / 50).putLong(offset).array();
            offset += 100 + random.nextInt(1000);
            byte[] value = ByteBuffer.allocate(49)
                    .put((byte) 1)
                    .putLong(offset)
                    .putLong(5_000_000 + random.nextInt(100_000))
                    .putLong(random.nextInt(1 << 20))
                    .array();
            rows.add(new Row(key, value));
        }
        return rows;
    }

    private static ByteBuffer encoded(RowsRecord rows) {
        ApiMessageAndVersion entry = rows.versioned();
        ObjectSerializationCache cache = new ObjectSerializationCache();
        MetadataLogSerde serde = new MetadataLogSerde();
        ByteBuffer bytes = ByteBuffer.allocate(serde.recordSize(entry, cache));
        serde.write(entry, cache, new ByteBufferAccessor(bytes));
        assertThat(bytes.hasRemaining()).isFalse();
        return bytes.flip();
    }
}
