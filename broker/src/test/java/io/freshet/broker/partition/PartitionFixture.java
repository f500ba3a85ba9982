// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.broker.fake.ScriptedStream;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.runtime.Clock;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;

/** A partition over a scripted stream, at a time that stands still. */
public final class PartitionFixture {
    public static final long NOW_MS = RandomBatches.NOW_MS;
    public static final TopicIdPartition ID = new TopicIdPartition(new Uuid(1, 1), 0, "t");

    public final Map<String, String> topicConfig = new HashMap<>();
    public final Clock clock = new Clock() {
        @Override
        public long wallMs() {
            return NOW_MS;
        }

        @Override
        public long nanoTime() {
            return 0;
        }
    };
    public final PartitionContext context = new PartitionContext(
            clock,
            topic -> new LogConfig(topicConfig),
            new ProducerStateManagerConfig(86_400_000, false),
            new RejectionCounters(new SimpleMeterRegistry()));

    public Partition open(ScriptedStream stream) {
        return Partition.open(ID, stream, context);
    }

    public static MemoryRecords plain(int count) {
        return MemoryRecords.withRecords(Compression.NONE, records(count));
    }

    public static MemoryRecords idempotent(long producerId, int epoch, int sequence, int count) {
        return MemoryRecords.withIdempotentRecords(
                Compression.NONE, producerId, (short) epoch, sequence, records(count));
    }

    private static SimpleRecord[] records(int count) {
        SimpleRecord[] records = new SimpleRecord[count];
        for (int i = 0; i < count; i++) {
            records[i] = new SimpleRecord(
                    NOW_MS + i, "k".getBytes(StandardCharsets.UTF_8), new byte[] {(byte) i, RecordBatch.MAGIC_VALUE_V2
                    });
        }
        return records;
    }

    public static PartitionLog.Appended append(Partition partition, MemoryRecords records) {
        return partition.append(records, SharedBytes.unpooled(records.buffer()), AppendOrigin.CLIENT);
    }
}
