// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.metadata.record.RowsRecord;
import java.nio.ByteBuffer;
import org.apache.kafka.common.Uuid;

/** Reads the rows of streams in a snapshot without a store. Pure functions. */
public final class StreamRows {
    private StreamRows() {}

    /** Takes one stream. */
    @FunctionalInterface
    public interface Visitor {
        /** A stream, the partition that it is, and its committed end. */
        void visit(long streamId, Uuid topicId, int partition, long endOffset);
    }

    /** Hands the streams among {@code rows} to {@code visitor}; none if they are rows of another table. */
    public static void forEach(RowsRecord rows, Visitor visitor) {
        if (rows.table() != Table.STREAMS.ordinal()) {
            return;
        }
        for (RowsRecord.Row row : rows.rows()) {
            Rows.Stream stream = Rows.Stream.decode(row.value());
            visitor.visit(
                    ByteBuffer.wrap(row.key()).getLong(), stream.topicId(), stream.partition(), stream.endOffset());
        }
    }
}
