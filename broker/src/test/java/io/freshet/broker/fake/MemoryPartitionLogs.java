// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import io.freshet.broker.partition.PartitionLogs;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StreamLog.StreamRead;
import java.nio.ByteBuffer;
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
import org.jspecify.annotations.Nullable;

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

    /** One partition; batches are kept as copies. */
    public final class MemoryLog extends BatchLog {
        private volatile boolean failed;
        private volatile @Nullable FreshetException readFailure;

        private MemoryLog(TopicIdPartition id, int leaderEpoch, MemoryLog previous) {
            super(id);
            this.leaderEpoch = leaderEpoch;
            if (previous != null) {
                synchronized (previous) {
                    previous.batches.stream()
                            .filter(batch -> batch.nextOffset() <= previous.highWatermark)
                            .forEach(this::add);
                }
                advanceTo(previous.highWatermark);
            }
        }

        /** Reads fail with this, as when the store is gone; null: they do not. */
        public void failReads(@Nullable FreshetException failure) {
            readFailure = failure;
        }

        @Override
        public CompletableFuture<StreamRead> read(long offset, int maxBytes, long maxOffset, boolean minOneBatch) {
            FreshetException failure = readFailure;
            return failure == null
                    ? super.read(offset, maxBytes, maxOffset, minOneBatch)
                    : CompletableFuture.failedFuture(failure);
        }

        /** From now on nothing becomes durable, as when the WAL is lost. */
        public void fail() {
            failed = true;
            listeners.forEach(listener -> listener.onFailed(this));
        }

        @Override
        public synchronized Appended append(MemoryRecords records, SharedBytes memory, AppendOrigin origin) {
            if (logs.get(id().topicPartition()) != this) {
                throw new NotLeaderOrFollowerException("closed");
            }
            long base = logEndOffset;
            for (MutableRecordBatch batch : records.batches()) {
                long count = batch.lastOffset() - batch.baseOffset() + 1;
                batch.setLastOffset(logEndOffset + count - 1);
                batch.setPartitionLeaderEpoch(leaderEpoch);
                add(copyOf(batch));
            }
            long end = logEndOffset;
            CompletableFuture<Long> durable = new CompletableFuture<>();
            wal.execute(() -> becomeDurable(end, durable));
            return new Appended(base, end, -1, 0, durable, false);
        }

        private static MutableRecordBatch copyOf(MutableRecordBatch batch) {
            ByteBuffer copy = ByteBuffer.allocate(batch.sizeInBytes());
            batch.writeTo(copy);
            return MemoryRecords.readableRecords(copy.flip())
                    .batches()
                    .iterator()
                    .next();
        }

        private void becomeDurable(long end, CompletableFuture<Long> durable) {
            if (failed) {
                durable.completeExceptionally(new NotLeaderOrFollowerException("failed"));
                return;
            }
            highWatermark = end;
            lastStableOffset = end;
            durable.complete(end);
            advanceTo(end);
        }
    }
}
