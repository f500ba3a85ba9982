// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import io.freshet.broker.partition.CleanablePartition;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.freshet.storage.compact.StreamRewriter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.apache.kafka.common.message.AbortedTxn;
import org.apache.kafka.storage.internals.log.CleanedTransactionMetadata;
import org.apache.kafka.storage.internals.log.LogConfig;

/**
 * One cleaning of one partition: learns the last offset of each key in the dirty segments, then rewrites all segments from the
 * log start to there, oldest first, group by group. A group is in force when the quorum has swapped it in. A pass that is
 * refused or fails ends at once: what it has replaced stands, and as the cleaned end offset has not moved, the next pass
 * compares the same keys again. Oldest first matters: a tombstone may only go when the values before it have gone.
 */
final class CleaningPass {
    private static final long MAX_GROUP_BYTES = 256L << 20;

    private final CleaningConfig config;
    private final StreamRewriter rewriter;
    private final CleaningMeters meters;
    private final Executor executor;
    private final CleanablePartition partition;
    private final LogConfig topic;
    private final long nowMs;

    /** @param nowMs wall time for the delete horizons of this pass */
    CleaningPass(
            CleaningConfig config,
            StreamRewriter rewriter,
            CleaningMeters meters,
            Executor executor,
            CleanablePartition partition,
            LogConfig topic,
            long nowMs) {
        this.config = config;
        this.rewriter = rewriter;
        this.meters = meters;
        this.executor = executor;
        this.partition = partition;
        this.topic = topic;
        this.nowMs = nowMs;
    }

    /**
     * Completes with the end of what was cleaned, at most the range's end; empty if segments changed meanwhile, which is
     * nothing to worry about. Errors as {@link StreamRewriter}.
     */
    CompletableFuture<Optional<Long>> run(CleanableRange range, List<StreamSegment> segments) {
        List<StreamSegment> dirty = segments.stream()
                .filter(segment ->
                        segment.endOffset() > range.firstDirtyOffset() && segment.startOffset() < range.endOffset())
                .toList();
        return rewriter.recordCount(dirty)
                .thenCombine(
                        transactions(range.firstDirtyOffset(), range.endOffset()),
                        (count, transactions) -> new DirtyKeys(config, count, range.firstDirtyOffset(), transactions))
                .thenComposeAsync(keys -> rewriter.scan(dirty, keys).thenApply(nothing -> keys), executor)
                .thenComposeAsync(keys -> rewrite(keys, segments), executor);
    }

    private CompletableFuture<CleanedTransactionMetadata> transactions(long fromOffset, long toOffset) {
        return partition.abortedTransactions(fromOffset, toOffset).thenApply(aborted -> {
            CleanedTransactionMetadata transactions = new CleanedTransactionMetadata();
            transactions.addAbortedTransactions(
                    aborted.stream().map(CleaningPass::toKafka).toList());
            return transactions;
        });
    }

    private static AbortedTxn toKafka(AbortedTransaction transaction) {
        return new AbortedTxn()
                .setProducerId(transaction.producerId())
                .setFirstOffset(transaction.firstOffset())
                .setLastOffset(transaction.lastOffset())
                .setLastStableOffset(transaction.lastStableOffset());
    }

    private CompletableFuture<Optional<Long>> rewrite(DirtyKeys keys, List<StreamSegment> segments) {
        long cleanedEnd = keys.map().latestOffset() + 1;
        List<StreamSegment> inputs = segments.stream()
                .filter(segment -> segment.startOffset() < cleanedEnd)
                .toList();
        long fromOffset = inputs.get(0).startOffset();
        long toOffset = inputs.get(inputs.size() - 1).endOffset();
        return transactions(fromOffset, toOffset)
                .thenComposeAsync(
                        transactions -> {
                            Survivors survivors = new Survivors(
                                    nowMs,
                                    topic.deleteRetentionMs,
                                    keys.map(),
                                    transactions,
                                    partition.lastRecordsOfProducers(),
                                    partition.highWatermark());
                            CleanedBatches batches =
                                    new CleanedBatches(survivors, topic.maxDecompressedMessageBytes(), meters);
                            return rewriteGroups(groups(inputs).iterator(), batches, cleanedEnd);
                        },
                        executor);
    }

    private CompletableFuture<Optional<Long>> rewriteGroups(
            Iterator<List<StreamSegment>> groups, CleanedBatches batches, long cleanedEnd) {
        List<StreamSegment> group = groups.next();
        long groupEnd = group.get(group.size() - 1).endOffset();
        boolean isLast = !groups.hasNext();
        batches.begin(group.get(0).startOffset(), groupEnd, isLast ? cleanedEnd : 0);
        return rewriter.rewrite(group, batches)
                .thenComposeAsync(
                        isReplaced -> {
                            if (!isReplaced) {
                                meters.refused.increment();
                                return CompletableFuture.completedFuture(Optional.empty());
                            }
                            partition.segmentsReplaced(groupEnd);
                            if (!isLast) {
                                return rewriteGroups(groups, batches, cleanedEnd);
                            }
                            partition.cleaned(cleanedEnd);
                            meters.passes.increment();
                            return CompletableFuture.completedFuture(Optional.of(cleanedEnd));
                        },
                        executor);
    }

    /** Each group becomes one segment of one object. */
    private static List<List<StreamSegment>> groups(List<StreamSegment> inputs) {
        List<List<StreamSegment>> groups = new ArrayList<>();
        List<StreamSegment> group = new ArrayList<>();
        long bytes = 0;
        for (StreamSegment input : inputs) {
            if (!group.isEmpty() && bytes + input.sizeBytes() > MAX_GROUP_BYTES) {
                groups.add(group);
                group = new ArrayList<>();
                bytes = 0;
            }
            group.add(input);
            bytes += input.sizeBytes();
        }
        groups.add(group);
        return groups;
    }
}
