// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StreamLog.StreamRead;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.storage.internals.log.AppendOrigin;

/** One partition that this broker leads. Safe for use by many threads; nothing blocks on I/O. */
public interface PartitionLog {
    TopicIdPartition id();

    int leaderEpoch();

    long logStartOffset();

    /** End of what is durable: consumers see nothing at or above it. */
    long highWatermark();

    long lastStableOffset();

    long logEndOffset();

    /**
     * Validates the batches, assigns offsets in place, and hands them to the stream. Offsets are final when this returns;
     * {@link Appended#durable()} completes when the WAL has them. Throws Kafka's ApiException of the failure (corrupt,
     * too large, out of order sequence, not leader, …); then nothing was appended.
     *
     * @param records v2 batches; written in place
     * @param memory the bytes of {@code records}; kept by reference until uploaded and evicted
     */
    Appended append(MemoryRecords records, SharedBytes memory, AppendOrigin origin);

    /**
     * Whole batches from {@code offset} on, none at or above {@code maxOffset} (a high watermark, an LSO, or the log end).
     * Fails with Kafka's OffsetOutOfRangeException below the log start or above the log end.
     */
    CompletableFuture<StreamRead> read(long offset, int maxBytes, long maxOffset, boolean minOneBatch);

    /** Called after each advance of the high watermark, on the thread that advanced it; must be short and never block. */
    void addHighWatermarkListener(HighWatermarkListener listener);

    void removeHighWatermarkListener(HighWatermarkListener listener);

    /** Hears of the high watermark, and that this partition will accept nothing more. */
    interface HighWatermarkListener {
        void onHighWatermark(PartitionLog log, long highWatermark);

        /** The WAL failed or ownership was lost: appends not yet durable never will be acknowledged. */
        void onFailed(PartitionLog log);
    }

    /**
     * What an append was given.
     *
     * @param baseOffset offset of the first record
     * @param endOffset offset after the last record
     * @param logAppendTimeMs broker time if the topic uses LogAppendTime, else −1
     * @param logStartOffset log start at the time of the append
     * @param durable completes with the end offset when durable; fails with a retriable Kafka ApiException otherwise
     * @param duplicate whether the batch had been appended before (the offsets are the first append's)
     */
    record Appended(
            long baseOffset,
            long endOffset,
            long logAppendTimeMs,
            long logStartOffset,
            CompletableFuture<Long> durable,
            boolean duplicate) {}
}
