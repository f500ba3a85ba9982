// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.runtime.Scheduler;
import io.freshet.objectstore.ObjectStore;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A store whose reads take a first byte's time and then some for each byte, side by side; the rest takes the first only. */
public final class SlowReads implements ObjectStore {
    private final ObjectStore store;
    private final Scheduler scheduler;
    private final int firstByteMs;
    private final int mibPerSecond;

    public SlowReads(ObjectStore store, Scheduler scheduler, int firstByteMs, int mibPerSecond) {
        this.store = store;
        this.scheduler = scheduler;
        this.firstByteMs = firstByteMs;
        this.mibPerSecond = mibPerSecond;
    }

    private <T> CompletableFuture<T> later(long delayMs, CompletableFuture<T> answer) {
        CompletableFuture<T> late = new CompletableFuture<>();
        scheduler.schedule(
                delayMs,
                () -> answer.whenComplete((value, error) -> {
                    if (error == null) {
                        late.complete(value);
                    } else {
                        late.completeExceptionally(error);
                    }
                }));
        return late;
    }

    @Override
    public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
        return later(firstByteMs, store.put(key, body));
    }

    @Override
    public CompletableFuture<PutOutcome> putIfAbsent(String key, List<ByteBuffer> body) {
        return later(firstByteMs, store.putIfAbsent(key, body));
    }

    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        long transferMs = target.remaining() * 1000L / ((long) mibPerSecond << 20);
        return later(firstByteMs + transferMs, store.read(key, position, target));
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        return later(firstByteMs, store.stat(key));
    }

    @Override
    public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
        return later(firstByteMs, store.list(prefix, startAfter, maxKeys));
    }

    @Override
    public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
        return later(firstByteMs, store.delete(keys));
    }

    @Override
    public String describe() {
        return store.describe() + " with slow reads";
    }

    @Override
    public void close() {
        store.close();
    }
}
