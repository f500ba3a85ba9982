// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file that is emptied when it is opened, and belongs to this process alone. It grows with its first use. */
public final class LocalTierFile implements TierFile {
    private final Path path;
    private final FileChannel channel;

    private LocalTierFile(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    /** Makes or empties {@code path}. Fails with UNAVAILABLE if it cannot be used, or another process uses it. Blocking. */
    public static LocalTierFile open(Path path) {
        try {
            Path folder = path.toAbsolutePath().getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            return new LocalTierFile(path, emptied(path));
        } catch (IOException | OverlappingFileLockException | UnsupportedOperationException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "The disk cache " + path + " cannot be used (" + e + "); check cache.disk.path and its rights",
                    e);
        }
    }

    private static FileChannel emptied(Path path) throws IOException {
        FileChannel channel =
                FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock == null) {
                throw new IOException("another process uses it");
            }
            channel.truncate(0);
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public void read(long position, ByteBuffer target) throws IOException {
        long at = position;
        while (target.hasRemaining()) {
            int count = channel.read(target, at);
            if (count < 0) {
                throw new EOFException(path + " ends at " + channel.size() + ", before " + (at + target.remaining()));
            }
            at += count;
        }
    }

    @Override
    public void write(long position, ByteBuffer source) throws IOException {
        long at = position;
        while (source.hasRemaining()) {
            at += channel.write(source, at);
        }
    }

    @Override
    public String description() {
        return path.toString();
    }

    /** Closes and removes the file: its content is of no use to another process. */
    @Override
    public void close() throws IOException {
        channel.close();
        Files.deleteIfExists(path);
    }
}
