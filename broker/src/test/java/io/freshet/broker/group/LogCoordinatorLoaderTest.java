// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.fake.ManualScheduler;
import io.freshet.broker.fake.MemoryPartitionLogs;
import io.freshet.broker.fake.MemoryPartitionLogs.MemoryLog;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.requests.TransactionResult;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.coordinator.common.runtime.CoordinatorLoader.LoadSummary;
import org.apache.kafka.coordinator.common.runtime.CoordinatorPlayback;
import org.apache.kafka.coordinator.common.runtime.CoordinatorRecord;
import org.apache.kafka.coordinator.group.GroupCoordinatorRecordHelpers;
import org.apache.kafka.coordinator.group.GroupCoordinatorRecordSerde;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.VerificationGuard;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LogCoordinatorLoaderTest {
    private static final TopicPartition PARTITION = new TopicPartition("__consumer_offsets", 3);
    private static final FreshetException GONE = new FreshetException(ErrorKind.UNAVAILABLE, "the bucket is gone");

    private final MemoryPartitionLogs logs = new MemoryPartitionLogs();
    private final ManualScheduler scheduler = new ManualScheduler();
    private final List<Long> replayed = new ArrayList<>();
    private final LogCoordinatorLoader loader = new LogCoordinatorLoader(logs, Runnable::run, scheduler, Time.SYSTEM);

    @AfterEach
    void close() {
        loader.close();
        logs.close();
    }

    private MemoryLog openWithTwoRecords() {
        MemoryLog log = logs.open(new TopicIdPartition(Uuid.randomUuid(), PARTITION), 0, null);
        LogPartitionWriter writer = new LogPartitionWriter(logs, topic -> new LogConfig(Map.of()), failed -> {});
        GroupCoordinatorRecordSerde serde = new GroupCoordinatorRecordSerde();
        for (int i = 0; i < 2; i++) {
            CoordinatorRecord record = GroupCoordinatorRecordHelpers.newOffsetCommitTombstoneRecord("g", "t", i);
            writer.append(
                    PARTITION,
                    VerificationGuard.SENTINEL,
                    MemoryRecords.withRecords(
                            Compression.NONE,
                            new SimpleRecord(serde.serializeKey(record), serde.serializeValue(record))),
                    (short) 0);
        }
        await().atMost(Duration.ofSeconds(20)).until(() -> log.highWatermark() == 2);
        return log;
    }

    private CompletableFuture<LoadSummary> load() {
        return loader.load(PARTITION, new CoordinatorPlayback<>() {
            @Override
            public void replay(long offset, long producerId, short producerEpoch, CoordinatorRecord record) {
                replayed.add(offset);
            }

            @Override
            public void replayEndTransactionMarker(long producerId, short producerEpoch, TransactionResult result) {
                throw new AssertionError("no transactions here");
            }

            @Override
            public void updateLastWrittenOffset(long offset) {}

            @Override
            public void updateLastCommittedOffset(long offset) {}
        });
    }

    @Test
    void aStoreThatIsGoneForAWhileDelaysTheGroupsOnly() {
        MemoryLog log = openWithTwoRecords();
        log.failReads(GONE);
        CompletableFuture<LoadSummary> done = load();
        scheduler.advance(60_000);
        assertThat(done).isNotDone();
        log.failReads(null);
        scheduler.advance(5_000);
        assertThat(done).isCompleted();
        assertThat(replayed).containsExactly(0L, 1L);
        assertThat(scheduler.taskCount()).isZero();
    }

    @Test
    void givesUpWhenThePartitionHasGoneElsewhere() {
        MemoryLog log = openWithTwoRecords();
        log.failReads(GONE);
        CompletableFuture<LoadSummary> done = load();
        scheduler.advance(1_000);
        logs.closePartition(PARTITION, false);
        scheduler.advance(5_000);
        assertThat(done).isCompletedExceptionally();
        assertThat(replayed).isEmpty();
    }
}
