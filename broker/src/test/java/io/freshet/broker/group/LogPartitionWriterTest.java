// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.fake.MemoryPartitionLogs;
import io.freshet.broker.fake.MemoryPartitionLogs.MemoryLog;
import io.freshet.broker.partition.PartitionLog;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.coordinator.common.runtime.PartitionWriter;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.VerificationGuard;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LogPartitionWriterTest {
    private static final TopicPartition PARTITION = new TopicPartition("__consumer_offsets", 3);

    private final MemoryPartitionLogs logs = new MemoryPartitionLogs();
    private final List<PartitionLog> failed = new CopyOnWriteArrayList<>();
    private final LogPartitionWriter writer =
            new LogPartitionWriter(logs, topic -> new LogConfig(Map.of()), failed::add);

    @AfterEach
    void close() {
        logs.close();
    }

    private MemoryLog open() {
        return logs.open(new TopicIdPartition(Uuid.randomUuid(), PARTITION), 0, null);
    }

    private static MemoryRecords records(String... values) {
        SimpleRecord[] records = new SimpleRecord[values.length];
        for (int i = 0; i < values.length; i++) {
            records[i] = new SimpleRecord(values[i].getBytes(StandardCharsets.UTF_8));
        }
        return MemoryRecords.withRecords(Compression.NONE, records);
    }

    @Test
    void offsetsAreKnownAtOnceAndDurabilityIsToldLater() {
        MemoryLog log = open();
        List<Long> highWatermarks = new CopyOnWriteArrayList<>();
        PartitionWriter.Listener listener = (partition, offset) -> highWatermarks.add(offset);
        writer.registerListener(PARTITION, listener);

        assertThat(writer.append(PARTITION, VerificationGuard.SENTINEL, records("a", "b"), (short) 0))
                .isEqualTo(2);
        assertThat(writer.append(PARTITION, VerificationGuard.SENTINEL, records("c"), (short) 0))
                .isEqualTo(3);
        await().atMost(Duration.ofSeconds(20)).until(() -> highWatermarks.equals(List.of(2L, 3L)));

        writer.deregisterListener(PARTITION, listener);
        writer.append(PARTITION, VerificationGuard.SENTINEL, records("d"), (short) 0);
        await().atMost(Duration.ofSeconds(20)).until(() -> log.highWatermark() == 4);
        assertThat(highWatermarks).containsExactly(2L, 3L);
    }

    @Test
    void theCoordinatorsBufferMayBeReusedAfterAnAppend() {
        MemoryLog log = open();
        MemoryRecords batch = records("kept");
        writer.append(PARTITION, VerificationGuard.SENTINEL, batch, (short) 0);
        for (int i = 0; i < batch.buffer().limit(); i++) {
            batch.buffer().put(i, (byte) 0);
        }
        await().atMost(Duration.ofSeconds(20)).until(() -> log.highWatermark() == 1);

        var read = log.read(0, 1000, 1, true).join();
        assertThat(MemoryRecords.readableRecords(read.batches().get(0).view()).records())
                .singleElement()
                .satisfies(record -> assertThat(
                                StandardCharsets.UTF_8.decode(record.value()).toString())
                        .isEqualTo("kept"));
    }

    @Test
    void aFailedLogIsReportedAndAMissingOneIsNotLed() {
        assertThatThrownBy(() -> writer.append(PARTITION, VerificationGuard.SENTINEL, records("a"), (short) 0))
                .isInstanceOf(NotLeaderOrFollowerException.class);
        MemoryLog log = open();
        writer.registerListener(PARTITION, (partition, offset) -> {});
        log.fail();
        assertThat(failed).containsExactly(log);
    }
}
