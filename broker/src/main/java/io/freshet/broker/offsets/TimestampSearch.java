// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.offsets;

import io.freshet.broker.partition.PartitionQueries;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StreamLog.StreamRead;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.apache.kafka.common.utils.internals.CloseableIterator;

/** Finds single records by their timestamp: the partition knows the batch, the batch is read for the record. */
final class TimestampSearch {
    /** One batch is wanted; the read gives at least that. */
    private static final int ONE_BATCH_BYTES = 1;

    private TimestampSearch() {}

    /** A record's place. */
    record Found(long timestampMs, long offset, int leaderEpoch) {}

    /** The first record from the log start on, below {@code endOffset}, that is at least as new as {@code timestampMs}. */
    static CompletableFuture<Optional<Found>> firstAtOrAfter(PartitionQueries log, long timestampMs, long endOffset) {
        long startOffset = log.logStartOffset();
        return log.batchAtOrAfterTimestamp(timestampMs, endOffset)
                .thenCompose(base -> base.isEmpty()
                        ? CompletableFuture.completedFuture(Optional.empty())
                        : scan(log, timestampMs, startOffset, Math.max(base.get(), startOffset), endOffset));
    }

    /**
     * Looks from the batch that holds {@code offset} on. A second batch is needed only when the log start lies inside the
     * first one, behind the record that made it match.
     */
    private static CompletableFuture<Optional<Found>> scan(
            PartitionQueries log, long timestampMs, long startOffset, long offset, long endOffset) {
        if (offset >= endOffset) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        return log.read(offset, ONE_BATCH_BYTES, endOffset, true).thenCompose(read -> {
            Optional<Found> found = firstIn(read, timestampMs, startOffset);
            boolean isOver = found.isPresent() || read.endOffset() <= offset;
            return isOver
                    ? CompletableFuture.completedFuture(found)
                    : scan(log, timestampMs, startOffset, read.endOffset(), endOffset);
        });
    }

    private static Optional<Found> firstIn(StreamRead read, long timestampMs, long startOffset) {
        try {
            for (SharedBytes bytes : read.batches()) {
                for (MutableRecordBatch batch :
                        MemoryRecords.readableRecords(bytes.view()).batches()) {
                    if (batch.maxTimestamp() >= timestampMs) {
                        Optional<Found> found = firstIn(batch, timestampMs, startOffset);
                        if (found.isPresent()) {
                            return found;
                        }
                    }
                }
            }
            return Optional.empty();
        } finally {
            read.release();
        }
    }

    private static Optional<Found> firstIn(RecordBatch batch, long timestampMs, long startOffset) {
        if (batch.timestampType() == TimestampType.LOG_APPEND_TIME && batch.baseOffset() >= startOffset) {
            return Optional.of(new Found(batch.maxTimestamp(), batch.baseOffset(), batch.partitionLeaderEpoch()));
        }
        try (CloseableIterator<Record> records = batch.streamingIterator(BufferSupplier.create())) {
            while (records.hasNext()) {
                Record next = records.next();
                if (next.timestamp() >= timestampMs && next.offset() >= startOffset) {
                    return Optional.of(new Found(next.timestamp(), next.offset(), batch.partitionLeaderEpoch()));
                }
            }
        }
        return Optional.empty();
    }

    /** The first record below {@code endOffset} with the greatest timestamp. */
    static CompletableFuture<Optional<Found>> newest(PartitionQueries log, long endOffset) {
        return log.batchWithMaxTimestamp(endOffset)
                .thenCompose(base -> base.isEmpty()
                        ? CompletableFuture.completedFuture(Optional.empty())
                        : log.read(Math.max(base.get(), log.logStartOffset()), ONE_BATCH_BYTES, endOffset, true)
                                .thenApply(TimestampSearch::newestIn));
    }

    private static Optional<Found> newestIn(StreamRead read) {
        try {
            Optional<Found> newest = Optional.empty();
            for (SharedBytes bytes : read.batches()) {
                for (MutableRecordBatch batch :
                        MemoryRecords.readableRecords(bytes.view()).batches()) {
                    if (newest.isEmpty() || batch.maxTimestamp() > newest.get().timestampMs()) {
                        newest = firstIn(batch, batch.maxTimestamp(), Long.MIN_VALUE);
                    }
                }
            }
            return newest;
        } finally {
            read.release();
        }
    }
}
