// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import io.freshet.broker.partition.LoadCounters;
import io.freshet.broker.partition.PartitionQueries;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.freshet.storage.StreamLog.StreamRead;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.message.DescribeProducersResponseData.ProducerState;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.storage.internals.log.AppendOrigin;

/** A partition that a test fills and moves by hand; counts its reads and the references it has given away. */
public final class ScriptedPartition extends BatchLog implements PartitionQueries {
    private final LoadCounters load = new LoadCounters();
    public final TreeMap<Integer, Long> epochStarts = new TreeMap<>(Map.of(0, 0L));
    public final List<StreamSegment> segments = new ArrayList<>();
    public final List<AbortedTransaction> aborted = new ArrayList<>();
    public final List<ProducerState> producers = new ArrayList<>();
    public final List<Long> trims = new ArrayList<>();
    public final List<Runnable> heldReads = new ArrayList<>();
    public CompletableFuture<Void> trimResult = CompletableFuture.completedFuture(null);
    public RuntimeException readFailure;
    public boolean holdsReads;
    public int reads;

    public ScriptedPartition(TopicIdPartition id) {
        super(id);
    }

    /** Adds batches that already carry their offsets, not yet visible. */
    public synchronized ScriptedPartition add(MemoryRecords records) {
        for (MutableRecordBatch batch : records.batches()) {
            batch.setPartitionLeaderEpoch(leaderEpoch);
            add(batch);
        }
        return this;
    }

    /** Makes everything visible and tells the listeners. */
    public ScriptedPartition advance() {
        advanceTo(logEndOffset);
        return this;
    }

    public void releaseReads() {
        List<Runnable> now = List.copyOf(heldReads);
        heldReads.clear();
        now.forEach(Runnable::run);
    }

    @Override
    public synchronized CompletableFuture<StreamRead> read(
            long offset, int maxBytes, long maxOffset, boolean minOneBatch) {
        reads++;
        if (readFailure != null) {
            return CompletableFuture.failedFuture(readFailure);
        }
        if (offset < logStartOffset || offset > logEndOffset) {
            return CompletableFuture.failedFuture(new OffsetOutOfRangeException("no " + offset));
        }
        if (!holdsReads) {
            return CompletableFuture.completedFuture(readNow(offset, maxBytes, maxOffset, minOneBatch));
        }
        CompletableFuture<StreamRead> later = new CompletableFuture<>();
        heldReads.add(() -> later.complete(readNow(offset, maxBytes, maxOffset, minOneBatch)));
        return later;
    }

    @Override
    public Optional<EpochEnd> epochEndOffset(int epoch) {
        if (epoch > leaderEpoch) {
            return Optional.empty();
        }
        Integer known = epochStarts.floorKey(epoch);
        Map.Entry<Integer, Long> next = epochStarts.higherEntry(epoch);
        return known == null
                ? Optional.empty()
                : Optional.of(new EpochEnd(known, next == null ? logEndOffset : next.getValue()));
    }

    @Override
    public OptionalInt epochAt(long offset) {
        return epochStarts.entrySet().stream()
                .filter(entry -> entry.getValue() <= offset)
                .mapToInt(Map.Entry::getKey)
                .max();
    }

    @Override
    public CompletableFuture<Optional<Long>> batchAtOrAfterTimestamp(long timestampMs, long endOffset) {
        return CompletableFuture.completedFuture(batches.stream()
                .filter(batch -> batch.nextOffset() > logStartOffset && batch.baseOffset() < endOffset)
                .filter(batch -> batch.maxTimestamp() >= timestampMs)
                .map(MutableRecordBatch::baseOffset)
                .findFirst());
    }

    @Override
    public CompletableFuture<Optional<Long>> batchWithMaxTimestamp(long endOffset) {
        return CompletableFuture.completedFuture(batches.stream()
                .filter(batch -> batch.baseOffset() < endOffset)
                .reduce((a, b) -> b.maxTimestamp() > a.maxTimestamp() ? b : a)
                .map(MutableRecordBatch::baseOffset));
    }

    @Override
    public CompletableFuture<Void> trim(long newStartOffset) {
        trims.add(newStartOffset);
        return trimResult.thenRun(() -> logStartOffset = newStartOffset);
    }

    @Override
    public List<StreamSegment> segments() {
        return List.copyOf(segments);
    }

    @Override
    public List<ProducerState> activeProducers() {
        return producers;
    }

    @Override
    public CompletableFuture<List<AbortedTransaction>> abortedTransactions(long fromOffset, long toOffset) {
        return CompletableFuture.completedFuture(aborted.stream()
                .filter(it -> it.firstOffset() < toOffset && it.lastOffset() >= fromOffset)
                .toList());
    }

    @Override
    public Appended append(MemoryRecords records, SharedBytes memory, AppendOrigin origin) {
        throw new UnsupportedOperationException("filled by add()");
    }

    @Override
    public LoadCounters load() {
        return load;
    }
}
