// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.kafka.raft.RaftLog;
import org.jspecify.annotations.Nullable;

/**
 * Kafka's log of a quorum with one difference: a flush writes the newest segment's records to the disk and not its two
 * indexes, which would cost two flushes of the device more. Nothing needs them there: this log is always opened as after a
 * crash, and then makes them anew from the records. When a segment was begun, Kafka's own flush does everything. Appends,
 * truncations and flushes are the Raft thread's.
 */
final class LeanFlushLog extends ForwardedRaftLog {
    private final File directory;

    /** The newest segment when its file was opened; empty if Kafka's flush has to come first. */
    private String openedName = "";

    private @Nullable FileChannel opened;

    LeanFlushLog(RaftLog log, Path directory) {
        super(log);
        this.directory = directory.toFile();
    }

    @Override
    public void flush(boolean forceFlushActiveSegment) {
        String newest = newestSegment();
        FileChannel file = opened;
        try {
            if (forceFlushActiveSegment || file == null || !newest.equals(openedName)) {
                forgetFile();
                super.flush(forceFlushActiveSegment);
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
        super.truncateTo(offset);
    }

    @Override
    public boolean truncateToLatestSnapshot() {
        forgetFile();
        return super.truncateToLatestSnapshot();
    }

    @Override
    public void close() {
        forgetFile();
        super.close();
    }
}
