// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fetch;

import io.freshet.broker.api.KafkaErrors;
import io.freshet.broker.offsets.LedPartitions;
import io.freshet.broker.partition.PartitionQueries;
import io.freshet.broker.partition.PartitionQueries.EpochEnd;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.protocol.SlicedRecords;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.freshet.storage.StreamLog.StreamRead;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.requests.FetchRequest;
import org.apache.kafka.common.requests.FetchResponse;
import org.jspecify.annotations.Nullable;

/**
 * One partition of one fetch: what was asked, and what has been read so far. Reads continue where the last one ended, so
 * that waiting for more never reads anything twice. Written by one thread at a time: the pass of its {@link PendingFetch},
 * or the one read of that pass.
 */
final class PartitionFetch {
    private final LedPartitions partitions;
    private final TopicIdPartition id;
    private final FetchRequest.PartitionData wanted;
    private final boolean isReadCommitted;
    private final List<SharedBytes> slices = new ArrayList<>();
    private @Nullable PartitionQueries log;
    private Errors error = Errors.NONE;
    private @Nullable EpochEnd diverging;
    private List<FetchResponseData.AbortedTransaction> aborted = List.of();
    private long nextOffset;
    private int sizeBytes;
    private boolean isFull;

    PartitionFetch(
            LedPartitions partitions, TopicIdPartition id, FetchRequest.PartitionData wanted, boolean isReadCommitted) {
        this.partitions = partitions;
        this.id = id;
        this.wanted = wanted;
        this.isReadCommitted = isReadCommitted;
        this.nextOffset = wanted.fetchOffset;
    }

    /** Finds the partition and checks the request against it; what is wrong becomes this partition's answer. */
    void open() {
        if (id.topic() == null) {
            error = Errors.UNKNOWN_TOPIC_ID;
            return;
        }
        try {
            PartitionQueries found = partitions.require(id.topicPartition(), id.topicId(), wanted.currentLeaderEpoch);
            log = found;
            checkRange(found);
        } catch (RuntimeException e) {
            log = null;
            error = KafkaErrors.recordCodeOf(e);
        }
    }

    private void checkRange(PartitionQueries found) {
        if (wanted.lastFetchedEpoch.isPresent()) {
            int epoch = wanted.lastFetchedEpoch.get();
            Optional<EpochEnd> end = found.epochEndOffset(epoch);
            if (end.isEmpty()) {
                error = Errors.OFFSET_OUT_OF_RANGE;
                return;
            }
            if (end.get().leaderEpoch() < epoch || end.get().endOffset() < wanted.fetchOffset) {
                diverging = end.get();
                return;
            }
        }
        if (wanted.fetchOffset < found.logStartOffset() || wanted.fetchOffset > found.logEndOffset()) {
            error = Errors.OFFSET_OUT_OF_RANGE;
        }
    }

    /** Checks again, as the partition may have been lost during a wait; records that were read stay in the answer. */
    void reopen() {
        if (!isDecided() && sizeBytes == 0) {
            open();
        }
    }

    /** Whether the answer is known without waiting for records. */
    boolean isDecided() {
        return log == null || error != Errors.NONE || diverging != null;
    }

    @Nullable
    PartitionQueries log() {
        return log;
    }

    TopicIdPartition id() {
        return id;
    }

    Errors error() {
        return error;
    }

    int sizeBytes() {
        return sizeBytes;
    }

    /** Whether a batch was left out because of a limit. */
    boolean isFull() {
        return isFull;
    }

    /** Whether there are records that the reader may see and that have not been read. */
    boolean hasMore() {
        return !isDecided() && !isFull && nextOffset < limit();
    }

    private long limit() {
        PartitionQueries led = led();
        return isReadCommitted ? led.lastStableOffset() : led.highWatermark();
    }

    private PartitionQueries led() {
        PartitionQueries led = log;
        if (led == null) {
            throw new IllegalStateException("No partition is open for " + id);
        }
        return led;
    }

    /** What this partition may still add to an answer with room for {@code budgetBytes}. */
    int roomBytes(int budgetBytes) {
        return Math.max(0, Math.min(wanted.maxBytes - sizeBytes, budgetBytes));
    }

    void markFull() {
        isFull = true;
    }

    /** Begins to read on; complete at once for the tail. */
    CompletableFuture<StreamRead> read(int maxBytes, boolean minOneBatch) {
        try {
            return led().read(nextOffset, maxBytes, limit(), minOneBatch);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** Takes over what a read gave, or its failure. */
    void take(@Nullable StreamRead read, @Nullable Throwable failure, boolean minOneBatch) {
        if (failure != null || read == null) {
            if (sizeBytes == 0) {
                error = failure == null ? Errors.UNKNOWN_SERVER_ERROR : KafkaErrors.recordCodeOf(failure);
            }
            isFull = true;
        } else if (read.batches().isEmpty() && read.endOffset() > nextOffset) {
            nextOffset = read.endOffset(); // key compaction has left nothing up to there
        } else if (read.batches().isEmpty()) {
            isFull = !minOneBatch;
        } else {
            slices.addAll(read.batches());
            sizeBytes += read.sizeBytes();
            nextOffset = read.endOffset();
        }
    }

    /** Looks up the aborted transactions of what was read; complete when {@link #answer} may be called. */
    CompletableFuture<?> prepareAnswer() {
        if (!isReadCommitted || sizeBytes == 0) {
            return CompletableFuture.completedFuture(null);
        }
        return abortedTransactions().handle((found, failure) -> {
            if (failure == null) {
                aborted = found.stream().map(PartitionFetch::toKafka).toList();
            } else {
                release();
                error = KafkaErrors.recordCodeOf(failure);
            }
            return null;
        });
    }

    private CompletableFuture<List<AbortedTransaction>> abortedTransactions() {
        try {
            return led().abortedTransactions(wanted.fetchOffset, nextOffset);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private static FetchResponseData.AbortedTransaction toKafka(AbortedTransaction transaction) {
        return new FetchResponseData.AbortedTransaction()
                .setProducerId(transaction.producerId())
                .setFirstOffset(transaction.firstOffset());
    }

    /** The answer; the slices now belong to it. */
    FetchResponseData.PartitionData answer() {
        if (error != Errors.NONE || log == null) {
            return FetchResponse.partitionResponse(id.partition(), error);
        }
        PartitionQueries led = led();
        FetchResponseData.PartitionData answer = new FetchResponseData.PartitionData()
                .setPartitionIndex(id.partition())
                .setHighWatermark(led.highWatermark())
                .setLastStableOffset(led.lastStableOffset())
                .setLogStartOffset(led.logStartOffset())
                .setAbortedTransactions(isReadCommitted ? aborted : null)
                .setRecords(slices.isEmpty() ? MemoryRecords.EMPTY : new SlicedRecords(slices));
        EpochEnd divergence = diverging;
        if (divergence != null) {
            answer.setDivergingEpoch(new FetchResponseData.EpochEndOffset()
                    .setEpoch(divergence.leaderEpoch())
                    .setEndOffset(divergence.endOffset()));
        }
        return answer;
    }

    /** The answer is on its way: it is part of what the partition bears. */
    void count() {
        PartitionQueries led = log;
        if (led != null && sizeBytes > 0) {
            led.load().fetched(sizeBytes);
        }
    }

    /** Gives back what was read. */
    void release() {
        slices.forEach(SharedBytes::release);
        slices.clear();
        sizeBytes = 0;
    }
}
