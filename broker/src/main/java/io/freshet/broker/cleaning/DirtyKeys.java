// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.compact.StreamRewriter;
import java.nio.ByteBuffer;
import java.security.DigestException;
import java.security.NoSuchAlgorithmException;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.apache.kafka.common.utils.internals.CloseableIterator;
import org.apache.kafka.storage.internals.log.CleanedTransactionMetadata;
import org.apache.kafka.storage.internals.log.OffsetMap;
import org.apache.kafka.storage.internals.log.SkimpyOffsetMap;

/**
 * The first half of a pass: the last offset of each key in the dirty segments, in Kafka's map of hashes, which takes 24 bytes
 * a key and no more memory than it was given. When it is full the pass ends there and a later one goes on. Used by one
 * thread at a time.
 */
final class DirtyKeys implements StreamRewriter.Visitor {
    private static final int BYTES_PER_KEY = 24;
    private static final int MIN_MAP_BYTES = 8 * BYTES_PER_KEY;

    private final SkimpyOffsetMap map;
    private final int maxKeys;
    private final long firstDirtyOffset;
    private final CleanedTransactionMetadata transactions;
    private final BufferSupplier buffers = BufferSupplier.create();

    /**
     * @param recordCount how many records the dirty segments hold
     * @param transactions knows the aborted transactions that overlap the dirty offsets
     */
    DirtyKeys(CleaningConfig config, long recordCount, long firstDirtyOffset, CleanedTransactionMetadata transactions) {
        this.map = mapFor(config, recordCount);
        this.maxKeys = (int) (map.slots() * config.mapLoadFactor());
        this.firstDirtyOffset = firstDirtyOffset;
        this.transactions = transactions;
    }

    private static SkimpyOffsetMap mapFor(CleaningConfig config, long recordCount) {
        double wanted = (recordCount + 1) / config.mapLoadFactor() * BYTES_PER_KEY + BYTES_PER_KEY;
        double bound = Math.min(Integer.MAX_VALUE - 1024.0, config.maxMapBytes());
        try {
            return new SkimpyOffsetMap((int) Math.max(MIN_MAP_BYTES, Math.min(wanted, bound)));
        } catch (NoSuchAlgorithmException e) {
            throw new FreshetException(ErrorKind.INTERNAL, "This Java has no MD5; use one that has", e);
        }
    }

    /** Last offset of each key, and up to where all keys are in it. */
    OffsetMap map() {
        return map;
    }

    @Override
    public boolean batches(ByteBuffer batches) {
        try {
            for (MutableRecordBatch batch :
                    MemoryRecords.readableRecords(batches.slice()).batches()) {
                if (!add(batch)) {
                    return false;
                }
            }
            return true;
        } catch (DigestException e) {
            throw new FreshetException(ErrorKind.INTERNAL, "A key could not be hashed", e);
        }
    }

    /** False when the map is full; the batch does not count as read then. */
    private boolean add(MutableRecordBatch batch) throws DigestException {
        if (batch.isControlBatch()) {
            transactions.onControlBatchRead(batch);
        } else if (!transactions.onBatchRead(batch)) {
            try (CloseableIterator<Record> records = batch.streamingIterator(buffers)) {
                while (records.hasNext()) {
                    Record next = records.next();
                    if (next.hasKey() && next.offset() >= firstDirtyOffset) {
                        if (map.size() >= maxKeys) {
                            return false;
                        }
                        map.put(next.key(), next.offset());
                    }
                }
            }
        }
        if (batch.lastOffset() >= firstDirtyOffset) {
            map.updateLatestOffset(batch.lastOffset());
        }
        return true;
    }

    @Override
    public void ended(StreamSegment segment) {
        map.updateLatestOffset(segment.endOffset() - 1);
    }
}
