// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the files that were read last open, so that reading an object in ranges opens it once. All state is guarded by
 * this object's lock; files are opened and closed outside it.
 */
final class OpenFiles implements AutoCloseable {
    private final int capacity;
    private final LinkedHashMap<Path, Lease> leases = new LinkedHashMap<>(16, 0.75f, true);
    private long generation;
    private boolean closed;

    OpenFiles(int capacity) {
        this.capacity = capacity;
    }

    /** The open file at {@code path}; give it back with {@link #release}. */
    Lease acquire(Path path) throws IOException {
        long seen;
        synchronized (this) {
            Lease kept = leases.get(path);
            if (kept != null) {
                kept.users++;
                return kept;
            }
            seen = generation;
        }
        Lease opened = new Lease(FileChannel.open(path, StandardOpenOption.READ));
        Lease evicted = null;
        synchronized (this) {
            // A write or delete since 'seen' may have replaced the file: then this one serves a single read.
            if (!closed && seen == generation && !leases.containsKey(path)) {
                leases.put(path, opened);
                opened.users++;
                evicted = evictOldest();
            }
        }
        if (evicted != null) {
            release(evicted);
        }
        return opened;
    }

    private @Nullable Lease evictOldest() {
        if (leases.size() <= capacity) {
            return null;
        }
        var oldest = leases.entrySet().iterator();
        Lease evicted = oldest.next().getValue();
        oldest.remove();
        return evicted;
    }

    /** Ends one use; the last one of a file that is no longer kept closes it. */
    void release(Lease lease) {
        boolean last;
        synchronized (this) {
            last = --lease.users == 0;
        }
        if (last) {
            lease.close();
        }
    }

    /** Forgets {@code path} because what it names has changed. */
    void invalidate(Path path) {
        Lease old;
        synchronized (this) {
            generation++;
            old = leases.remove(path);
        }
        if (old != null) {
            release(old);
        }
    }

    @Override
    public void close() {
        List<Lease> all;
        synchronized (this) {
            closed = true;
            all = new ArrayList<>(leases.values());
            leases.clear();
        }
        all.forEach(this::release);
    }

    /** An open file with the number of its users; the cache itself counts as one. */
    static final class Lease {
        final FileChannel channel;
        private int users = 1;

        private Lease(FileChannel channel) {
            this.channel = channel;
        }

        private void close() {
            try {
                channel.close();
            } catch (IOException e) {
                // Nothing was written through it, so nothing is lost.
                org.slf4j.LoggerFactory.getLogger(OpenFiles.class).warn("Closing a file failed", e);
            }
        }
    }
}
