// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.common.runtime.Clock;
import io.freshet.storage.format.BatchHeader;
import java.nio.ByteBuffer;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.CorruptRecordException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.apache.kafka.common.utils.internals.PrimitiveRef;
import org.apache.kafka.server.record.BrokerCompressionType;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogValidator;

/**
 * Decides whether batches may be appended, with Kafka's rules and errors. Runs outside the partition's lock, on the
 * caller's thread; writes batches in place where the topic asks for it. Uncompressed batches that need no change are
 * walked in place without allocating; all others go through Kafka's own validator.
 */
final class BatchValidator {
    private static final ThreadLocal<BufferSupplier> BUFFERS = ThreadLocal.withInitial(BufferSupplier::create);

    private final TopicPartition partition;
    private final Clock clock;
    private final LogValidator.MetricsRecorder rejections;

    BatchValidator(TopicPartition partition, Clock clock, LogValidator.MetricsRecorder rejections) {
        this.partition = partition;
        this.clock = clock;
        this.rejections = rejections;
    }

    /**
     * @param records the accepted batches: the given ones, or new ones if they had to be rewritten
     * @param recordCount offsets that they take
     * @param maxTimestampMs greatest timestamp
     * @param logAppendTimeMs broker time if the topic uses it, else −1
     * @param rewritten whether {@code records} are new bytes rather than the given ones
     */
    record Accepted(
            MemoryRecords records, long recordCount, long maxTimestampMs, long logAppendTimeMs, boolean rewritten) {}

    Accepted validate(MemoryRecords records, AppendOrigin origin, LogConfig config, int leaderEpoch) {
        CompressionType source = checkBatches(records, origin, config);
        Compression target = BrokerCompressionType.targetCompression(config.compression, source);
        long nowMs = clock.wallMs();
        if (isFast(records, origin, config, target, nowMs)) {
            ByteBuffer bytes = records.buffer();
            int at = bytes.position();
            return new Accepted(
                    records, BatchHeader.recordCount(bytes, at), BatchHeader.maxTimestampMs(bytes, at), -1, false);
        }
        return validateWithKafka(records, origin, config, leaderEpoch, source, target);
    }

    private Accepted validateWithKafka(
            MemoryRecords records,
            AppendOrigin origin,
            LogConfig config,
            int leaderEpoch,
            CompressionType source,
            Compression target) {
        LogValidator validator = new LogValidator(
                records,
                partition,
                new KafkaTime(clock),
                source,
                target,
                config.compact,
                RecordBatch.MAGIC_VALUE_V2,
                config.messageTimestampType,
                config.messageTimestampBeforeMaxMs,
                config.messageTimestampAfterMaxMs,
                leaderEpoch,
                origin,
                config.maxDecompressedMessageBytes());
        PrimitiveRef.LongRef offset = PrimitiveRef.ofLong(0);
        LogValidator.ValidationResult result = isOutOfOrder(records, origin, source)
                ? validator.validateMessagesAndAssignOffsetsCompressed(offset, rejections, BUFFERS.get())
                : validator.validateMessagesAndAssignOffsets(offset, rejections, BUFFERS.get());
        if (result.messageSizeMaybeChanged()) {
            for (MutableRecordBatch batch : result.validatedRecords().batches()) {
                checkSize(batch.sizeInBytes(), config);
            }
        }
        boolean brokerTime = config.messageTimestampType == TimestampType.LOG_APPEND_TIME;
        return new Accepted(
                result.validatedRecords(),
                offset.value,
                result.maxTimestampMs(),
                brokerTime ? result.logAppendTimeMs() : -1,
                result.messageSizeMaybeChanged());
    }

    /**
     * Kafka's validator leaves the offset deltas of uncompressed records as they are; offsets must be dense here, so such
     * a batch takes the path that numbers its records anew.
     */
    private static boolean isOutOfOrder(MemoryRecords records, AppendOrigin origin, CompressionType source) {
        if (origin != AppendOrigin.CLIENT || source != CompressionType.NONE) {
            return false;
        }
        for (MutableRecordBatch batch : records.batches()) {
            if (batch.magic() < RecordBatch.MAGIC_VALUE_V2) {
                return false;
            }
            long expected = batch.baseOffset();
            for (Record record : batch) {
                if (record.offset() != expected++) {
                    return true;
                }
            }
        }
        return false;
    }

    private CompressionType checkBatches(MemoryRecords records, AppendOrigin origin, LogConfig config) {
        CompressionType source = CompressionType.NONE;
        int validBytes = 0;
        for (MutableRecordBatch batch : records.batches()) {
            if (origin == AppendOrigin.CLIENT
                    && batch.magic() >= RecordBatch.MAGIC_VALUE_V2
                    && batch.baseOffset() != 0) {
                throw new InvalidRecordException("A batch for " + partition + " has base offset " + batch.baseOffset()
                        + "; producers must send 0");
            }
            checkSize(batch.sizeInBytes(), config);
            if (!batch.isValid()) {
                rejections.recordInvalidChecksums();
                throw new CorruptRecordException("A batch for " + partition + " does not match its CRC "
                        + batch.checksum() + "; it was damaged on the way, send it again");
            }
            validBytes += batch.sizeInBytes();
            if (batch.compressionType() != CompressionType.NONE) {
                source = batch.compressionType();
            }
        }
        if (validBytes == 0 || validBytes != records.sizeInBytes()) {
            throw new CorruptRecordException("Records for " + partition + " hold " + validBytes
                    + " bytes of whole batches out of " + records.sizeInBytes() + "; send whole batches");
        }
        return source;
    }

    private void checkSize(int sizeBytes, LogConfig config) {
        if (sizeBytes > config.maxMessageSize()) {
            throw new RecordTooLargeException("A batch for " + partition + " has " + sizeBytes
                    + " bytes, max.message.bytes is " + config.maxMessageSize());
        }
    }

    private static boolean isFast(
            MemoryRecords records, AppendOrigin origin, LogConfig config, Compression target, long nowMs) {
        ByteBuffer bytes = records.buffer();
        int at = bytes.position();
        int size = BatchHeader.sizeBytes(bytes, at);
        if (size != bytes.remaining()
                || origin != AppendOrigin.CLIENT
                || target.type() != CompressionType.NONE
                || BatchHeader.magic(bytes, at) != RecordBatch.MAGIC_VALUE_V2
                || config.messageTimestampType != TimestampType.CREATE_TIME) {
            return false;
        }
        int attributes = bytes.getShort(at + 21) & 0xffff;
        int count = BatchHeader.recordCount(bytes, at);
        boolean hasProducer = bytes.getLong(at + 43) != RecordBatch.NO_PRODUCER_ID;
        if (attributes != 0
                || count <= 0
                || bytes.getInt(at + 23) != count - 1
                || (hasProducer && bytes.getInt(at + 53) < 0)) {
            return false;
        }
        long earliestMs = saturated(nowMs, config.messageTimestampBeforeMaxMs, false);
        long latestMs = saturated(nowMs, config.messageTimestampAfterMaxMs, true);
        return new RecordWalk(bytes, at, size)
                .accepts(
                        count,
                        BatchHeader.baseTimestampMs(bytes, at),
                        BatchHeader.maxTimestampMs(bytes, at),
                        earliestMs,
                        latestMs,
                        config.compact);
    }

    private static long saturated(long nowMs, long distanceMs, boolean later) {
        if (later) {
            return nowMs > Long.MAX_VALUE - distanceMs ? Long.MAX_VALUE : nowMs + distanceMs;
        }
        return nowMs - distanceMs;
    }
}
