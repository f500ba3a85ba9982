// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.format.ObjectFooter;
import io.freshet.storage.format.ObjectFormat;
import io.freshet.storage.format.ObjectIndex;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.ByteBuffer;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongFunction;

/**
 * Parsed indexes of objects on the heap, bounded by their approximate bytes. One opening at a time per object: one ranged
 * read of its tail (a second one only if the tail is longer than the hint), after a request for its size if nobody knows it.
 * Safe for use by many threads; no call blocks.
 */
public final class IndexCache {
    private final ObjectStore store;
    private final int tailHintBytes;
    private final LongFunction<OptionalLong> sizes;
    private final AsyncCache<Long, ObjectIndex> indexes;
    private final Counter opens;

    /**
     * @param maxHeapBytes bound on the parsed indexes kept
     * @param tailHintBytes how much of an object's end is read at first
     */
    public IndexCache(ObjectStore store, long maxHeapBytes, int tailHintBytes, MeterRegistry registry) {
        this(store, maxHeapBytes, tailHintBytes, id -> OptionalLong.empty(), registry);
    }

    /**
     * The same where objects' sizes are known.
     *
     * @param sizes the size of an object by its id, empty if it is not known; any thread, must not block
     */
    public IndexCache(
            ObjectStore store,
            long maxHeapBytes,
            int tailHintBytes,
            LongFunction<OptionalLong> sizes,
            MeterRegistry registry) {
        this.store = store;
        this.sizes = sizes;
        this.tailHintBytes = Math.max(ObjectFormat.FOOTER_BYTES, tailHintBytes);
        opens = registry.counter("freshet.indexcache.opens");
        indexes = Caffeine.newBuilder()
                .maximumWeight(maxHeapBytes)
                .weigher((Long id, ObjectIndex index) -> (int) Math.min(Integer.MAX_VALUE, index.heapBytes()))
                .executor(Runnable::run)
                .buildAsync();
    }

    /** The object's index. Fails with MISSING if there is no such object, CORRUPT after two tries, or UNAVAILABLE. */
    public CompletableFuture<ObjectIndex> open(long objectId) {
        CompletableFuture<ObjectIndex> opened = new CompletableFuture<>();
        CompletableFuture<ObjectIndex> known = indexes.asMap().putIfAbsent(objectId, opened);
        if (known != null) {
            return known;
        }
        opens.increment();
        // The entry of a failed opening is removed by the cache.
        tryTwice(objectId).whenComplete((index, error) -> {
            if (error == null) {
                opened.complete(index);
            } else {
                opened.completeExceptionally(FreshetException.of(error));
            }
        });
        return opened;
    }

    /** Forgets an object, because it has been deleted. */
    public void forget(long objectId) {
        indexes.synchronous().invalidate(objectId);
    }

    private CompletableFuture<ObjectIndex> tryTwice(long objectId) {
        OptionalLong known = sizes.apply(objectId);
        CompletableFuture<ObjectIndex> first = known.isPresent()
                ? readTail(objectId, ObjectKeys.dataKey(objectId), known.getAsLong())
                : read(objectId);
        return first.exceptionallyCompose(error -> {
            FreshetException failure = FreshetException.of(error);
            return failure.kind() == ErrorKind.CORRUPT ? read(objectId) : CompletableFuture.failedFuture(failure);
        });
    }

    private CompletableFuture<ObjectIndex> read(long objectId) {
        String key = ObjectKeys.dataKey(objectId);
        return store.stat(key).thenCompose(stat -> {
            long sizeBytes = stat.orElseThrow(() -> new FreshetException(
                            ErrorKind.MISSING,
                            "Object " + objectId + " (" + key + ") does not exist in " + store.describe()
                                    + "; reload the manifest that names it"))
                    .sizeBytes();
            return readTail(objectId, key, sizeBytes);
        });
    }

    private CompletableFuture<ObjectIndex> readTail(long objectId, String key, long sizeBytes) {
        ByteBuffer hint = ByteBuffer.allocate((int) Math.min(sizeBytes, tailHintBytes));
        return store.read(key, sizeBytes - hint.capacity(), hint).thenCompose(done -> {
            ByteBuffer tail = hint.flip();
            ObjectFooter footer = ObjectFooter.decode(objectId, sizeBytes, tail);
            if (footer.tailBytes() <= tail.remaining()) {
                return CompletableFuture.completedFuture(ObjectIndex.decode(footer, tail));
            }
            ByteBuffer whole = ByteBuffer.allocate(Math.toIntExact(footer.tailBytes()));
            return store.read(key, footer.trailersPosition(), whole)
                    .thenApply(again -> ObjectIndex.decode(objectId, sizeBytes, whole.flip()));
        });
    }
}
