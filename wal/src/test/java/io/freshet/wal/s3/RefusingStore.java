// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A store whose conditional puts fail while {@code refusal} gives a reason. */
record RefusingStore(ObjectStore store, Supplier<@Nullable FreshetException> refusal) implements ObjectStore {
    @Override
    public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
        return store.put(key, body);
    }

    @Override
    public CompletableFuture<PutOutcome> putIfAbsent(String key, List<ByteBuffer> body) {
        FreshetException reason = refusal.get();
        return reason == null ? store.putIfAbsent(key, body) : CompletableFuture.failedFuture(reason);
    }

    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        return store.read(key, position, target);
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        return store.stat(key);
    }

    @Override
    public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
        return store.list(prefix, startAfter, maxKeys);
    }

    @Override
    public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
        return store.delete(keys);
    }

    @Override
    public String describe() {
        return store.describe();
    }

    @Override
    public void close() {}
}
