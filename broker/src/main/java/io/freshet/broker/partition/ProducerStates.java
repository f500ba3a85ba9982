// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidTxnStateException;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.BatchMetadata;
import org.apache.kafka.storage.internals.log.CompletedTxn;
import org.apache.kafka.storage.internals.log.LastRecord;
import org.apache.kafka.storage.internals.log.LogOffsetMetadata;
import org.apache.kafka.storage.internals.log.ProducerAppendInfo;
import org.apache.kafka.storage.internals.log.ProducerStateEntry;
import org.apache.kafka.storage.internals.log.ProducerStateManager;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;

/**
 * What a partition knows of its idempotent and transactional producers, by Kafka's own state machine. Every method needs
 * the partition's lock: the partition is the single writer.
 */
final class ProducerStates {
    private static final int MAX_TRANSACTION_TIMEOUT_MS = 15 * 60 * 1000;
    private static final short TRANSACTION_VERSION = 0;

    private final ProducerStateManager manager;
    private final Clock clock;
    private final List<AbortedTransaction> aborted = new ArrayList<>();

    ProducerStates(TopicPartition partition, ProducerStateManagerConfig config, Clock clock) {
        this.clock = clock;
        try {
            // The directory is never made nor read: snapshots live in segment trailers.
            this.manager = new ProducerStateManager(
                    partition,
                    new File("producer-state-is-not-kept-in-files"),
                    MAX_TRANSACTION_TIMEOUT_MS,
                    config,
                    new KafkaTime(clock));
        } catch (IOException e) {
            throw FreshetException.of(e);
        }
    }

    /** What an append will change once it has been handed to the stream. */
    record Change(Map<Long, ProducerAppendInfo> producers, List<CompletedTxn> completed) {
        static final Change NONE = new Change(Map.of(), List.of());
    }

    /** The first append of {@code batch}, if it is one of its producer's last five batches. */
    Optional<BatchMetadata> duplicate(RecordBatch batch) {
        if (!batch.hasProducerId()) {
            return Optional.empty();
        }
        Optional<ProducerStateEntry> entry = manager.lastEntry(batch.producerId());
        if (entry.isEmpty() || entry.get().producerEpoch() != batch.producerEpoch()) {
            return Optional.empty();
        }
        for (BatchMetadata known : entry.get().batchMetadata()) {
            if (known.firstSeq() == batch.baseSequence() && known.lastSeq() == batch.lastSequence()) {
                return Optional.of(known);
            }
        }
        return Optional.empty();
    }

    /** Checks epochs and sequences of batches that already carry their offsets. Throws Kafka's exceptions; changes nothing. */
    Change prepare(MemoryRecords records, AppendOrigin origin) {
        Map<Long, ProducerAppendInfo> producers = null;
        List<CompletedTxn> completed = new ArrayList<>(0);
        for (MutableRecordBatch batch : records.batches()) {
            if (origin == AppendOrigin.CLIENT && batch.isTransactional()) {
                throw new InvalidTxnStateException("Producer " + batch.producerId()
                        + " sent a transactional batch; transactions are not served by this version");
            }
            if (!batch.hasProducerId()) {
                continue;
            }
            if (producers == null) {
                producers = new HashMap<>();
            }
            ProducerAppendInfo info =
                    producers.computeIfAbsent(batch.producerId(), id -> manager.prepareUpdate(id, origin));
            Optional<LogOffsetMetadata> first =
                    batch.isTransactional() ? Optional.of(new LogOffsetMetadata(batch.baseOffset())) : Optional.empty();
            info.append(batch, first, TRANSACTION_VERSION).ifPresent(completed::add);
        }
        return producers == null ? Change.NONE : new Change(producers, completed);
    }

    void apply(Change change, long endOffset) {
        change.producers().values().forEach(manager::update);
        for (CompletedTxn transaction : change.completed()) {
            if (transaction.isAborted()) {
                aborted.add(new AbortedTransaction(
                        transaction.producerId(),
                        transaction.firstOffset(),
                        transaction.lastOffset(),
                        manager.lastStableOffset(transaction)));
            }
            manager.completeTxn(transaction);
        }
        manager.updateMapEndOffset(endOffset);
    }

    /** Replays batches read back from the WAL. */
    void replay(MemoryRecords records) {
        Change change = prepare(records, AppendOrigin.REPLICATION);
        long end = 0;
        for (MutableRecordBatch batch : records.batches()) {
            end = batch.nextOffset();
        }
        apply(change, end);
    }

    void load(byte[] snapshot) {
        ProducerSnapshots.read(snapshot, manager);
    }

    byte[] snapshot(long cleanedEndOffset) {
        return ProducerSnapshots.write(manager.activeProducers().values(), cleanedEndOffset);
    }

    /** What key compaction must keep of each producer: its last data batch, or if it has none the marker of its epoch. */
    Map<Long, LastRecord> lastRecords() {
        Map<Long, LastRecord> last = new HashMap<>();
        manager.activeProducers().forEach((producerId, entry) -> {
            long offset = entry.lastDataOffset();
            last.put(
                    producerId,
                    new LastRecord(
                            offset >= 0 ? OptionalLong.of(offset) : OptionalLong.empty(), entry.producerEpoch()));
        });
        return last;
    }

    void onHighWatermark(long highWatermark) {
        manager.onHighWatermarkUpdated(highWatermark);
    }

    /** First offset of the oldest transaction whose outcome is not yet below the high watermark; MAX_VALUE if none. */
    long firstUnstableOffset() {
        return manager.firstUnstableOffset().map(offset -> offset.messageOffset).orElse(Long.MAX_VALUE);
    }

    /** Aborted transactions since opening that end at or above {@code fromOffset}; older ones are forgotten. */
    List<AbortedTransaction> abortedFrom(long fromOffset) {
        aborted.removeIf(transaction -> transaction.lastOffset() < fromOffset);
        return List.copyOf(aborted);
    }

    void expire() {
        manager.removeExpiredProducers(clock.wallMs());
    }

    List<ProducerStateEntry> active() {
        return List.copyOf(manager.activeProducers().values());
    }
}
