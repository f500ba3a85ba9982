// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.OptionalLong;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.BatchMetadata;
import org.apache.kafka.storage.internals.log.LogOffsetMetadata;
import org.apache.kafka.storage.internals.log.ProducerAppendInfo;
import org.apache.kafka.storage.internals.log.ProducerStateEntry;
import org.apache.kafka.storage.internals.log.ProducerStateManager;

/**
 * A partition's own state as bytes: its producers, and how far key compaction has come. Unlike Kafka's snapshot file it keeps all of the last five batches of a producer, so that a
 * retry of any of them is known after a restart too.
 *
 * <pre>
 * size field
 *    1 version (1; 2 if the next field is there)
 *    8 cleaned end offset: records of a key below it that a younger one below it replaces are gone
 *    4 producer count; then for each:
 *    8 producer id
 *    2 producer epoch
 *    4 coordinator epoch
 *    8 last timestamp
 *    8 first offset of the ongoing transaction, −1 if none
 *    1 batch count (0–5); then for each, oldest first:
 *    4 last sequence
 *    8 last offset
 *    4 offset delta (records − 1)
 *    8 timestamp
 * </pre>
 */
final class ProducerSnapshots {
    private static final byte VERSION = 1;
    private static final byte CLEANED_VERSION = 2;
    private static final int PRODUCER_BYTES = 31;
    private static final int BATCH_BYTES = 24;
    private static final int MAX_BATCHES = 5;

    private ProducerSnapshots() {}

    /** {@code cleanedEndOffset} is 0 as long as nothing was cleaned. */
    static byte[] write(Collection<ProducerStateEntry> producers, long cleanedEndOffset) {
        int size = cleanedEndOffset > 0 ? 13 : 5;
        for (ProducerStateEntry producer : producers) {
            size += PRODUCER_BYTES + producer.batchMetadata().size() * BATCH_BYTES;
        }
        ByteBuffer out = ByteBuffer.allocate(size);
        putHead(out, cleanedEndOffset).putInt(producers.size());
        for (ProducerStateEntry producer : producers) {
            out.putLong(producer.producerId())
                    .putShort(producer.producerEpoch())
                    .putInt(producer.coordinatorEpoch());
            out.putLong(producer.lastTimestamp());
            out.putLong(producer.currentTxnFirstOffset().orElse(-1));
            out.put((byte) producer.batchMetadata().size());
            for (BatchMetadata batch : producer.batchMetadata()) {
                out.putInt(batch.lastSeq()).putLong(batch.lastOffset());
                out.putInt(batch.offsetDelta()).putLong(batch.timestamp());
            }
        }
        return out.array();
    }

    private static ByteBuffer putHead(ByteBuffer out, long cleanedEndOffset) {
        return cleanedEndOffset > 0 ? out.put(CLEANED_VERSION).putLong(cleanedEndOffset) : out.put(VERSION);
    }

    /** How far {@code snapshot} says that its partition was cleaned; 0 if it does not say. */
    static long cleanedEndOffset(byte[] snapshot) {
        boolean isThere = snapshot.length >= 9 && snapshot[0] == CLEANED_VERSION;
        return isThere ? ByteBuffer.wrap(snapshot).getLong(1) : 0;
    }

    /** {@code snapshot} with another cleaned end offset. */
    static byte[] withCleanedEndOffset(byte[] snapshot, long cleanedEndOffset) {
        int producers = snapshot.length > 0 && snapshot[0] == CLEANED_VERSION ? 9 : 1;
        int producerBytes = Math.max(4, snapshot.length - producers);
        ByteBuffer out = ByteBuffer.allocate((cleanedEndOffset > 0 ? 9 : 1) + producerBytes);
        putHead(out, cleanedEndOffset);
        if (snapshot.length > producers) {
            out.put(snapshot, producers, producerBytes);
        }
        return out.array();
    }

    /** Adds the producers in {@code snapshot} to {@code target}. Fails with CORRUPT on bytes that {@link #write} never made. */
    static void read(byte[] snapshot, ProducerStateManager target) {
        if (snapshot.length == 0) {
            return;
        }
        ByteBuffer in = ByteBuffer.wrap(snapshot);
        try {
            byte version = in.get();
            if (version != VERSION && version != CLEANED_VERSION) {
                throw corrupt("has version " + version + ", known are up to " + CLEANED_VERSION);
            }
            if (version == CLEANED_VERSION && in.getLong() < 0) {
                throw corrupt("was cleaned up to a negative offset");
            }
            int count = in.getInt();
            if (count < 0) {
                throw corrupt("claims " + count + " producers");
            }
            for (int i = 0; i < count; i++) {
                readProducer(in, target);
            }
            if (in.hasRemaining()) {
                throw corrupt("has " + in.remaining() + " bytes after its last producer");
            }
        } catch (BufferUnderflowException e) {
            throw corrupt("ends after " + snapshot.length + " bytes, before its last producer");
        }
    }

    private static void readProducer(ByteBuffer in, ProducerStateManager target) {
        long producerId = in.getLong();
        short epoch = in.getShort();
        int coordinatorEpoch = in.getInt();
        long lastTimestampMs = in.getLong();
        long transactionStart = in.getLong();
        OptionalLong transaction = transactionStart < 0 ? OptionalLong.empty() : OptionalLong.of(transactionStart);
        target.loadProducerEntry(
                new ProducerStateEntry(producerId, epoch, coordinatorEpoch, lastTimestampMs, transaction));
        int batches = in.get();
        if (batches == 0) {
            return;
        }
        if (batches < 0 || batches > MAX_BATCHES) {
            throw corrupt("claims " + batches + " batches of producer " + producerId);
        }
        ProducerAppendInfo appends = target.prepareUpdate(producerId, AppendOrigin.REPLICATION);
        for (int i = 0; i < batches; i++) {
            int lastSequence = in.getInt();
            long lastOffset = in.getLong();
            int delta = in.getInt();
            long firstOffset = lastOffset - delta;
            int firstSequence = DefaultRecordBatch.decrementSequence(lastSequence, delta);
            appends.appendDataBatch(
                    epoch,
                    firstSequence,
                    lastSequence,
                    in.getLong(),
                    new LogOffsetMetadata(firstOffset),
                    lastOffset,
                    transaction.isPresent());
        }
        target.update(appends);
    }

    private static FreshetException corrupt(String what) {
        return new FreshetException(
                ErrorKind.CORRUPT, "A producer snapshot " + what + "; the segment's trailer must not be used");
    }
}
