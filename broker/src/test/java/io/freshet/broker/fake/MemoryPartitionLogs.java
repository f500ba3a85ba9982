// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import io.freshet.broker.partition.PartitionLog;
import io.freshet.broker.partition.PartitionLogs;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StreamLog.StreamRead;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.storage.internals.log.AppendOrigin;

/** Partitions in memory. Appends become durable a little later, on a thread of this object, unless they are held back. */
public final class MemoryPartitionLogs implements PartitionLogs, AutoCloseable {
    private final Map<TopicPartition, MemoryLog> logs = new ConcurrentHashMap<>();
    private final List<LeadershipListener> listeners = new CopyOnWriteArrayList<>();
    private final ExecutorService wal = Executors.newSingleThreadExecutor();

    /** Opens a partition with what {@code previous}, if not null, has made durable. */
    public MemoryLog open(TopicIdPartition id, int leaderEpoch, MemoryLog previous) {
        MemoryLog log = new MemoryLog(id, leaderEpoch, previous);
        logs.put(id.topicPartition(), log);
        listeners.forEach(listener -> listener.onOpened(log));
        return log;
    }

    public void closePartition(TopicPartition partition, boolean deleted) {
        MemoryLog log = logs.remove(partition);
        listeners.forEach(listener -> listener.onClosed(partition, log.leaderEpoch, deleted));
    }

    public Map<TopicPartition, MemoryLog> all() {
        return Map.copyOf(logs);
    }

    @Override
    public Optional<MemoryLog> log(TopicPartition partition) {
        return Optional.ofNullable(logs.get(partition));
    }

    @Override
    public void addLeadershipListener(LeadershipListener listener) {
        listeners.add(listener);
    }

    @Override
    public void close() {
        wal.shutdownNow();
    }

    /** One partition; batches are kept as bytes. */
    public final class MemoryLog implements PartitionLog {
        private final TopicIdPartition id;
        private final int leaderEpoch;
        private final List<ByteBuffer> batches = new ArrayList<>();
        private final List<HighWatermarkListener> highWatermarkListeners = new CopyOnWriteArrayList<>();
        private long endOffset;
        private volatile long highWatermark;
        private volatile boolean failed;

        private MemoryLog(TopicIdPartition id, int leaderEpoch, MemoryLog previous) {
            this.id = id;
            this.leaderEpoch = leaderEpoch;
            if (previous != null) {
                synchronized (previous) {
                    previous.batches.stream()
                            .filter(batch -> batchOf(batch).nextOffset() <= previous.highWatermark)
                            .forEach(batches::add);
                }
                endOffset = previous.highWatermark;
                highWatermark = previous.highWatermark;
            }
        }

        private static MutableRecordBatch batchOf(ByteBuffer bytes) {
            return MemoryRecords.readableRecords(bytes.duplicate())
                    .batches()
                    .iterator()
                    .next();
        }

        /** From now on nothing becomes durable, as when the WAL is lost. */
        public void fail() {
            failed = true;
            highWatermarkListeners.forEach(listener -> listener.onFailed(this));
        }

        @Override
        public synchronized Appended append(MemoryRecords records, SharedBytes memory, AppendOrigin origin) {
            if (logs.get(id.topicPartition()) != this) {
                throw new NotLeaderOrFollowerException("closed");
            }
            long base = endOffset;
            for (MutableRecordBatch batch : records.batches()) {
                long count = batch.lastOffset() - batch.baseOffset() + 1;
                batch.setLastOffset(endOffset + count - 1);
                batch.setPartitionLeaderEpoch(leaderEpoch);
                ByteBuffer copy = ByteBuffer.allocate(batch.sizeInBytes());
                batch.writeTo(new org.apache.kafka.common.utils.internals.ByteBufferOutputStream(copy));
                batches.add(copy.flip());
                endOffset += count;
            }
            long end = endOffset;
            CompletableFuture<Long> durable = new CompletableFuture<>();
            wal.execute(() -> becomeDurable(end, durable));
            return new Appended(base, end, -1, 0, durable, false);
        }

        private void becomeDurable(long end, CompletableFuture<Long> durable) {
            if (failed) {
                durable.completeExceptionally(new NotLeaderOrFollowerException("failed"));
                return;
            }
            highWatermark = end;
            durable.complete(end);
            highWatermarkListeners.forEach(listener -> listener.onHighWatermark(this, end));
        }

        @Override
        public synchronized CompletableFuture<StreamRead> read(
                long offset, int maxBytes, long maxOffset, boolean minOneBatch) {
            for (ByteBuffer bytes : batches) {
                MutableRecordBatch batch = batchOf(bytes);
                if (batch.nextOffset() > offset && batch.baseOffset() < maxOffset) {
                    SharedBytes shared = SharedBytes.unpooled(bytes.duplicate());
                    return CompletableFuture.completedFuture(
                            new StreamRead(List.of(shared), batch.baseOffset(), batch.nextOffset()));
                }
            }
            return CompletableFuture.completedFuture(StreamRead.EMPTY);
        }

        @Override
        public void addHighWatermarkListener(HighWatermarkListener listener) {
            highWatermarkListeners.add(listener);
        }

        @Override
        public void removeHighWatermarkListener(HighWatermarkListener listener) {
            highWatermarkListeners.remove(listener);
        }

        @Override
        public TopicIdPartition id() {
            return id;
        }

        @Override
        public int leaderEpoch() {
            return leaderEpoch;
        }

        @Override
        public long logStartOffset() {
            return 0;
        }

        @Override
        public long highWatermark() {
            return highWatermark;
        }

        @Override
        public long lastStableOffset() {
            return highWatermark;
        }

        @Override
        public synchronized long logEndOffset() {
            return endOffset;
        }

        public synchronized long sizeBytes() {
            return batches.stream().mapToLong(ByteBuffer::remaining).sum();
        }
    }
}
