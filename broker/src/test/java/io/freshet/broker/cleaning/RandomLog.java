// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.jspecify.annotations.Nullable;

/**
 * Batches as clients and coordinators may write them: plain ones, of idempotent producers, of transactions that are
 * committed, aborted or left open, with tombstones, records without a key, and all compressions.
 */
final class RandomLog {
    private static final int KEYS = 25;
    private static final int IDEMPOTENT = 3;
    private static final int TRANSACTIONAL = 4;

    private final Random random;
    private final Map<Long, Integer> sequences = new HashMap<>();
    private final Set<Long> inTransaction = new TreeSet<>();
    private final List<CompressionType> codecs = new ArrayList<>(List.of(CompressionType.values()));
    private final boolean hasTransactions;
    private long nextOffset;

    RandomLog(Random random, boolean hasTransactions) {
        this.random = random;
        this.hasTransactions = hasTransactions;
    }

    long nextOffset() {
        return nextOffset;
    }

    /** The next batch, or the marker that ends a transaction. */
    MemoryRecords next(long nowMs) {
        int choice = random.nextInt(hasTransactions ? 10 : 5);
        if (choice < 3) {
            return batch(RecordBatch.NO_PRODUCER_ID, false, nowMs);
        }
        if (choice < 5) {
            return batch(100L + random.nextInt(IDEMPOTENT), false, nowMs);
        }
        long producerId = 200L + random.nextInt(TRANSACTIONAL);
        if (inTransaction.contains(producerId) && random.nextInt(3) == 0) {
            return marker(producerId, nowMs);
        }
        // a transaction without data has no marker of its own, but one that has been cleaned away looks the same
        if (random.nextInt(20) == 0 && !inTransaction.contains(producerId)) {
            return marker(producerId, nowMs);
        }
        inTransaction.add(producerId);
        return batch(producerId, true, nowMs);
    }

    boolean isInTransaction() {
        return !inTransaction.isEmpty();
    }

    /** Ends one open transaction. */
    MemoryRecords endOne(long nowMs) {
        return marker(inTransaction.iterator().next(), nowMs);
    }

    private MemoryRecords marker(long producerId, long nowMs) {
        inTransaction.remove(producerId);
        ControlRecordType outcome = random.nextBoolean() ? ControlRecordType.COMMIT : ControlRecordType.ABORT;
        long offset = nextOffset++;
        return MemoryRecords.withEndTransactionMarker(
                offset, nowMs, 0, producerId, (short) 0, new EndTransactionMarker(outcome, 0));
    }

    private MemoryRecords batch(long producerId, boolean isTransactional, long nowMs) {
        int count = 1 + random.nextInt(6);
        int sequence = producerId < 0 ? RecordBatch.NO_SEQUENCE : sequences.getOrDefault(producerId, 0);
        CompressionType codec = codecs.get(random.nextInt(codecs.size()));
        MemoryRecordsBuilder builder = MemoryRecords.builder(
                ByteBuffer.allocate(4096),
                RecordBatch.MAGIC_VALUE_V2,
                Compression.of(codec).build(),
                TimestampType.CREATE_TIME,
                nextOffset,
                RecordBatch.NO_TIMESTAMP,
                producerId,
                producerId < 0 ? RecordBatch.NO_PRODUCER_EPOCH : 0,
                sequence,
                isTransactional,
                0);
        for (int i = 0; i < count; i++) {
            builder.append(nowMs - random.nextInt(500), key(), value());
        }
        nextOffset += count;
        sequences.put(producerId, sequence + count);
        return builder.build();
    }

    private byte @Nullable [] key() {
        return random.nextInt(30) == 0 ? null : bytes("k" + random.nextInt(KEYS));
    }

    private byte @Nullable [] value() {
        return random.nextInt(4) == 0 ? null : bytes("v" + random.nextInt(1000) + "x".repeat(random.nextInt(40)));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
