// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.message.DescribeProducersResponseData.ProducerState;

/** What else can be asked of a partition that this broker leads. Safe for use by many threads; nothing blocks on I/O. */
public interface PartitionQueries extends PartitionLog {
    /**
     * Where {@code leaderEpoch} ended: the greatest known epoch at or below it, and the start of the next known epoch (the
     * log end for the newest). An epoch older than all known ones is answered with itself and the start of the oldest. Empty
     * if the epoch is newer than all known ones, or none is known.
     */
    Optional<EpochEnd> epochEndOffset(int leaderEpoch);

    /** The leader epoch in force at {@code offset} (log start to log end); empty when nothing is known of it. */
    OptionalInt epochAt(long offset);

    /**
     * Base offset of the first batch at or after the log start and below {@code endOffset} whose greatest timestamp is at
     * least {@code timestampMs}; empty if there is none.
     */
    CompletableFuture<Optional<Long>> batchAtOrAfterTimestamp(long timestampMs, long endOffset);

    /** Base offset of the first batch that holds the greatest timestamp below {@code endOffset}; empty when there is none. */
    CompletableFuture<Optional<Long>> batchWithMaxTimestamp(long endOffset);

    /** Moves the log start up to {@code newStartOffset}, at most the high watermark; durable when complete. Never moves it down. */
    CompletableFuture<Void> trim(long newStartOffset);

    /** The committed segments from the log start on, in offset order. */
    List<StreamSegment> segments();

    /** Bytes between log start and log end. */
    long sizeBytes();

    /** The producers that the partition remembers, in the form of a DescribeProducers answer. */
    List<ProducerState> activeProducers();

    /** Aborted transactions that overlap {@code [fromOffset, toOffset)}, by first offset. */
    CompletableFuture<List<AbortedTransaction>> abortedTransactions(long fromOffset, long toOffset);

    /** What clients do to it, counted by those who serve them. */
    LoadCounters load();

    /** The end, exclusive, of what was written under {@code leaderEpoch}. */
    record EpochEnd(int leaderEpoch, long endOffset) {}
}
