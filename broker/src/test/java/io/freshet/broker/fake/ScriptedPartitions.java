// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.freshet.broker.offsets.LedPartitions;
import io.freshet.broker.partition.PartitionLog;
import io.freshet.broker.partition.PartitionLogs;
import io.freshet.broker.partition.PartitionQueries;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;

/** A broker's scripted partitions, and metadata that know of them. */
public final class ScriptedPartitions implements PartitionLogs, AutoCloseable {
    private final Map<TopicPartition, ScriptedPartition> open = new HashMap<>();
    private final MemoryPartitionLogs others = new MemoryPartitionLogs();
    public final MemoryCluster cluster = new MemoryCluster(1, others);

    /** Creates a topic in the metadata and opens its partition 0. */
    public ScriptedPartition open(String topic) {
        Uuid topicId = cluster.createTopic(topic, 1);
        TopicPartition partition = new TopicPartition(topic, 0);
        ScriptedPartition opened = new ScriptedPartition(new TopicIdPartition(topicId, partition));
        open.put(partition, opened);
        return opened;
    }

    public void resign(ScriptedPartition partition) {
        open.remove(partition.id().topicPartition());
        partition.listeners.forEach(listener -> listener.onFailed(partition));
    }

    public LedPartitions led() {
        return new LedPartitions(this, log -> (PartitionQueries) log, cluster);
    }

    /** One batch of records with the given timestamps. */
    public static MemoryRecords batch(long baseOffset, long... timestampsMs) {
        return batch(Compression.NONE, TimestampType.CREATE_TIME, baseOffset, timestampsMs);
    }

    public static MemoryRecords batch(
            Compression compression, TimestampType timestampType, long baseOffset, long... timestampsMs) {
        SimpleRecord[] records = IntStream.range(0, timestampsMs.length)
                .mapToObj(i -> new SimpleRecord(timestampsMs[i], ("value-" + (baseOffset + i)).getBytes(UTF_8)))
                .toArray(SimpleRecord[]::new);
        MemoryRecords made = MemoryRecords.withRecords(
                RecordBatch.CURRENT_MAGIC_VALUE, baseOffset, compression, timestampType, records);
        if (timestampType == TimestampType.LOG_APPEND_TIME) {
            made.batches().forEach(batch -> batch.setMaxTimestamp(timestampType, timestampsMs[0]));
        }
        return made;
    }

    @Override
    public Optional<? extends PartitionLog> log(TopicPartition partition) {
        return Optional.ofNullable(open.get(partition));
    }

    @Override
    public void addLeadershipListener(LeadershipListener listener) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        others.close();
    }
}
