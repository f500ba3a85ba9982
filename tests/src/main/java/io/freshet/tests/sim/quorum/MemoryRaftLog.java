// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.tests.sim.SimRandom;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Records;
import org.apache.kafka.raft.Isolation;
import org.apache.kafka.raft.LogAppendInfo;
import org.apache.kafka.raft.LogFetchInfo;
import org.apache.kafka.raft.LogOffsetMetadata;
import org.apache.kafka.raft.RaftLog;
import org.apache.kafka.raft.ValidOffsetAndEpoch;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.RawSnapshotReader;
import org.apache.kafka.snapshot.RawSnapshotWriter;

/**
 * The log of one disk, by the rules of {@code KafkaRaftLog}. It outlives processes: a crash takes what was not flushed, or
 * only the end of it.
 */
final class MemoryRaftLog implements RaftLog {
    private final TreeMap<Long, Stored> batches = new TreeMap<>();
    private final TreeMap<OffsetAndEpoch, byte[]> snapshots = new TreeMap<>();
    private final EpochStarts epochs = new EpochStarts();
    private final boolean flushes;
    private long start;
    private long end;
    private long flushedEnd;
    private long highWatermark;
    private boolean isDead;

    private record Stored(long lastOffset, int epoch, byte[] bytes) {}

    /** @param flushes whether a flush makes anything durable */
    MemoryRaftLog(boolean flushes) {
        this.flushes = flushes;
    }

    /** As after formatting. */
    void addSnapshot(OffsetAndEpoch id, byte[] bytes) {
        snapshots.put(id, bytes);
    }

    /** The process is gone: nothing more is written, and what was not flushed survives in part. */
    void crash(SimRandom random) {
        isDead = true;
        while (end > flushedEnd && !batches.isEmpty() && random.chance(0.6)) {
            cutTo(batches.lastKey());
        }
    }

    /** Everything is on the disk. */
    void stop() {
        isDead = true;
        flushedEnd = end;
    }

    /** Another process opens it. */
    void open() {
        isDead = false;
        flushedEnd = end;
        highWatermark = start;
        epochs.truncateFromEnd(end);
        truncateToLatestSnapshot();
    }

    private void requireAlive() {
        if (isDead) {
            throw new KafkaException("This log's process is gone");
        }
    }

    @Override
    public LogAppendInfo appendAsLeader(Records records, int epoch) {
        return append(records, epoch, false);
    }

    @Override
    public LogAppendInfo appendAsFollower(Records records, int epoch) {
        return append(records, epoch, true);
    }

    private LogAppendInfo append(Records records, int epoch, boolean isFollower) {
        requireAlive();
        long first = end;
        for (MutableRecordBatch batch : ((MemoryRecords) records).batches()) {
            batch.ensureValid();
            if (isFollower && batch.partitionLeaderEpoch() > epoch) {
                break;
            }
            if (batch.baseOffset() != end || (!isFollower && batch.partitionLeaderEpoch() != epoch)) {
                throw new IllegalStateException("A batch at " + batch.baseOffset() + " of epoch "
                        + batch.partitionLeaderEpoch() + " does not fit a log that ends at " + end);
            }
            ByteBuffer bytes = ByteBuffer.allocate(batch.sizeInBytes());
            batch.writeTo(bytes);
            epochs.assign(batch.partitionLeaderEpoch(), end);
            batches.put(end, new Stored(batch.lastOffset(), batch.partitionLeaderEpoch(), bytes.array()));
            end = batch.lastOffset() + 1;
        }
        return new LogAppendInfo(first, end - 1);
    }

    @Override
    public LogFetchInfo read(long startOffset, Isolation isolation, int maxTotalBatchBytes) {
        long limit = isolation == Isolation.COMMITTED ? highWatermark : end;
        if (startOffset < start || startOffset > end) {
            throw new OffsetOutOfRangeException("Offset " + startOffset + " is not within " + start + " and " + end);
        }
        Map.Entry<Long, Stored> first = batches.floorEntry(startOffset);
        long base = first != null && first.getValue().lastOffset >= startOffset ? first.getKey() : startOffset;
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        for (Stored batch : batches.tailMap(base).values()) {
            boolean isTooMuch = read.size() > 0 && read.size() + batch.bytes.length > maxTotalBatchBytes;
            if (batch.lastOffset >= limit || isTooMuch) {
                break;
            }
            read.writeBytes(batch.bytes);
        }
        return new LogFetchInfo(
                MemoryRecords.readableRecords(ByteBuffer.wrap(read.toByteArray())), new LogOffsetMetadata(base));
    }

    @Override
    public int lastFetchedEpoch() {
        return epochs.latest()
                .orElseGet(() -> latestSnapshotId()
                        .map(id -> {
                            if (id.offset() != start || id.offset() != end) {
                                throw new KafkaException(
                                        "A log from " + start + " to " + end + " has no epochs but the snapshot " + id);
                            }
                            return id.epoch();
                        })
                        .orElse(0));
    }

    @Override
    public OffsetAndEpoch endOffsetForEpoch(int epoch) {
        Optional<OffsetAndEpoch> found = epochs.endOf(epoch, end);
        if (found.isEmpty()) {
            return new OffsetAndEpoch(end, lastFetchedEpoch());
        }
        Optional<OffsetAndEpoch> earliest = earliestSnapshotId();
        boolean isAtStart = earliest.isPresent()
                && found.get().offset() == earliest.get().offset()
                && found.get().epoch() == epoch;
        return isAtStart ? earliest.get() : found.get();
    }

    @Override
    public LogOffsetMetadata endOffset() {
        return new LogOffsetMetadata(end);
    }

    @Override
    public LogOffsetMetadata highWatermark() {
        return new LogOffsetMetadata(highWatermark);
    }

    @Override
    public long startOffset() {
        return start;
    }

    @Override
    public void initializeLeaderEpoch(int epoch) {
        epochs.assign(epoch, end);
    }

    @Override
    public void truncateTo(long offset) {
        requireAlive();
        if (offset < highWatermark) {
            throw new IllegalArgumentException(
                    "Cannot truncate to " + offset + ", which is below the high watermark " + highWatermark);
        }
        cutTo(offset);
    }

    private void cutTo(long offset) {
        if (offset >= end) {
            return;
        }
        batches.tailMap(offset).clear();
        if (!batches.isEmpty() && batches.lastEntry().getValue().lastOffset >= offset) {
            throw new IllegalStateException("Offset " + offset + " lies within a batch");
        }
        end = offset;
        flushedEnd = Math.min(flushedEnd, offset);
        epochs.truncateFromEnd(offset);
    }

    @Override
    public boolean truncateToLatestSnapshot() {
        requireAlive();
        Optional<OffsetAndEpoch> latest = latestSnapshotId();
        int epoch = epochs.latest().orElse(0);
        if (latest.isEmpty()
                || latest.get().epoch() < epoch
                || (latest.get().epoch() == epoch && latest.get().offset() <= end)) {
            return false;
        }
        batches.clear();
        epochs.clear();
        start = latest.get().offset();
        end = start;
        flushedEnd = start;
        highWatermark = start;
        snapshots.headMap(latest.get(), false).clear();
        return true;
    }

    @Override
    public void updateHighWatermark(LogOffsetMetadata offset) {
        highWatermark = Math.min(end, Math.max(start, offset.offset()));
    }

    @Override
    public boolean deleteBeforeSnapshot(OffsetAndEpoch id) {
        Optional<OffsetAndEpoch> latest = latestSnapshotId();
        if (latest.isEmpty()
                || !snapshots.containsKey(id)
                || start >= id.offset()
                || id.offset() > latest.get().offset()) {
            return false;
        }
        if (id.offset() > highWatermark) {
            throw new OffsetOutOfRangeException(
                    "The log cannot begin at " + id + ", above the high watermark " + highWatermark);
        }
        start = id.offset();
        batches.headMap(start).values().removeIf(batch -> batch.lastOffset < start);
        epochs.truncateFromStart(start);
        snapshots.headMap(id, false).clear();
        return true;
    }

    @Override
    public void flush(boolean forceFlushActiveSegment) {
        requireAlive();
        if (flushes) {
            flushedEnd = end;
        }
    }

    /** Keeps the newest snapshot. */
    @Override
    public boolean maybeClean() {
        return snapshots.size() > 1
                && snapshots.lastKey().offset() <= highWatermark
                && deleteBeforeSnapshot(snapshots.lastKey());
    }

    @Override
    public TopicPartition topicPartition() {
        return Topic.CLUSTER_METADATA_TOPIC_PARTITION;
    }

    @Override
    public Uuid topicId() {
        return Uuid.METADATA_TOPIC_ID;
    }

    @Override
    public Optional<RawSnapshotWriter> createNewSnapshot(OffsetAndEpoch id) {
        requireAlive();
        if (id.offset() < start) {
            return Optional.empty();
        }
        boolean isValid = validateOffsetAndEpoch(id.offset(), id.epoch()).kind() == ValidOffsetAndEpoch.Kind.VALID;
        Map.Entry<Long, Stored> holder = batches.lowerEntry(id.offset());
        boolean isAligned = holder == null || holder.getValue().lastOffset < id.offset();
        if (id.offset() > highWatermark || !isValid || !isAligned) {
            throw new IllegalArgumentException("Cannot create a snapshot " + id + " of a log from " + start + " to "
                    + end + " with the high watermark " + highWatermark + "; valid: " + isValid + ", aligned: "
                    + isAligned);
        }
        return createNewSnapshotUnchecked(id);
    }

    @Override
    public Optional<RawSnapshotWriter> createNewSnapshotUnchecked(OffsetAndEpoch id) {
        return snapshots.containsKey(id)
                ? Optional.empty()
                : Optional.of(new MemorySnapshot.Writer(id, (done, bytes) -> {
                    requireAlive();
                    snapshots.put(done, bytes);
                }));
    }

    @Override
    public Optional<RawSnapshotReader> readSnapshot(OffsetAndEpoch id) {
        return Optional.ofNullable(snapshots.get(id)).map(bytes -> new MemorySnapshot.Reader(id, bytes));
    }

    @Override
    public Optional<RawSnapshotReader> latestSnapshot() {
        return latestSnapshotId().flatMap(this::readSnapshot);
    }

    @Override
    public Optional<OffsetAndEpoch> latestSnapshotId() {
        return snapshots.isEmpty() ? Optional.empty() : Optional.of(snapshots.lastKey());
    }

    @Override
    public Optional<OffsetAndEpoch> earliestSnapshotId() {
        return snapshots.isEmpty() ? Optional.empty() : Optional.of(snapshots.firstKey());
    }

    @Override
    public void onSnapshotFrozen(OffsetAndEpoch id) {}

    @Override
    public void close() {}
}
