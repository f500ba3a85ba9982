// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.memory;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.objectstore.ObjectStore.DeleteOutcome;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Objects on the heap, for tests and simulation. Every call completes before it returns, on the caller's thread. The
 * objects live as long as this instance: {@link #close()} keeps them, so that a test can restart what lies above.
 */
public final class MemoryDriver implements StoreDriver {
    private final String name;
    private final Clock clock;
    private final ConcurrentSkipListMap<String, Stored> objects = new ConcurrentSkipListMap<>();

    public MemoryDriver(String name, Clock clock) {
        this.name = name;
        this.clock = clock;
    }

    @Override
    public CompletableFuture<Void> put(String key, Body body, String nonce) {
        objects.put(key, new Stored(body.toArray(), nonce, clock.wallMs()));
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<PutOutcome> create(String key, Body body, String nonce) {
        Stored older = objects.putIfAbsent(key, new Stored(body.toArray(), nonce, clock.wallMs()));
        return CompletableFuture.completedFuture(older == null ? PutOutcome.CREATED : PutOutcome.ALREADY_EXISTS);
    }

    @Override
    public CompletableFuture<Author> authorOf(String key, String nonce) {
        Stored stored = objects.get(key);
        if (stored == null) {
            return CompletableFuture.completedFuture(Author.NO_OBJECT);
        }
        return CompletableFuture.completedFuture(stored.nonce.equals(nonce) ? Author.SAME_NONCE : Author.OTHER_NONCE);
    }

    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        Stored stored = objects.get(key);
        if (stored == null) {
            return CompletableFuture.failedFuture(new FreshetException(
                    ErrorKind.MISSING, "There is no object '" + key + "' in " + describe() + "; reload what named it"));
        }
        int length = target.remaining();
        if (position + length > stored.bytes.length) {
            return CompletableFuture.failedFuture(new FreshetException(
                    ErrorKind.CORRUPT,
                    "Object '" + key + "' in " + describe() + " has " + stored.bytes.length + " bytes, but " + length
                            + " at " + position + " were asked for; check what named that range"));
        }
        target.put(stored.bytes, (int) position, length);
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        Stored stored = objects.get(key);
        return CompletableFuture.completedFuture(Optional.ofNullable(stored).map(s -> s.stat(key)));
    }

    @Override
    public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
        boolean fromPrefix = startAfter.compareTo(prefix) < 0;
        NavigableMap<String, Stored> rest =
                fromPrefix ? objects.tailMap(prefix, true) : objects.tailMap(startAfter, false);
        List<ObjectStat> found = new ArrayList<>();
        for (Map.Entry<String, Stored> entry : rest.entrySet()) {
            if (!entry.getKey().startsWith(prefix) || found.size() > maxKeys) {
                break;
            }
            found.add(entry.getValue().stat(entry.getKey()));
        }
        return CompletableFuture.completedFuture(StoreDriver.page(found, maxKeys));
    }

    @Override
    public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
        keys.forEach(objects::remove);
        return CompletableFuture.completedFuture(new DeleteOutcome(Map.of()));
    }

    @Override
    public String describe() {
        return "memory:" + name;
    }

    @Override
    public void close() {}

    private record Stored(byte[] bytes, String nonce, long modifiedAtMs) {
        ObjectStat stat(String key) {
            return new ObjectStat(key, bytes.length, modifiedAtMs);
        }
    }
}
