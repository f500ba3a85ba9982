// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import static io.freshet.broker.partition.PartitionFixture.append;
import static io.freshet.broker.partition.PartitionFixture.idempotent;
import static io.freshet.broker.partition.PartitionFixture.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.broker.fake.ScriptedStream;
import io.freshet.broker.partition.PartitionLog.Appended;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.storage.SegmentCheckpoint;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.InvalidTxnStateException;
import org.apache.kafka.common.errors.KafkaStorageException;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.junit.jupiter.api.Test;

class PartitionTest {
    private final PartitionFixture fixture = new PartitionFixture();
    private final ScriptedStream stream = new ScriptedStream(3);
    private final Partition partition = fixture.open(stream);

    @Test
    void offsetsAreDenseAndTheHighWatermarkFollowsDurability() {
        List<Long> heard = new ArrayList<>();
        partition.addHighWatermarkListener(new PartitionLog.HighWatermarkListener() {
            @Override
            public void onHighWatermark(PartitionLog log, long highWatermark) {
                heard.add(highWatermark);
            }

            @Override
            public void onFailed(PartitionLog log) {}
        });
        Appended first = append(partition, plain(3));
        Appended second = append(partition, plain(2));
        assertThat(first.baseOffset()).isZero();
        assertThat(second.baseOffset()).isEqualTo(3);
        assertThat(partition.logEndOffset()).isEqualTo(5);
        assertThat(partition.highWatermark()).isZero();
        assertThat(first.durable()).isNotDone();

        stream.durable(1);
        assertThat(first.durable()).isCompletedWithValue(3L);
        assertThat(second.durable()).isNotDone();
        stream.durable(1);
        assertThat(second.durable()).isCompletedWithValue(5L);
        assertThat(partition.highWatermark()).isEqualTo(5);
        assertThat(heard).containsExactly(3L, 5L);
    }

    @Test
    void aRetryOfTheLastFiveBatchesIsAnsweredWithTheFirstOffsets() {
        for (int i = 0; i < 5; i++) {
            append(partition, idempotent(7, 0, i * 2, 2));
        }
        stream.durable(2);
        for (int i = 0; i < 5; i++) {
            Appended retry = append(partition, idempotent(7, 0, i * 2, 2));
            assertThat(retry.duplicate()).isTrue();
            assertThat(retry.baseOffset()).isEqualTo(i * 2L);
            assertThat(retry.endOffset()).isEqualTo(i * 2L + 2);
            // the original may not be durable yet: neither is the retry then
            assertThat(retry.durable().isDone()).isEqualTo(i < 2);
        }
        Appended last = append(partition, idempotent(7, 0, 8, 2));
        stream.durable(3);
        assertThat(last.durable()).isCompletedWithValue(10L);
        assertThat(stream.waiting()).isZero();
        assertThat(partition.logEndOffset()).isEqualTo(10);
    }

    @Test
    void sequencesAndEpochsAreCheckedAsInKafka() {
        append(partition, idempotent(7, 1, 0, 2));
        assertThatThrownBy(() -> append(partition, idempotent(7, 1, 3, 1)))
                .isInstanceOf(OutOfOrderSequenceException.class);
        assertThatThrownBy(() -> append(partition, idempotent(7, 1, 1, 1)))
                .isInstanceOf(OutOfOrderSequenceException.class);
        assertThatThrownBy(() -> append(partition, idempotent(7, 0, 2, 1)))
                .isInstanceOf(InvalidProducerEpochException.class);
        assertThatThrownBy(() -> append(partition, idempotent(7, 2, 5, 1)))
                .isInstanceOf(OutOfOrderSequenceException.class);
        assertThat(partition.logEndOffset()).isEqualTo(2);
        assertThat(append(partition, idempotent(7, 2, 0, 1)).baseOffset()).isEqualTo(2);
        assertThat(append(partition, idempotent(7, 2, 1, 1)).baseOffset()).isEqualTo(3);
        assertThatThrownBy(() -> append(partition, idempotent(7, 1, 2, 1)))
                .isInstanceOf(InvalidProducerEpochException.class);
    }

    @Test
    void transactionalBatchesAreRefused() {
        MemoryRecords records = MemoryRecords.withTransactionalRecords(
                Compression.NONE, 9, (short) 0, 0, new SimpleRecord(PartitionFixture.NOW_MS, new byte[1]));
        assertThatThrownBy(() -> append(partition, records)).isInstanceOf(InvalidTxnStateException.class);
        assertThat(partition.logEndOffset()).isZero();
    }

    @Test
    void aRefusedAppendChangesNothing() {
        append(partition, idempotent(7, 0, 0, 2));
        for (ErrorKind kind : List.of(ErrorKind.THROTTLED, ErrorKind.UNAVAILABLE)) {
            stream.refusal = new FreshetException(kind, "not now");
            assertThatThrownBy(() -> append(partition, idempotent(7, 0, 2, 1)))
                    .isInstanceOf(KafkaStorageException.class);
            stream.refusal = new FreshetException(ErrorKind.FENCED, "gone");
            assertThatThrownBy(() -> append(partition, idempotent(7, 0, 2, 1)))
                    .isInstanceOf(NotLeaderOrFollowerException.class);
        }
        stream.refusal = null;
        Appended next = append(partition, idempotent(7, 0, 2, 1));
        assertThat(next.duplicate()).isFalse();
        assertThat(next.baseOffset()).isEqualTo(2);
        stream.durable(2);
        assertThat(next.durable()).isCompletedWithValue(3L);
    }

    @Test
    void aClosedPartitionStillGivesTheStateThatItsLastSegmentIsSealedWith() {
        append(partition, idempotent(7, 0, 0, 2));
        stream.durable(1);
        partition.close(false);
        assertThat(partition.checkpoint().endOffset()).isEqualTo(2);
    }

    @Test
    void duplicatesAreKnownAfterAReopenFromCheckpointAndTail() {
        for (int i = 0; i < 3; i++) {
            append(partition, idempotent(7, 0, i, 1));
        }
        stream.durable(3);
        SegmentCheckpoint checkpoint = partition.checkpoint();
        for (int i = 3; i < 6; i++) {
            append(partition, idempotent(7, 0, i, 1));
        }
        append(partition, idempotent(8, 4, 0, 2));
        stream.durable(3);

        ScriptedStream next = stream.reopened(4, checkpoint);
        Partition reopened = fixture.open(next);
        assertThat(reopened.logEndOffset()).isEqualTo(6);
        for (int i = 1; i < 6; i++) {
            Appended retry = append(reopened, idempotent(7, 0, i, 1));
            assertThat(retry.duplicate()).as("sequence %d", i).isTrue();
            assertThat(retry.baseOffset()).isEqualTo(i);
            assertThat(retry.durable()).isCompleted();
        }
        assertThatThrownBy(() -> append(reopened, idempotent(7, 0, 7, 1)))
                .isInstanceOf(OutOfOrderSequenceException.class);
        // what was not durable is not known: its retry is an append
        assertThat(append(reopened, idempotent(8, 4, 0, 2)).duplicate()).isFalse();
        assertThat(append(reopened, idempotent(7, 0, 6, 1)).baseOffset()).isEqualTo(8);
        assertThat(reopened.epochEndOffset(3)).hasValue(new PartitionQueries.EpochEnd(3, 6));
        assertThat(reopened.epochEndOffset(4)).hasValue(new PartitionQueries.EpochEnd(4, 9));
    }

    @Test
    void aFailedWalFailsEverythingInFlightAndEverythingAfter() {
        List<String> heard = new ArrayList<>();
        partition.addHighWatermarkListener(new PartitionLog.HighWatermarkListener() {
            @Override
            public void onHighWatermark(PartitionLog log, long highWatermark) {}

            @Override
            public void onFailed(PartitionLog log) {
                heard.add("failed");
            }
        });
        Appended first = append(partition, idempotent(7, 0, 0, 1));
        Appended second = append(partition, plain(1));
        Appended retry = append(partition, idempotent(7, 0, 0, 1));
        stream.fail();
        for (Appended lost : List.of(first, second, retry)) {
            assertThat(lost.durable())
                    .failsWithin(java.time.Duration.ZERO)
                    .withThrowableOfType(java.util.concurrent.ExecutionException.class)
                    .withCauseInstanceOf(ApiException.class);
        }
        assertThat(heard).containsExactly("failed");
        assertThat(partition.isFailed()).isTrue();
        assertThatThrownBy(() -> append(partition, plain(1))).isInstanceOf(NotLeaderOrFollowerException.class);
        assertThat(partition.read(0, 100, 1, true)).isCompletedExceptionally();
        Partition reopened = fixture.open(stream.reopened(3, null));
        assertThat(append(reopened, idempotent(7, 0, 0, 1)).duplicate()).isFalse();
    }

    @Test
    void logAppendTimeIsToldAndKept() {
        fixture.topicConfig.put("message.timestamp.type", "LogAppendTime");
        assertThat(append(partition, idempotent(7, 0, 0, 1)).logAppendTimeMs()).isEqualTo(PartitionFixture.NOW_MS);
        assertThat(append(partition, idempotent(7, 0, 0, 1)).logAppendTimeMs()).isEqualTo(PartitionFixture.NOW_MS);
    }
}
