// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import java.security.DigestException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.record.internal.MemoryRecords.RecordFilter;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.storage.internals.log.CleanedTransactionMetadata;
import org.apache.kafka.storage.internals.log.LastRecord;
import org.apache.kafka.storage.internals.log.OffsetMap;

/**
 * Decides what survives a pass. A record goes when a younger one of its key is in the map, when it is a tombstone whose time
 * is up, when it has no key, or when its transaction was aborted; a transaction's marker goes when none of the
 * transaction's batches is left and its time is up. A batch of which nothing is left goes too, unless it is the last one of a
 * producer that is remembered, or the log ends with it. Sees all batches of a partition in offset order, once.
 */
final class Survivors extends RecordFilter {
    private final OffsetMap map;
    private final CleanedTransactionMetadata transactions;
    private final Map<Long, LastRecord> lastRecords;
    private final Set<Long> removedMarkers = new HashSet<>();
    private final long highWatermark;
    private boolean isBatchDiscarded;

    /**
     * @param nowMs wall time that delete horizons are held against
     * @param deleteRetentionMs how long tombstones and markers stay once they are the last of their key or transaction
     * @param transactions knows the aborted transactions that overlap what is rewritten
     * @param lastRecords what must stay of each producer
     * @param highWatermark a batch that ends here stays, so that readers reach the end
     */
    Survivors(
            long nowMs,
            long deleteRetentionMs,
            OffsetMap map,
            CleanedTransactionMetadata transactions,
            Map<Long, LastRecord> lastRecords,
            long highWatermark) {
        super(nowMs, deleteRetentionMs);
        this.map = map;
        this.transactions = transactions;
        this.lastRecords = lastRecords;
        this.highWatermark = highWatermark;
    }

    /** Whether the transaction marker at {@code offset} was seen and is gone. */
    boolean isRemovedMarker(long offset) {
        return removedMarkers.contains(offset);
    }

    @Override
    protected BatchRetentionResult checkBatchRetention(RecordBatch batch) {
        boolean isMarkerOfNothing = false;
        if (batch.isControlBatch()) {
            isMarkerOfNothing = transactions.onControlBatchRead(batch);
            isBatchDiscarded = isMarkerOfNothing && isHorizonReached(batch);
            if (isBatchDiscarded) {
                removedMarkers.add(batch.lastOffset());
            }
        } else {
            isBatchDiscarded = transactions.onBatchRead(batch);
        }
        return new BatchRetentionResult(retention(batch), isMarkerOfNothing);
    }

    private BatchRetention retention(RecordBatch batch) {
        if (isLastOfProducer(batch) || batch.nextOffset() == highWatermark) {
            return BatchRetention.RETAIN_EMPTY;
        }
        return isBatchDiscarded ? BatchRetention.DELETE : BatchRetention.DELETE_EMPTY;
    }

    private boolean isLastOfProducer(RecordBatch batch) {
        LastRecord last = batch.hasProducerId() ? lastRecords.get(batch.producerId()) : null;
        if (last == null) {
            return false;
        }
        return last.lastDataOffset().isPresent()
                ? batch.lastOffset() == last.lastDataOffset().getAsLong()
                : batch.isControlBatch() && batch.producerEpoch() == last.producerEpoch();
    }

    @Override
    protected boolean shouldRetainRecord(RecordBatch batch, Record record) {
        if (isBatchDiscarded) {
            return false;
        }
        if (batch.isControlBatch() || record.offset() > map.latestOffset()) {
            return true;
        }
        return record.hasKey() && isNewest(record) && (record.hasValue() || !isHorizonReached(batch));
    }

    private boolean isNewest(Record record) {
        try {
            return record.offset() >= map.get(record.key());
        } catch (DigestException e) {
            throw new KafkaException("A key could not be hashed", e);
        }
    }

    private boolean isHorizonReached(RecordBatch batch) {
        return batch.deleteHorizonMs().isPresent() && batch.deleteHorizonMs().getAsLong() <= currentTime;
    }
}
