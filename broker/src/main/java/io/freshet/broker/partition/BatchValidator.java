// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.common.runtime.Clock;
import io.freshet.storage.format.BatchHeader;
import java.nio.ByteBuffer;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.ApiException;
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
import org.apache.kafka.storage.internals.log.RecordValidationException;

/**
 * Decides whether batches may be appended, with Kafka's rules and errors. Runs outside the partition's lock, on the
 * caller's thread; writes batches in place where the topic asks for it. Uncompressed batches that need no change are
 * walked in place without allocating; all others go through Kafka's own validator.
 */
final class BatchValidator {
    private static final long MAX_DECOMPRESSED_BYTES = 64L << 20;
    private static final int MAX_COMPRESSED_RECORDS = 1 << 20;
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
        if (source != CompressionType.NONE) {
            checkGrowth(records, source, config);
        }
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
                recordLimit(config));
        PrimitiveRef.LongRef offset = PrimitiveRef.ofLong(0);
        LogValidator.ValidationResult result;
        try {
            result = isOutOfOrder(records, origin, source)
                    ? validator.validateMessagesAndAssignOffsetsCompressed(offset, rejections, BUFFERS.get())
                    : validator.validateMessagesAndAssignOffsets(offset, rejections, BUFFERS.get());
        } catch (ApiException | RecordValidationException e) {
            throw e;
        } catch (VirtualMachineError | LinkageError e) {
            throw e;
        } catch (RuntimeException | Error e) {
            // Decompressors and parsers fail in ways of their own, snappy's with an Error; it is the sender's mistake.
            throw new InvalidRecordException(
                    "The records of a batch for " + partition + " cannot be read: " + e.getMessage(), e);
        }
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
            try {
                for (Record record : batch) {
                    if (record.offset() != expected++) {
                        return true;
                    }
                }
            } catch (RuntimeException e) {
                return false; // Not readable: the validator finds out too, and says what is wrong.
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
            CompressionType codec = codecOf(batch);
            if (codec != CompressionType.NONE) {
                source = codec;
            }
        }
        if (validBytes == 0 || validBytes != records.sizeInBytes()) {
            throw new CorruptRecordException("Records for " + partition + " hold " + validBytes
                    + " bytes of whole batches out of " + records.sizeInBytes() + "; send whole batches");
        }
        return source;
    }

    /**
     * Kafka bounds each record only. A few KiB can hold gigabytes in many records, or millions of tiny records that each
     * cost an object while they are checked.
     */
    private void checkGrowth(MemoryRecords records, CompressionType source, LogConfig config) {
        long limitBytes = growthLimit(config);
        for (MutableRecordBatch batch : records.batches()) {
            ByteBuffer bytes = records.buffer();
            if (batch.magic() != RecordBatch.MAGIC_VALUE_V2 || batch.sizeInBytes() != bytes.remaining()) {
                return; // Old or several batches: the validator refuses them compressed, before it reads them.
            }
            int count = BatchHeader.recordCount(bytes, bytes.position());
            if (count > Math.max(MAX_COMPRESSED_RECORDS, config.maxMessageSize())) {
                throw new RecordTooLargeException("A compressed batch for " + partition + " claims " + count
                        + " records; send at most " + MAX_COMPRESSED_RECORDS + " in one");
            }
            bytes.position(bytes.position() + BatchHeader.HEADER_BYTES);
            if (DecompressionBound.exceeds(source, bytes, limitBytes)) {
                throw new RecordTooLargeException("A compressed batch for " + partition + " holds more than "
                        + limitBytes + " bytes; send smaller batches or raise max.decompressed.message.bytes");
            }
        }
    }

    /** For a whole batch. Kafka's default of 2 GiB for each record would let one request fill the heap. */
    private static long growthLimit(LogConfig config) {
        int configured = config.maxDecompressedMessageBytes();
        long asked = configured == LogConfig.DEFAULT_MAX_DECOMPRESSED_MESSAGE_BYTES ? 0 : configured;
        return Math.max(Math.max(MAX_DECOMPRESSED_BYTES, asked), 64L * config.maxMessageSize());
    }

    /** For one record. */
    static int recordLimit(LogConfig config) {
        return (int) Math.min(config.maxDecompressedMessageBytes(), growthLimit(config));
    }

    private CompressionType codecOf(MutableRecordBatch batch) {
        try {
            return batch.compressionType();
        } catch (IllegalArgumentException e) {
            throw new InvalidRecordException(
                    "A batch for " + partition + " names a compression that does not exist: " + e.getMessage(), e);
        }
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
