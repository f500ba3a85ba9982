// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import io.freshet.broker.partition.PartitionLog;
import io.freshet.broker.partition.PartitionLogs;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.runtime.Scheduler;
import io.freshet.storage.StreamLog.StreamRead;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.requests.TransactionResult;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.coordinator.common.runtime.CoordinatorLoader;
import org.apache.kafka.coordinator.common.runtime.CoordinatorPlayback;
import org.apache.kafka.coordinator.common.runtime.CoordinatorRecord;
import org.apache.kafka.coordinator.common.runtime.Deserializer.UnknownRecordTypeException;
import org.apache.kafka.coordinator.group.GroupCoordinatorRecordSerde;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replays a partition of {@code __consumer_offsets}, from its start to its high watermark, into a coordinator that was just
 * elected for it. Reads do not block; records are replayed on the executor that the constructor was given. A read that fails is made
 * again for as long as this broker leads the partition: Kafka's coordinator would give up its groups until the next election.
 */
final class LogCoordinatorLoader implements CoordinatorLoader<CoordinatorRecord> {
    private static final Logger LOG = LoggerFactory.getLogger(LogCoordinatorLoader.class);

    /** How much one read asks for; large enough for few round trips to the object store, small beside the heap. */
    private static final int READ_BYTES = 4 << 20;

    private static final long FIRST_PAUSE_MS = 100;
    private static final long LONGEST_PAUSE_MS = 5_000;

    private final PartitionLogs partitions;
    private final Executor executor;
    private final Scheduler scheduler;
    private final Time time;
    private final GroupCoordinatorRecordSerde serde = new GroupCoordinatorRecordSerde();
    private volatile boolean closed;

    LogCoordinatorLoader(PartitionLogs partitions, Executor executor, Scheduler scheduler, Time time) {
        this.partitions = partitions;
        this.executor = executor;
        this.scheduler = scheduler;
        this.time = time;
    }

    @Override
    public CompletableFuture<LoadSummary> load(
            TopicPartition partition, CoordinatorPlayback<CoordinatorRecord> coordinator) {
        var log = partitions.log(partition);
        if (log.isEmpty()) {
            return CompletableFuture.failedFuture(
                    new NotLeaderOrFollowerException("This broker does not lead " + partition + " (any more)"));
        }
        Load load = new Load(log.get(), coordinator, time.milliseconds());
        load.next(load.log.logStartOffset());
        return load.done;
    }

    @Override
    public void close() {
        closed = true;
    }

    /** One partition's replay; each step is run by one thread at a time and ordered by the reads' futures. */
    private final class Load {
        private final PartitionLog log;
        private final CoordinatorPlayback<CoordinatorRecord> coordinator;
        private final long startMs;
        private final long endOffset;
        private final CompletableFuture<LoadSummary> done = new CompletableFuture<>();
        private long pauseMs = FIRST_PAUSE_MS;
        private long startedReplayMs = -1;
        private long recordCount;
        private long sizeBytes;

        Load(PartitionLog log, CoordinatorPlayback<CoordinatorRecord> coordinator, long startMs) {
            this.log = log;
            this.coordinator = coordinator;
            this.startMs = startMs;
            this.endOffset = log.highWatermark();
        }

        /** Reads on from {@code offset}, or ends. Never recurses: each replay is a task of its own on the executor. */
        void next(long offset) {
            log.read(offset, READ_BYTES, endOffset, true).whenComplete((read, error) -> {
                if (error == null) {
                    run(() -> step(offset, read));
                } else {
                    repeat(offset, error);
                }
            });
        }

        private void repeat(long offset, Throwable error) {
            boolean isLed = partitions
                    .log(log.id().topicPartition())
                    .filter(present -> present == log)
                    .isPresent();
            if (closed || !isLed) {
                done.completeExceptionally(error);
                return;
            }
            LOG.warn(
                    "{} could not be read at offset {}; its groups wait, it is tried again in {} ms: {}",
                    log.id(),
                    offset,
                    pauseMs,
                    FreshetException.unwrap(error).getMessage());
            scheduler.schedule(pauseMs, () -> run(() -> next(offset)));
            pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
        }

        /** On the executor; whatever it throws, and its refusal when it has stopped, ends the load. */
        private void run(Runnable task) {
            try {
                executor.execute(() -> {
                    try {
                        task.run();
                    } catch (RuntimeException e) {
                        done.completeExceptionally(e);
                    }
                });
            } catch (RejectedExecutionException e) {
                done.completeExceptionally(e);
            }
        }

        private void step(long offset, StreamRead read) {
            if (startedReplayMs < 0) {
                startedReplayMs = time.milliseconds();
            }
            pauseMs = FIRST_PAUSE_MS;
            long nextOffset;
            try {
                nextOffset = replay(offset, read);
            } finally {
                read.release();
            }
            if (closed) {
                done.completeExceptionally(new NotLeaderOrFollowerException("The group coordinator is stopping"));
            } else if (nextOffset == offset || nextOffset >= endOffset) {
                finish();
            } else {
                next(nextOffset);
            }
        }

        private void finish() {
            if (endOffset > 0) {
                coordinator.updateLastWrittenOffset(endOffset);
                coordinator.updateLastCommittedOffset(endOffset);
            }
            long endMs = time.milliseconds();
            done.complete(new LoadSummary(startMs, endMs, startedReplayMs - startMs, recordCount, sizeBytes));
        }

        /** Replays all batches of {@code read}; returns the offset after the last, {@code offset} if there was none. */
        private long replay(long offset, StreamRead read) {
            long nextOffset = offset;
            for (SharedBytes bytes : read.batches()) {
                sizeBytes += bytes.sizeBytes();
                for (RecordBatch batch :
                        MemoryRecords.readableRecords(bytes.view()).batches()) {
                    replay(batch);
                    nextOffset = batch.nextOffset();
                }
            }
            return nextOffset;
        }

        private void replay(RecordBatch batch) {
            for (Record record : batch) {
                recordCount++;
                if (batch.isControlBatch()) {
                    replayMarker(batch, record);
                } else {
                    replay(batch, record);
                }
            }
        }

        private void replayMarker(RecordBatch batch, Record record) {
            ControlRecordType type = ControlRecordType.parse(record.key());
            if (type == ControlRecordType.COMMIT || type == ControlRecordType.ABORT) {
                coordinator.replayEndTransactionMarker(
                        batch.producerId(),
                        batch.producerEpoch(),
                        type == ControlRecordType.COMMIT ? TransactionResult.COMMIT : TransactionResult.ABORT);
            }
        }

        private void replay(RecordBatch batch, Record record) {
            CoordinatorRecord parsed;
            try {
                parsed = serde.deserialize(record.key(), record.value());
            } catch (UnknownRecordTypeException e) {
                LOG.warn(
                        "Skipping a record of unknown type {} at offset {} of {}: it was written by a newer version, whose"
                                + " state is lost to this one",
                        e.unknownType(),
                        record.offset(),
                        log.id());
                return;
            }
            coordinator.replay(record.offset(), batch.producerId(), batch.producerEpoch(), parsed);
        }
    }
}
