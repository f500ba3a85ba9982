// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import io.freshet.broker.partition.PartitionLog;
import io.freshet.broker.partition.PartitionLogs;
import io.freshet.common.buffer.SharedBytes;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.coordinator.common.runtime.PartitionWriter;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.VerificationGuard;

/**
 * Writes a coordinator's records to the partition that holds its state. An append is given its offsets at once, and the
 * coordinator goes on with them; it answers its clients only when the high watermark has passed them.
 *
 * <p>Called by the coordinator's threads, for one partition by one thread at a time. Listeners are kept in a concurrent map,
 * keyed by partition and listener.
 */
final class LogPartitionWriter implements PartitionWriter {
    private final PartitionLogs partitions;
    private final Function<String, LogConfig> topicConfigs;
    private final Consumer<PartitionLog> onFailed;
    private final Map<ListenerKey, Registration> registrations = new ConcurrentHashMap<>();

    /**
     * @param onFailed told when a partition will never make its last appends durable
     */
    LogPartitionWriter(
            PartitionLogs partitions, Function<String, LogConfig> topicConfigs, Consumer<PartitionLog> onFailed) {
        this.partitions = partitions;
        this.topicConfigs = topicConfigs;
        this.onFailed = onFailed;
    }

    @Override
    public void registerListener(TopicPartition partition, Listener listener) {
        PartitionLog log = open(partition);
        Registration registration = new Registration(log, new Bridge(partition, listener));
        registrations.put(new ListenerKey(partition, listener), registration);
        log.addHighWatermarkListener(registration.bridge);
    }

    @Override
    public void deregisterListener(TopicPartition partition, Listener listener) {
        Registration registration = registrations.remove(new ListenerKey(partition, listener));
        if (registration != null) {
            registration.log.removeHighWatermarkListener(registration.bridge);
        }
    }

    @Override
    public LogConfig config(TopicPartition partition) {
        return topicConfigs.apply(partition.topic());
    }

    /** The coordinator reuses the memory of {@code records} as soon as this returns, so the partition is given a copy. */
    @Override
    public long append(
            TopicPartition partition, VerificationGuard guard, MemoryRecords records, short transactionVersion) {
        ByteBuffer copy = ByteBuffer.allocate(records.sizeInBytes());
        copy.put(records.buffer().duplicate()).flip();
        return open(partition)
                .append(MemoryRecords.readableRecords(copy), SharedBytes.unpooled(copy), AppendOrigin.COORDINATOR)
                .endOffset();
    }

    /** Only offsets committed inside a transaction ask for this, and this broker tells no client of that API. */
    @Override
    public CompletableFuture<VerificationGuard> maybeStartTransactionVerification(
            TopicPartition partition, String transactionalId, long producerId, short producerEpoch, int apiVersion) {
        return CompletableFuture.failedFuture(
                new UnsupportedVersionException("Transactions are not served by this broker yet"));
    }

    /** Only coordinators of share groups ask for this, and this broker runs none. */
    @Override
    public CompletableFuture<Void> deleteRecords(TopicPartition partition, long deleteBeforeOffset) {
        return CompletableFuture.failedFuture(new UnsupportedVersionException(
                "Records of " + partition + " are removed by key compaction only, not up to " + deleteBeforeOffset));
    }

    private PartitionLog open(TopicPartition partition) {
        var log = partitions.log(partition);
        if (log.isEmpty()) {
            throw new NotLeaderOrFollowerException("This broker does not lead " + partition + " (any more)");
        }
        return log.get();
    }

    private record ListenerKey(TopicPartition partition, Listener listener) {}

    private record Registration(PartitionLog log, Bridge bridge) {}

    private final class Bridge implements PartitionLog.HighWatermarkListener {
        private final TopicPartition partition;
        private final Listener listener;

        Bridge(TopicPartition partition, Listener listener) {
            this.partition = partition;
            this.listener = listener;
        }

        @Override
        public void onHighWatermark(PartitionLog log, long highWatermark) {
            listener.onHighWatermarkUpdated(partition, highWatermark);
        }

        @Override
        public void onFailed(PartitionLog log) {
            onFailed.accept(log);
        }
    }
}
