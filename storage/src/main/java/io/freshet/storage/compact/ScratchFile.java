// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Pieces in memory, each of a file of its own, which the operating system writes out when it needs the memory. A file is removed as soon as
 * it is open, so that nothing is left whatever becomes of the process; its space is free again when the piece is not referred to.
 */
public final class ScratchFile implements ScratchSpace {
    private static final int ZEROS_BYTES = 64 << 10;

    private final Path folder;

    /** @param folder made if need be when the first piece is asked for */
    public ScratchFile(Path folder) {
        this.folder = folder;
    }

    @Override
    public ByteBuffer chunk(int sizeBytes) {
        try {
            Files.createDirectories(folder);
            Path path = Files.createTempFile(folder, "compaction-", ".scratch");
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                Files.delete(path);
                fill(channel, sizeBytes);
                return channel.map(MapMode.READ_WRITE, 0, sizeBytes);
            }
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "No " + sizeBytes + " bytes of scratch space in " + folder + " (" + e
                            + "); compaction waits until there is room on that disk",
                    e);
        }
    }

    /** A full disk is noticed here and not when the memory is written out, which would be too late. */
    private static void fill(FileChannel channel, int sizeBytes) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect(Math.min(sizeBytes, ZEROS_BYTES));
        for (long at = 0; at < sizeBytes; ) {
            zeros.clear().limit((int) Math.min(zeros.capacity(), sizeBytes - at));
            at += channel.write(zeros, at);
        }
    }
}
