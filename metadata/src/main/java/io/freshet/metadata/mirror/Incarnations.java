// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.kafka.common.Uuid;

/**
 * Which processes of this directory may have written to the mirror: the last one that certainly could, and the one before.
 * Each start draws a new id before its first write, so a copy of the directory, or one that was restored elsewhere, does not
 * find its own id in the mirror's last piece. The file {@code metadata-mirror.writers} holds one id a line, newest first.
 */
record Incarnations(Uuid current, Optional<Uuid> previous) {
    static final String FILE = "metadata-mirror.writers";

    static Uuid next(Randomness randomness) {
        UUID random = randomness.nextUuid();
        return new Uuid(random.getMostSignificantBits(), random.getLeastSignificantBits());
    }

    /** What {@code directory} remembers; empty if it never had a mirror. */
    static Optional<Incarnations> load(Path directory) {
        Path file = directory.resolve(FILE);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            List<String> lines = Files.readAllLines(file, StandardCharsets.UTF_8);
            return Optional.of(new Incarnations(
                    Uuid.fromString(lines.get(0)),
                    lines.size() > 1 ? Optional.of(Uuid.fromString(lines.get(1))) : Optional.empty()));
        } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new FreshetException(
                    ErrorKind.CORRUPT,
                    "Cannot read " + file + " (" + e + "): it says which pieces of the metadata mirror are this"
                            + " directory's. Restore the file, or move the directory away and start again with"
                            + " metadata.mirror=sync to restore it from the mirror",
                    e);
        }
    }

    boolean contains(Uuid writer) {
        return current.equals(writer) || previous.filter(writer::equals).isPresent();
    }

    /** Durable when this returns. */
    void save(Path directory) {
        Path file = directory.resolve(FILE);
        Path written = directory.resolve(FILE + ".tmp");
        String text = current + "\n" + previous.map(id -> id + "\n").orElse("");
        try {
            Files.writeString(written, text);
            force(written);
            Files.move(written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            force(directory);
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Cannot write " + file + ": " + e.getMessage() + "; check the disk and the directory's rights",
                    e);
        }
    }

    static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
