// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.SnapshotWriter;
import org.apache.kafka.snapshot.Snapshots;

/**
 * Writes a snapshot to the disk piece by piece, not all of it when it is complete: then no flush of the log, which commits
 * wait for, has to wait for hundreds of MiB. Used by one thread.
 */
final class SteadySnapshotWriter<T> implements SnapshotWriter<T> {
    private static final long FLUSH_BYTES = 4L << 20;

    private final SnapshotWriter<T> writer;
    private final FileChannel file;
    private long flushedBytes;

    private SteadySnapshotWriter(SnapshotWriter<T> writer, FileChannel file) {
        this.writer = writer;
        this.file = file;
    }

    /** Takes over {@code writer}, whose unfinished file lies in {@code directory}. */
    static <T> SnapshotWriter<T> of(SnapshotWriter<T> writer, Path directory) {
        Path complete = Snapshots.snapshotPath(directory, writer.snapshotId());
        String begin = complete.getFileName().toString().replace(".checkpoint", "");
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(directory, begin + "-*.checkpoint.part")) {
            for (Path part : parts) {
                return new SteadySnapshotWriter<>(writer, FileChannel.open(part, StandardOpenOption.WRITE));
            }
            return writer;
        } catch (IOException e) {
            writer.close();
            throw new UncheckedIOException("Cannot open the unfinished snapshot " + complete, e);
        }
    }

    @Override
    public OffsetAndEpoch snapshotId() {
        return writer.snapshotId();
    }

    @Override
    public long lastContainedLogOffset() {
        return writer.lastContainedLogOffset();
    }

    @Override
    public int lastContainedLogEpoch() {
        return writer.lastContainedLogEpoch();
    }

    @Override
    public boolean isFrozen() {
        return writer.isFrozen();
    }

    @Override
    public void append(List<T> records) {
        writer.append(records);
        try {
            if (file.size() - flushedBytes >= FLUSH_BYTES) {
                flushedBytes = file.size();
                file.force(false);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot flush snapshot " + snapshotId() + " to the disk", e);
        }
    }

    @Override
    public long freeze() {
        return writer.freeze();
    }

    @Override
    public void close() {
        try (file) {
            writer.close();
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot close snapshot " + snapshotId(), e);
        }
    }
}
