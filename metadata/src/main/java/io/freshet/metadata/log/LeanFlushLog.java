// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.record.internal.Records;
import org.apache.kafka.raft.Isolation;
import org.apache.kafka.raft.LogAppendInfo;
import org.apache.kafka.raft.LogFetchInfo;
import org.apache.kafka.raft.LogOffsetMetadata;
import org.apache.kafka.raft.RaftLog;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.RawSnapshotReader;
import org.apache.kafka.snapshot.RawSnapshotWriter;
import org.jspecify.annotations.Nullable;

/**
 * Kafka's log of a quorum with one difference: a flush writes the newest segment's records to the disk and not its two
 * indexes, which would cost two flushes of the device more. Nothing needs them there: this log is always opened as after a
 * crash, and then makes them anew from the records. When a segment was begun, Kafka's own flush does everything. Appends,
 * truncations and flushes are the Raft thread's.
 */
final class LeanFlushLog implements RaftLog {
    private final RaftLog log;
    private final File directory;

    /** The newest segment when its file was opened; empty if Kafka's flush has to come first. */
    private String openedName = "";

    private @Nullable FileChannel opened;

    LeanFlushLog(RaftLog log, Path directory) {
        this.log = log;
        this.directory = directory.toFile();
    }

    @Override
    public void flush(boolean forceFlushActiveSegment) {
        String newest = newestSegment();
        FileChannel file = opened;
        try {
            if (forceFlushActiveSegment || file == null || !newest.equals(openedName)) {
                forgetFile();
                log.flush(forceFlushActiveSegment);
                opened = FileChannel.open(new File(directory, newest).toPath(), StandardOpenOption.WRITE);
                openedName = newest;
            } else {
                file.force(false);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot flush the metadata log " + directory + "/" + newest, e);
        }
    }

    /** Segments are named by their first offset in decimals of one length. */
    private String newestSegment() {
        String[] names = directory.list();
        String newest = "";
        for (String name : names == null ? new String[0] : names) {
            if (name.endsWith(".log") && name.compareTo(newest) > 0) {
                newest = name;
            }
        }
        return newest;
    }

    /** The file may have been replaced by another of the same name. */
    private void forgetFile() {
        FileChannel file = opened;
        opened = null;
        openedName = "";
        if (file != null) {
            try {
                file.close();
            } catch (IOException e) {
                throw new UncheckedIOException("Cannot close a segment of the metadata log " + directory, e);
            }
        }
    }

    @Override
    public void truncateTo(long offset) {
        forgetFile();
        log.truncateTo(offset);
    }

    @Override
    public boolean truncateToLatestSnapshot() {
        forgetFile();
        return log.truncateToLatestSnapshot();
    }

    @Override
    public LogAppendInfo appendAsLeader(Records records, int epoch) {
        return log.appendAsLeader(records, epoch);
    }

    @Override
    public LogAppendInfo appendAsFollower(Records records, int epoch) {
        return log.appendAsFollower(records, epoch);
    }

    @Override
    public LogFetchInfo read(long startOffset, Isolation isolation, int maxTotalRecordsSizeBytes) {
        return log.read(startOffset, isolation, maxTotalRecordsSizeBytes);
    }

    @Override
    public int lastFetchedEpoch() {
        return log.lastFetchedEpoch();
    }

    @Override
    public OffsetAndEpoch endOffsetForEpoch(int epoch) {
        return log.endOffsetForEpoch(epoch);
    }

    @Override
    public LogOffsetMetadata endOffset() {
        return log.endOffset();
    }

    @Override
    public LogOffsetMetadata highWatermark() {
        return log.highWatermark();
    }

    @Override
    public long startOffset() {
        return log.startOffset();
    }

    @Override
    public void initializeLeaderEpoch(int epoch) {
        log.initializeLeaderEpoch(epoch);
    }

    @Override
    public void updateHighWatermark(LogOffsetMetadata offsetMetadata) {
        log.updateHighWatermark(offsetMetadata);
    }

    @Override
    public boolean deleteBeforeSnapshot(OffsetAndEpoch snapshotId) {
        return log.deleteBeforeSnapshot(snapshotId);
    }

    @Override
    public boolean maybeClean() {
        return log.maybeClean();
    }

    @Override
    public TopicPartition topicPartition() {
        return log.topicPartition();
    }

    @Override
    public Uuid topicId() {
        return log.topicId();
    }

    @Override
    public Optional<RawSnapshotWriter> createNewSnapshot(OffsetAndEpoch snapshotId) {
        return log.createNewSnapshot(snapshotId);
    }

    @Override
    public Optional<RawSnapshotWriter> createNewSnapshotUnchecked(OffsetAndEpoch snapshotId) {
        return log.createNewSnapshotUnchecked(snapshotId);
    }

    @Override
    public Optional<RawSnapshotReader> readSnapshot(OffsetAndEpoch snapshotId) {
        return log.readSnapshot(snapshotId);
    }

    @Override
    public Optional<RawSnapshotReader> latestSnapshot() {
        return log.latestSnapshot();
    }

    @Override
    public Optional<OffsetAndEpoch> latestSnapshotId() {
        return log.latestSnapshotId();
    }

    @Override
    public Optional<OffsetAndEpoch> earliestSnapshotId() {
        return log.earliestSnapshotId();
    }

    @Override
    public void onSnapshotFrozen(OffsetAndEpoch snapshotId) {
        log.onSnapshotFrozen(snapshotId);
    }

    @Override
    public void close() {
        forgetFile();
        log.close();
    }
}
