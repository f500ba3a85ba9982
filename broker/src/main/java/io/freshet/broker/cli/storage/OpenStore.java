// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStores;
import io.freshet.storage.inspect.ObjectBytes;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** An object store for a command, which waits for its answers. Never writes or deletes. Safe for use by many threads. */
final class OpenStore implements AutoCloseable {
    private static final long TIMEOUT_SECONDS = 120;
    private static final int KEYS_PER_PAGE = 1000;

    private final Threads.SchedulerThread scheduler;
    private final ObjectStore store;

    private OpenStore(Threads.SchedulerThread scheduler, ObjectStore store) {
        this.scheduler = scheduler;
        this.store = store;
    }

    static OpenStore open(String uri) {
        Threads.SchedulerThread scheduler = Threads.scheduler("freshet-storage-tool");
        try {
            return new OpenStore(
                    scheduler,
                    ObjectStores.open(uri, new SimpleMeterRegistry(), Clock.system(), scheduler, Randomness.secure()));
        } catch (RuntimeException e) {
            scheduler.close();
            throw e;
        }
    }

    String describe() {
        return store.describe();
    }

    Optional<ObjectStat> stat(String key) {
        return await(store.stat(key));
    }

    /** The bytes of an object whose size is known. */
    ObjectBytes bytes(String key, long sizeBytes) {
        return new ObjectBytes() {
            @Override
            public long sizeBytes() {
                return sizeBytes;
            }

            @Override
            public ByteBuffer read(long position, int length) {
                ByteBuffer target = ByteBuffer.allocate(length);
                await(store.read(key, position, target));
                return target.flip();
            }
        };
    }

    /** Hands every object under {@code prefix} to {@code visitor}, page by page. */
    void forEachPage(String prefix, Consumer<java.util.List<ObjectStat>> visitor) {
        forEachPage(prefix, "", visitor);
    }

    /** The same for keys behind {@code startAfter}. */
    void forEachPage(String prefix, String startAfter, Consumer<java.util.List<ObjectStat>> visitor) {
        String after = startAfter;
        while (true) {
            ObjectStore.ListPage page = await(store.list(prefix, after, KEYS_PER_PAGE));
            if (!page.objects().isEmpty()) {
                visitor.accept(page.objects());
                after = page.objects().get(page.objects().size() - 1).key();
            }
            if (!page.hasMore() || page.objects().isEmpty()) {
                return;
            }
        }
    }

    private <T> T await(CompletableFuture<T> future) {
        try {
            return future.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw FreshetException.of(e);
        } catch (TimeoutException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    store.describe() + " did not answer within " + TIMEOUT_SECONDS + " s; check the store",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FreshetException(ErrorKind.UNAVAILABLE, "Interrupted while waiting for the object store", e);
        }
    }

    @Override
    public void close() {
        store.close();
        scheduler.close();
    }
}
