// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.api.KafkaErrors;
import io.freshet.common.runtime.Clock;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.protocol.Errors;
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
import org.junit.jupiter.api.Test;

/** Whatever a client sends, this validator and Kafka's own decide alike and store the same bytes. */
class BatchValidatorDifferentialTest {
    private static final int BATCHES = Integer.getInteger("fuzz.batches", 20_000);
    /** One seed for every build; other seeds by -Dfuzz.seed. */
    private static final long DEFAULT_SEED = 7984951728127L;

    private static final int LEADER_EPOCH = 7;
    private static final TopicPartition PARTITION = new TopicPartition("t", 0);

    private static final List<Map<String, String>> CONFIGS = List.of(
            Map.of(),
            Map.of("message.timestamp.before.max.ms", "3600000", "message.timestamp.after.max.ms", "3600000"),
            Map.of("cleanup.policy", "compact"),
            Map.of("message.timestamp.type", "LogAppendTime"),
            Map.of("compression.type", "lz4"),
            Map.of("compression.type", "uncompressed"));

    private final Clock clock = new Clock() {
        @Override
        public long wallMs() {
            return RandomBatches.NOW_MS;
        }

        @Override
        public long nanoTime() {
            return 0;
        }
    };
    private final RejectionCounters rejections = new RejectionCounters(new SimpleMeterRegistry());
    private final BatchValidator validator = new BatchValidator(PARTITION, clock, rejections);

    /** What became of a batch: an error, or what was stored. */
    private record Outcome(Errors error, long endOffset, long maxTimestampMs, ByteBuffer bytes) {}

    @Test
    void decidesAsKafkasValidatorDoes() {
        long seed = Long.getLong("fuzz.seed", DEFAULT_SEED);
        System.out.println("seed " + seed + " (replay with -Dfuzz.seed=" + seed + ")");
        RandomBatches batches = new RandomBatches(seed);
        Random random = new Random(seed + 1);
        Map<Errors, Integer> seen = new EnumMap<>(Errors.class);
        for (int i = 0; i < BATCHES; i++) {
            LogConfig config = new LogConfig(CONFIGS.get(random.nextInt(CONFIGS.size())));
            ByteBuffer bytes = batches.valid();
            if (random.nextInt(4) != 0) {
                bytes = batches.mutate(bytes);
            }
            Outcome ours = ours(bytes, config);
            Outcome kafkas = kafkas(bytes, config);
            seen.merge(ours.error, 1, Integer::sum);
            if (kafkas.error == Errors.NONE
                    && ours.error == Errors.INVALID_RECORD
                    && hasStrangeProducer(bytes)
                    && isRenumbered(bytes)) {
                continue; // renumbering writes a batch anew, and no batch can be written for such a producer
            }
            if (ours.error == Errors.NONE && isRenumbered(bytes)) {
                assertThat(kafkas.error).as("seed %d, batch %d", seed, i).isEqualTo(Errors.NONE);
                assertThat(ours.endOffset).isEqualTo(kafkas.endOffset);
                continue;
            }
            assertThat(ours)
                    .as("seed %d, batch %d, config %s", seed, i, config.originals())
                    .isEqualTo(kafkas);
        }
        System.out.println(seen);
        assertThat(seen)
                .containsKeys(Errors.NONE, Errors.INVALID_RECORD, Errors.CORRUPT_MESSAGE, Errors.INVALID_TIMESTAMP);
    }

    /** Uncompressed records out of order are numbered anew here; Kafka stores them as they are. */
    private static boolean isRenumbered(ByteBuffer bytes) {
        for (MutableRecordBatch batch : RandomBatches.records(bytes).batches()) {
            long expected = batch.baseOffset();
            if (batch.compressionType() == CompressionType.NONE) {
                for (Record record : batch) {
                    if (record.offset() != expected++) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private static boolean hasStrangeProducer(ByteBuffer bytes) {
        MutableRecordBatch batch =
                RandomBatches.records(bytes).batches().iterator().next();
        return batch.producerId() != RecordBatch.NO_PRODUCER_ID
                && (batch.producerEpoch() < 0 || batch.baseSequence() < 0);
    }

    private Outcome ours(ByteBuffer bytes, LogConfig config) {
        MemoryRecords records = RandomBatches.records(bytes);
        try {
            BatchValidator.Accepted accepted = validator.validate(records, AppendOrigin.CLIENT, config, LEADER_EPOCH);
            MutableRecordBatch batch = accepted.records().batches().iterator().next();
            // what the partition does with an accepted batch
            batch.setLastOffset(accepted.recordCount() - 1);
            batch.setPartitionLeaderEpoch(LEADER_EPOCH);
            return new Outcome(
                    Errors.NONE,
                    accepted.recordCount(),
                    accepted.maxTimestampMs(),
                    accepted.records().buffer());
        } catch (RuntimeException e) {
            assertThat(KafkaErrors.recordCodeOf(e)).isNotEqualTo(Errors.UNKNOWN_SERVER_ERROR);
            return new Outcome(kafkaCode(e), -1, -1, ByteBuffer.allocate(0));
        }
    }

    /** Kafka tells a client whose bytes cannot be read UNKNOWN_SERVER_ERROR; here it is the client's mistake. */
    private static Errors kafkaCode(Throwable error) {
        Errors code = KafkaErrors.recordCodeOf(error);
        // a snappy chunk that claims more than is there is too large before it is damaged
        return code == Errors.UNKNOWN_SERVER_ERROR || code == Errors.MESSAGE_TOO_LARGE ? Errors.INVALID_RECORD : code;
    }

    private Outcome kafkas(ByteBuffer bytes, LogConfig config) {
        MemoryRecords records = RandomBatches.records(bytes);
        try {
            CompressionType source = CompressionType.NONE;
            for (MutableRecordBatch batch : records.batches()) {
                if (!batch.isValid()) {
                    return new Outcome(Errors.CORRUPT_MESSAGE, -1, -1, ByteBuffer.allocate(0));
                }
                source = batch.compressionType();
            }
            PrimitiveRef.LongRef offset = PrimitiveRef.ofLong(0);
            LogValidator.ValidationResult result = new LogValidator(
                            records,
                            PARTITION,
                            new KafkaTime(clock),
                            source,
                            BrokerCompressionType.targetCompression(config.compression, source),
                            config.compact,
                            RecordBatch.MAGIC_VALUE_V2,
                            config.messageTimestampType,
                            config.messageTimestampBeforeMaxMs,
                            config.messageTimestampAfterMaxMs,
                            LEADER_EPOCH,
                            AppendOrigin.CLIENT,
                            BatchValidator.recordLimit(config))
                    .validateMessagesAndAssignOffsets(offset, rejections, BufferSupplier.NO_CACHING);
            return new Outcome(
                    Errors.NONE,
                    offset.value,
                    result.maxTimestampMs(),
                    result.validatedRecords().buffer());
        } catch (RuntimeException | Error e) {
            return new Outcome(kafkaCode(e), -1, -1, ByteBuffer.allocate(0));
        }
    }
}
