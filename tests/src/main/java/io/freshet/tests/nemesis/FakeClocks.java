// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The wall clocks of nodes, one file each, through libfaketime: they jump when their file changes, within a second. Monotonic clocks
 * stay true. Used by one thread.
 */
public final class FakeClocks {
    private static final String LIBRARY = "libfaketimeMT.so.1";
    private static final List<Path> PLACES =
            List.of(Path.of("/usr/lib"), Path.of("/usr/lib64"), Path.of("/usr/local/lib"));

    /** A process reads its file again when this much time has passed. */
    private static final int LOOK_SECONDS = 1;

    private final Path library;
    private final Path folder;

    private FakeClocks(Path library, Path folder) {
        this.library = library;
        this.folder = folder;
    }

    /** Why clocks cannot be moved here; empty if they can. */
    public static Optional<String> refusal() throws IOException {
        return library().isPresent()
                ? Optional.empty()
                : Optional.of("clocks cannot be moved here: no " + LIBRARY + " under " + PLACES
                        + "; install the package libfaketime");
    }

    private static Optional<Path> library() throws IOException {
        for (Path place : PLACES) {
            if (Files.isDirectory(place)) {
                try (Stream<Path> found = Files.find(place, 3, (path, is) -> path.endsWith(LIBRARY))) {
                    Optional<Path> first = found.findFirst();
                    if (first.isPresent()) {
                        return first;
                    }
                }
            }
        }
        return Optional.empty();
    }

    /**
     * @param folder for the files
     * @throws IOException also if {@link #refusal} says why
     */
    public static FakeClocks in(Path folder) throws IOException {
        Optional<String> refusal = refusal();
        if (refusal.isPresent()) {
            throw new IOException(refusal.get());
        }
        Files.createDirectories(folder);
        return new FakeClocks(library().orElseThrow(), folder);
    }

    /**
     * Environment variables of a node's process, whose clock is right at first. Timed waits count on the monotonic clock, so the library
     * must leave them alone: what it takes for its own on some systems lets each of them end at once.
     */
    Map<String, String> environment(int node) throws IOException {
        set(node, Duration.ZERO);
        return Map.of(
                "LD_PRELOAD",
                library.toString(),
                "FAKETIME_TIMESTAMP_FILE",
                file(node).toString(),
                "FAKETIME_CACHE_DURATION",
                Integer.toString(LOOK_SECONDS),
                "FAKETIME_DONT_FAKE_MONOTONIC",
                "1",
                "FAKETIME_FORCE_MONOTONIC_FIX",
                "0");
    }

    private Path file(int node) {
        return folder.resolve("clock-" + node).toAbsolutePath();
    }

    /** A node's wall clock is ahead of the true time by {@code ahead}, or behind. */
    public void set(int node, Duration ahead) throws IOException {
        Path next = folder.resolve("clock-" + node + ".next");
        Files.writeString(next, (ahead.isNegative() ? "" : "+") + ahead.toSeconds() + "\n");
        Files.move(next, file(node), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
