// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.freshet.storage.format.BatchHeader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.jspecify.annotations.Nullable;

/** Batches as lines that a person can compare. */
final class LogText {
    private LogText() {}

    /** The batches in {@code bytes} that begin below {@code endOffset}. */
    static List<ByteBuffer> split(ByteBuffer bytes, long endOffset) {
        List<ByteBuffer> batches = new ArrayList<>();
        ByteBuffer view = bytes.slice();
        for (int at = 0; at < view.limit(); ) {
            int size = BatchHeader.sizeBytes(view, at);
            if (BatchHeader.baseOffset(view, at) < endOffset) {
                batches.add(view.slice(at, size));
            }
            at += size;
        }
        return batches;
    }

    /** A line for each batch and record. */
    static List<String> lines(List<ByteBuffer> batches) {
        List<String> lines = new ArrayList<>();
        for (ByteBuffer bytes : batches) {
            for (MutableRecordBatch batch :
                    MemoryRecords.readableRecords(bytes.slice()).batches()) {
                batch.ensureValid();
                lines.add("batch " + batch.baseOffset() + ".." + batch.lastOffset() + " epoch "
                        + batch.partitionLeaderEpoch() + " producer " + batch.producerId() + "/"
                        + batch.producerEpoch() + "/" + batch.baseSequence() + " " + batch.compressionType()
                        + (batch.isTransactional() ? " transactional" : "") + " max " + batch.maxTimestamp()
                        + " horizon "
                        + batch.deleteHorizonMs());
                for (Record record : batch) {
                    lines.add("  " + record.offset() + " at " + record.timestamp() + " "
                            + (batch.isControlBatch()
                                    ? ControlRecordType.parse(record.key()).toString()
                                    : text(record.key()) + "=" + text(record.value())));
                }
            }
        }
        return lines;
    }

    /** The last committed value of each key, as a reader finds it out that skips aborted transactions by their list. */
    static Map<String, String> committed(List<ByteBuffer> batches, List<AbortedTransaction> aborted) {
        Deque<AbortedTransaction> ahead = new ArrayDeque<>(aborted.stream()
                .sorted(Comparator.comparingLong(AbortedTransaction::firstOffset))
                .toList());
        Set<Long> aborting = new HashSet<>();
        Map<String, String> values = new TreeMap<>();
        for (ByteBuffer bytes : batches) {
            for (MutableRecordBatch batch :
                    MemoryRecords.readableRecords(bytes.slice()).batches()) {
                while (!ahead.isEmpty() && ahead.peek().firstOffset() <= batch.lastOffset()) {
                    aborting.add(ahead.poll().producerId());
                }
                for (Record record : batch) {
                    if (batch.isControlBatch()) {
                        aborting.remove(batch.producerId());
                    } else if (!(batch.isTransactional() && aborting.contains(batch.producerId())) && record.hasKey()) {
                        if (record.hasValue()) {
                            values.put(text(record.key()), record.offset() + " " + text(record.value()));
                        } else {
                            values.remove(text(record.key()));
                        }
                    }
                }
            }
        }
        return values;
    }

    private static String text(@Nullable ByteBuffer bytes) {
        return bytes == null ? "null" : StandardCharsets.UTF_8.decode(bytes).toString();
    }
}
