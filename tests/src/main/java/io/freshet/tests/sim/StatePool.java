// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.metadata.state.ManifestStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;

/** Tables of the metadata for the runs of one thread, one after the other: opening new ones costs more than a run. */
public final class StatePool implements AutoCloseable {
    /** After so many uses a table is made anew: what was deleted from it slows it down. */
    private static final int MAX_USES = 100;

    private static final class Pooled {
        private final ManifestStore store;
        private final Path directory;
        private int uses;

        Pooled(ManifestStore store, Path directory) {
            this.store = store;
            this.directory = directory;
        }
    }

    private final Path root;
    private final Deque<Pooled> free = new ArrayDeque<>();
    private final List<Pooled> lent = new ArrayList<>();
    private int made;

    public StatePool(Path root) {
        this.root = root;
    }

    /** An empty table, until {@link #takeAllBack()}. */
    public ManifestStore lend() {
        Pooled pooled = free.poll();
        if (pooled == null) {
            Path directory = root.resolve("state-" + made++);
            pooled = new Pooled(ManifestStore.open(directory, "simulation"), directory);
        }
        pooled.uses++;
        lent.add(pooled);
        return pooled.store;
    }

    /** The run is over. */
    public void takeAllBack() {
        for (Pooled pooled : lent) {
            if (pooled.uses >= MAX_USES) {
                pooled.store.close();
                delete(pooled.directory);
            } else {
                pooled.store.clear();
                free.add(pooled);
            }
        }
        lent.clear();
    }

    private static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        takeAllBack();
        for (Pooled pooled : free) {
            pooled.store.close();
            delete(pooled.directory);
        }
        free.clear();
    }
}
