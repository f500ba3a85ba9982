// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.broker.api.KafkaErrors;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.freshet.storage.StreamAppend;
import io.freshet.storage.StreamLog;
import io.freshet.storage.StreamLog.StreamRead;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.errors.KafkaStorageException;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.message.DescribeProducersResponseData.ProducerState;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.BatchMetadata;
import org.apache.kafka.storage.internals.log.LastRecord;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.ProducerStateEntry;
import org.jspecify.annotations.Nullable;

/**
 * A partition over its stream. Whoever holds the lock is the single writer of producer state, epochs and the queue of
 * appends in flight; the lock covers the sequence check, the offset assignment and the hand-over to the stream, never I/O.
 * After a failed append nothing more is accepted or served until the partition is opened anew.
 */
public final class Partition implements CleanablePartition, MovablePartition, SegmentCheckpoint.Source {
    private final TopicIdPartition id;
    private final StreamLog stream;
    private final PartitionContext context;
    private final BatchValidator validator;
    private final ProducerStates producers;
    private final LeaderEpochs epochs = new LeaderEpochs();
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Pending> inFlight = new ArrayDeque<>();
    private final Set<HighWatermarkListener> listeners = ConcurrentHashMap.newKeySet();
    private final LoadCounters load = new LoadCounters();
    private volatile long firstUnstableOffset = Long.MAX_VALUE;
    private volatile long cleanedEndOffset;
    private volatile boolean failed;
    private volatile Intake intake = Intake.OPEN;
    /** The producers' state counts appends that never became durable; guarded by the lock. */
    private boolean hasLostAppends;

    /** Whether appends are taken. */
    private enum Intake {
        OPEN,
        /** None are, for a moment: who has one had better keep it. */
        PARKED,
        /** None are: who has one had better answer its client. */
        REFUSING
    }

    private Partition(TopicIdPartition id, StreamLog stream, PartitionContext context) {
        this.id = id;
        this.stream = stream;
        this.context = context;
        this.validator = new BatchValidator(id.topicPartition(), context.clock(), context.rejections());
        this.producers = new ProducerStates(id.topicPartition(), context.producers(), context.clock());
    }

    /** Rebuilds producers and epochs from the stream's last checkpoint and the batches after it. Reads no object. */
    public static Partition open(TopicIdPartition id, StreamLog stream, PartitionContext context) {
        Partition partition = new Partition(id, stream, context);
        partition.recover();
        return partition;
    }

    private void recover() {
        lock.lock();
        try {
            stream.openedCheckpoint().ifPresent(checkpoint -> {
                checkpoint.epochStarts().forEach(start -> epochs.assign(start.leaderEpoch(), start.startOffset()));
                producers.load(checkpoint.producerState());
                cleanedEndOffset = CleanablePartition.cleanedEndOffset(checkpoint);
            });
            stream.replayTail(bytes -> {
                MemoryRecords records = MemoryRecords.readableRecords(bytes);
                for (MutableRecordBatch batch : records.batches()) {
                    epochs.assign(batch.partitionLeaderEpoch(), batch.baseOffset());
                }
                producers.replay(records);
            });
            epochs.assign(stream.leaderEpoch(), stream.endOffset());
            epochs.trimTo(stream.startOffset());
            producers.onHighWatermark(stream.durableEndOffset());
            firstUnstableOffset = producers.firstUnstableOffset();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public TopicIdPartition id() {
        return id;
    }

    @Override
    public int leaderEpoch() {
        return stream.leaderEpoch();
    }

    @Override
    public long logStartOffset() {
        return stream.startOffset();
    }

    @Override
    public long highWatermark() {
        return stream.durableEndOffset();
    }

    @Override
    public long lastStableOffset() {
        return Math.min(firstUnstableOffset, stream.durableEndOffset());
    }

    @Override
    public long logEndOffset() {
        return stream.endOffset();
    }

    public LogConfig config() {
        return context.configs().apply(id.topic());
    }

    /** The stream, for retention and look-ups by time. */
    public StreamLog stream() {
        return stream;
    }

    @Override
    public LoadCounters load() {
        return load;
    }

    public boolean isFailed() {
        return failed;
    }

    @Override
    public Appended append(MemoryRecords records, SharedBytes memory, AppendOrigin origin) {
        checkServing();
        BatchValidator.Accepted accepted = validator.validate(records, origin, config(), stream.leaderEpoch());
        SharedBytes bytes =
                accepted.rewritten() ? SharedBytes.unpooled(accepted.records().buffer()) : memory;
        Appended appended;
        lock.lock();
        try {
            appended = appendLocked(accepted, bytes, origin);
        } finally {
            lock.unlock();
        }
        return appended;
    }

    private Appended appendLocked(BatchValidator.Accepted accepted, SharedBytes bytes, AppendOrigin origin) {
        checkServing();
        MemoryRecords records = accepted.records();
        if (origin == AppendOrigin.CLIENT) {
            Optional<BatchMetadata> known =
                    producers.duplicate(records.batches().iterator().next());
            if (known.isPresent()) {
                return duplicate(known.get(), accepted.logAppendTimeMs());
            }
        }
        long baseOffset = stream.endOffset();
        long endOffset = baseOffset;
        for (MutableRecordBatch batch : records.batches()) {
            endOffset += batch.lastOffset() - batch.baseOffset() + 1;
            batch.setLastOffset(endOffset - 1);
            batch.setPartitionLeaderEpoch(stream.leaderEpoch());
        }
        ProducerStates.Change change = producers.prepare(records, origin);
        Pending pending = new Pending(baseOffset, endOffset, accepted.maxTimestampMs(), bytes);
        inFlight.add(pending);
        try {
            stream.append(pending);
        } catch (RuntimeException e) {
            inFlight.remove(pending);
            throw KafkaErrors.recordExceptionOf(e);
        }
        producers.apply(change, endOffset);
        firstUnstableOffset = producers.firstUnstableOffset();
        return new Appended(
                baseOffset, endOffset, accepted.logAppendTimeMs(), stream.startOffset(), pending.durable, false);
    }

    private Appended duplicate(BatchMetadata known, long logAppendTimeMs) {
        long endOffset = known.lastOffset() + 1;
        CompletableFuture<Long> durable = CompletableFuture.completedFuture(endOffset);
        if (endOffset > stream.durableEndOffset()) {
            for (Pending pending : inFlight) {
                if (pending.endOffset() >= endOffset) {
                    durable = pending.durable;
                    break;
                }
            }
        }
        long timeMs = logAppendTimeMs < 0 ? -1 : known.timestamp();
        return new Appended(known.firstOffset(), endOffset, timeMs, stream.startOffset(), durable, true);
    }

    @Override
    public CompletableFuture<StreamRead> read(long offset, int maxBytes, long maxOffset, boolean minOneBatch) {
        if (failed) {
            return CompletableFuture.failedFuture(unavailable());
        }
        if (offset < stream.startOffset() || offset > stream.endOffset()) {
            return CompletableFuture.failedFuture(new OffsetOutOfRangeException("Offset " + offset + " of "
                    + id.topicPartition() + " is outside " + stream.startOffset() + ".." + stream.endOffset()));
        }
        CompletableFuture<StreamRead> read = stream.read(offset, maxBytes, maxOffset, minOneBatch);
        return read.isDone() && !read.isCompletedExceptionally()
                ? read
                : read.exceptionallyCompose(
                        error -> CompletableFuture.failedFuture(outOfRangeIfTrimmed(offset, error)));
    }

    /** Retention may have overtaken the read. */
    private Throwable outOfRangeIfTrimmed(long offset, Throwable error) {
        return offset < stream.startOffset()
                ? new OffsetOutOfRangeException(
                        "Offset " + offset + " of " + id.topicPartition() + " has just been deleted", error)
                : error;
    }

    /** {@inheritDoc} Without transactions it completes at once. */
    @Override
    public CompletableFuture<List<AbortedTransaction>> abortedTransactions(long fromOffset, long toOffset) {
        List<AbortedTransaction> recent;
        lock.lock();
        try {
            recent = producers.abortedFrom(stream.committedEndOffset());
        } finally {
            lock.unlock();
        }
        return stream.abortedTransactions(fromOffset, toOffset).thenApply(committed -> {
            Set<AbortedTransaction> all = new LinkedHashSet<>(committed);
            for (AbortedTransaction transaction : recent) {
                if (transaction.lastOffset() >= fromOffset && transaction.firstOffset() < toOffset) {
                    all.add(transaction);
                }
            }
            return List.copyOf(all);
        });
    }

    @Override
    public SegmentCheckpoint checkpoint() {
        lock.lock();
        try {
            if (hasLostAppends) {
                throw new FreshetException(
                        ErrorKind.UNAVAILABLE,
                        id
                                + " failed: its state counts appends that are lost; seal its stream when it was opened again");
            }
            return new SegmentCheckpoint(
                    stream.endOffset(),
                    epochs.toList(),
                    producers.snapshot(cleanedEndOffset),
                    producers.abortedFrom(stream.committedEndOffset()));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public CompletableFuture<Void> trim(long offset) {
        if (offset > highWatermark()) {
            return CompletableFuture.failedFuture(new OffsetOutOfRangeException("Cannot delete records of "
                    + id.topicPartition() + " up to " + offset + ": the high watermark is " + highWatermark()));
        }
        if (offset <= stream.startOffset()) {
            return CompletableFuture.completedFuture(null);
        }
        return stream.trim(offset).thenRun(() -> epochs.trimTo(stream.startOffset()));
    }

    @Override
    public Optional<EpochEnd> epochEndOffset(int leaderEpoch) {
        LeaderEpochs.EpochEnd end = epochs.endOffsetFor(leaderEpoch, stream.endOffset());
        return end.endOffset() < 0 ? Optional.empty() : Optional.of(new EpochEnd(end.leaderEpoch(), end.endOffset()));
    }

    @Override
    public OptionalInt epochAt(long offset) {
        return epochs.epochOf(offset);
    }

    @Override
    public CompletableFuture<Optional<Long>> batchAtOrAfterTimestamp(long timestampMs, long endOffset) {
        return stream.batchAtOrAfterTimestamp(timestampMs, endOffset);
    }

    @Override
    public CompletableFuture<Optional<Long>> batchWithMaxTimestamp(long endOffset) {
        return stream.batchWithMaxTimestamp(endOffset);
    }

    @Override
    public List<StreamSegment> segments() {
        return stream.segments();
    }

    @Override
    public long sizeBytes() {
        return stream.sizeBytes();
    }

    @Override
    public List<ProducerState> activeProducers() {
        List<ProducerStateEntry> active;
        lock.lock();
        try {
            active = producers.active();
        } finally {
            lock.unlock();
        }
        return active.stream().map(Partition::describe).toList();
    }

    private static ProducerState describe(ProducerStateEntry entry) {
        BatchMetadata last = null;
        for (BatchMetadata batch : entry.batchMetadata()) {
            last = batch;
        }
        return new ProducerState()
                .setProducerId(entry.producerId())
                .setProducerEpoch(entry.producerEpoch())
                .setLastSequence(last == null ? -1 : last.lastSeq())
                .setLastTimestamp(entry.lastTimestamp())
                .setCoordinatorEpoch(entry.coordinatorEpoch())
                .setCurrentTxnStartOffset(entry.currentTxnFirstOffset().orElse(-1));
    }

    /** Forgets producers that have been silent for longer than producer.id.expiration.ms. */
    public void expireProducers() {
        lock.lock();
        try {
            producers.expire();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long committedEndOffset() {
        return stream.committedEndOffset();
    }

    @Override
    public long cleanedEndOffset() {
        return cleanedEndOffset;
    }

    @Override
    public void cleaned(long endOffset) {
        lock.lock();
        try {
            cleanedEndOffset = Math.max(cleanedEndOffset, endOffset);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void segmentsReplaced(long endOffset) {
        stream.segmentsReplaced(endOffset);
    }

    @Override
    public Map<Long, LastRecord> lastRecordsOfProducers() {
        lock.lock();
        try {
            return producers.lastRecords();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes no more appends, so that the partition can be handed over; those that it has taken go on. When this returns,
     * {@link #logEndOffset} stands still until {@link #unpark}. False if it has failed, or is parked already.
     */
    @Override
    public boolean park() {
        lock.lock();
        try {
            if (failed || intake != Intake.OPEN) {
                return false;
            }
            intake = Intake.PARKED;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Of a parked partition: appends are better refused than kept, as it is not known when they will be taken. */
    @Override
    public void refuseParked() {
        lock.lock();
        try {
            if (intake == Intake.PARKED) {
                intake = Intake.REFUSING;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Takes appends again: the partition certainly was not handed over. */
    @Override
    public void unpark() {
        lock.lock();
        try {
            intake = Intake.OPEN;
        } finally {
            lock.unlock();
        }
    }

    /** Whether appends had better be kept until the partition takes them again, or is gone. */
    public boolean isParked() {
        return intake == Intake.PARKED && !failed;
    }

    /** Whether all that was appended is acknowledged, and committed in the quorum. */
    @Override
    public boolean isSettled() {
        lock.lock();
        try {
            return !failed && inFlight.isEmpty() && stream.committedEndOffset() >= stream.endOffset();
        } finally {
            lock.unlock();
        }
    }

    /** Ends this ownership: appends in flight fail as not leader, later ones are refused. */
    public void close(boolean deleted) {
        fail();
        stream.close(deleted);
    }

    @Override
    public void addHighWatermarkListener(HighWatermarkListener listener) {
        listeners.add(listener);
    }

    @Override
    public void removeHighWatermarkListener(HighWatermarkListener listener) {
        listeners.remove(listener);
    }

    private void checkServing() {
        if (failed) {
            throw unavailable();
        }
        if (intake != Intake.OPEN) {
            throw new NotLeaderOrFollowerException(
                    id.topicPartition() + " is just being handed over to another broker; refresh metadata and retry");
        }
    }

    private NotLeaderOrFollowerException unavailable() {
        return new NotLeaderOrFollowerException(
                id.topicPartition() + " is not served here under leader epoch " + leaderEpoch() + " any more; retry");
    }

    private void completed(Pending pending, @Nullable FreshetException failure) {
        if (failure != null) {
            loseAppends();
            pending.durable.completeExceptionally(new KafkaStorageException(
                    "An append to " + id.topicPartition() + " did not become durable: " + failure.getMessage(),
                    failure));
            return;
        }
        lock.lock();
        try {
            inFlight.remove(pending);
            if (firstUnstableOffset != Long.MAX_VALUE) {
                producers.onHighWatermark(stream.durableEndOffset());
                firstUnstableOffset = producers.firstUnstableOffset();
            }
        } finally {
            lock.unlock();
        }
        pending.durable.complete(pending.endOffset());
        long highWatermark = stream.durableEndOffset();
        for (HighWatermarkListener listener : listeners) {
            listener.onHighWatermark(this, highWatermark);
        }
    }

    private void loseAppends() {
        lock.lock();
        try {
            hasLostAppends = true;
        } finally {
            lock.unlock();
        }
        fail();
    }

    private void fail() {
        List<Pending> lost;
        lock.lock();
        try {
            if (failed) {
                return;
            }
            failed = true;
            lost = new ArrayList<>(inFlight);
            inFlight.clear();
        } finally {
            lock.unlock();
        }
        for (Pending pending : lost) {
            pending.durable.completeExceptionally(unavailable());
        }
        for (HighWatermarkListener listener : listeners) {
            listener.onFailed(this);
        }
    }

    /** One append on its way into the WAL. */
    private final class Pending extends StreamAppend {
        private final CompletableFuture<Long> durable = new CompletableFuture<>();

        Pending(long baseOffset, long endOffset, long maxTimestampMs, SharedBytes bytes) {
            super(baseOffset, endOffset, maxTimestampMs, bytes);
        }

        @Override
        public void completed(@Nullable FreshetException failure) {
            Partition.this.completed(this, failure);
        }
    }
}
