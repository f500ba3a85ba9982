// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.objectstore.ObjectStore;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Objects in memory, with a hook through which each put and delete travels. */
public final class TestObjectStore implements ObjectStore {
    private record Stored(ByteBuffer bytes, long modifiedAtMs) {}

    private record Upload(String key, List<ByteBuffer> parts) {}

    private final Clock clock;
    private final NavigableMap<String, Stored> objects = new ConcurrentSkipListMap<>();
    /** Uploads in parts that are not complete, which no listing shows. */
    private final Map<Long, Upload> uploads = new ConcurrentSkipListMap<>();

    private final AtomicLong uploadIds = new AtomicLong();
    private final Map<String, String> undeletable = new HashMap<>();
    private final AtomicInteger listings = new AtomicInteger();
    private final AtomicInteger reads = new AtomicInteger();
    private final AtomicInteger stats = new AtomicInteger();
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

    /** Requests for bytes so far. */
    public int reads() {
        return reads.get();
    }

    /** Requests for the size of a data object so far. */
    public int stats() {
        return stats.get();
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

    /** Begins an object that is written in parts; completes with the upload's id. */
    public CompletableFuture<Long> beginUpload(String key) {
        long id = uploadIds.incrementAndGet();
        uploads.put(id, new Upload(key, new ArrayList<>()));
        return CompletableFuture.completedFuture(id);
    }

    public CompletableFuture<Void> putPart(long uploadId, List<ByteBuffer> part) {
        uploads.get(uploadId).parts().add(TestBatches.concat(part));
        return CompletableFuture.completedFuture(null);
    }

    /** Makes the parts so far the object. */
    public CompletableFuture<Void> completeUpload(long uploadId) {
        Upload upload = uploads.remove(uploadId);
        return put(upload.key(), upload.parts());
    }

    public CompletableFuture<Void> abortUpload(long uploadId) {
        uploads.remove(uploadId);
        return CompletableFuture.completedFuture(null);
    }

    /** Sizes in parts of the uploads that were neither completed nor aborted. */
    public List<Integer> openUploads() {
        return uploads.values().stream().map(upload -> upload.parts().size()).toList();
    }

    @Override
    public CompletableFuture<PutOutcome> putIfAbsent(String key, List<ByteBuffer> body) {
        Stored stored = new Stored(TestBatches.concat(body), clock.wallMs());
        return CompletableFuture.completedFuture(
                objects.putIfAbsent(key, stored) == null ? PutOutcome.CREATED : PutOutcome.ALREADY_EXISTS);
    }

    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        reads.incrementAndGet();
        try {
            target.put(bytes(key).slice((int) position, target.remaining()));
            return CompletableFuture.completedFuture(null);
        } catch (FreshetException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        if (key.startsWith(ObjectKeys.DATA_PREFIX)) {
            stats.incrementAndGet();
        }
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
