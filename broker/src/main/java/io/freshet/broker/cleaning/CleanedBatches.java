// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import io.freshet.broker.partition.CleanablePartition;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.freshet.storage.compact.BatchTransform;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.utils.internals.BufferSupplier;

/**
 * Rewrites blocks of batches so that only the {@link Survivors} are left. Batches keep their base and last offsets,
 * sequences and leader epochs; Kafka's library does it. Used by one thread at a time.
 */
final class CleanedBatches implements BatchTransform {
    private final Survivors survivors;
    private final int maxDecompressedBytes;
    private final CleaningMeters meters;
    private final BufferSupplier buffers = BufferSupplier.create();
    private long startOffset;
    private long endOffset;
    private long cleanedEndOffset;

    CleanedBatches(Survivors survivors, int maxDecompressedBytes, CleaningMeters meters) {
        this.survivors = survivors;
        this.maxDecompressedBytes = maxDecompressedBytes;
        this.meters = meters;
    }

    /**
     * The next segment to be written covers these offsets.
     *
     * @param newCleanedEndOffset what its trailer says of the whole partition; 0 to leave that as it is. Only the last segment of
     *     a pass may say it: once it is committed, all former ones are.
     */
    void begin(long newStartOffset, long newEndOffset, long newCleanedEndOffset) {
        startOffset = newStartOffset;
        endOffset = newEndOffset;
        cleanedEndOffset = newCleanedEndOffset;
    }

    @Override
    public ByteBuffer apply(ByteBuffer batches) {
        MemoryRecords records = MemoryRecords.readableRecords(batches.slice());
        ByteBuffer target = ByteBuffer.allocate(records.sizeInBytes());
        MemoryRecords.FilterResult result;
        try {
            result = records.filterTo(survivors, target, buffers, maxDecompressedBytes);
        } catch (KafkaException e) {
            throw new FreshetException(
                    ErrorKind.CORRUPT, "Record batches could not be read for cleaning: " + e.getMessage(), e);
        }
        meters.recordsRead.increment(result.messagesRead());
        meters.recordsRemoved.increment(result.messagesRead() - result.messagesRetained());
        meters.bytesRead.increment(result.bytesRead());
        meters.bytesRemoved.increment(result.bytesRead() - result.bytesRetained());
        return result.outputBuffer().flip();
    }

    /** An aborted transaction's entry stays as long as its marker does. */
    @Override
    public SegmentCheckpoint checkpoint(SegmentCheckpoint merged) {
        List<AbortedTransaction> kept = merged.abortedTransactions().stream()
                .filter(transaction -> transaction.lastOffset() >= startOffset
                        && transaction.lastOffset() < endOffset
                        && !survivors.isRemovedMarker(transaction.lastOffset()))
                .distinct()
                .toList();
        long cleaned = Math.max(cleanedEndOffset, CleanablePartition.cleanedEndOffset(merged));
        return CleanablePartition.checkpointWith(merged, cleaned, kept);
    }

    @Override
    public boolean changesBatches() {
        return true;
    }
}
