// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.objectstore.ObjectStore;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Objects in memory, with a hook through which each put and delete travels. */
public final class TestObjectStore implements ObjectStore {
    private record Stored(ByteBuffer bytes, long modifiedAtMs) {}

    private final Clock clock;
    private final NavigableMap<String, Stored> objects = new ConcurrentSkipListMap<>();
    private final Map<String, String> undeletable = new HashMap<>();
    private final AtomicInteger listings = new AtomicInteger();
    private volatile Consumer<Collection<String>> deleteListener = keys -> {};
    private volatile MemoryStreamMetadata.Transport transport = new MemoryStreamMetadata.Transport() {
        @Override
        public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
            return CompletableFuture.completedFuture(command.get());
        }
    };

    public TestObjectStore(Clock clock) {
        this.clock = clock;
    }

    /** {@code listener} is told the keys of each deletion. */
    public void onDelete(Consumer<Collection<String>> listener) {
        deleteListener = listener;
    }

    public void transport(MemoryStreamMetadata.Transport newTransport) {
        transport = newTransport;
    }

    /** Requests for a page of keys so far. */
    public int listings() {
        return listings.get();
    }

    public Collection<String> keys() {
        return objects.keySet();
    }

    /** Makes deletions of {@code key} fail until called with a null reason. */
    public void undeletable(String key, String reason) {
        if (reason == null) {
            undeletable.remove(key);
        } else {
            undeletable.put(key, reason);
        }
    }

    /** The object's bytes; fails with MISSING. */
    public ByteBuffer bytes(String key) {
        Stored stored = objects.get(key);
        if (stored == null) {
            throw new FreshetException(ErrorKind.MISSING, "No object " + key);
        }
        return stored.bytes().duplicate();
    }

    @Override
    public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
        return transport.send("put", () -> {
            objects.put(key, new Stored(TestBatches.concat(body), clock.wallMs()));
            return null;
        });
    }

    @Override
    public CompletableFuture<PutOutcome> putIfAbsent(String key, List<ByteBuffer> body) {
        Stored stored = new Stored(TestBatches.concat(body), clock.wallMs());
        return CompletableFuture.completedFuture(
                objects.putIfAbsent(key, stored) == null ? PutOutcome.CREATED : PutOutcome.ALREADY_EXISTS);
    }

    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        try {
            target.put(bytes(key).slice((int) position, target.remaining()));
            return CompletableFuture.completedFuture(null);
        } catch (FreshetException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        return CompletableFuture.completedFuture(Optional.ofNullable(objects.get(key))
                .map(stored -> new ObjectStat(key, stored.bytes().remaining(), stored.modifiedAtMs())));
    }

    @Override
    public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
        listings.incrementAndGet();
        List<ObjectStat> found = objects.tailMap(startAfter, false).entrySet().stream()
                .filter(entry -> entry.getKey().startsWith(prefix))
                .limit(maxKeys + 1L)
                .map(entry -> new ObjectStat(
                        entry.getKey(),
                        entry.getValue().bytes().remaining(),
                        entry.getValue().modifiedAtMs()))
                .toList();
        boolean hasMore = found.size() > maxKeys;
        return CompletableFuture.completedFuture(new ListPage(hasMore ? found.subList(0, maxKeys) : found, hasMore));
    }

    @Override
    public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
        deleteListener.accept(keys);
        Map<String, String> failed = new HashMap<>();
        for (String key : keys) {
            if (undeletable.containsKey(key)) {
                failed.put(key, undeletable.get(key));
            } else {
                objects.remove(key);
            }
        }
        return CompletableFuture.completedFuture(new DeleteOutcome(failed));
    }

    @Override
    public String describe() {
        return "memory://test";
    }

    @Override
    public void close() {}
}
