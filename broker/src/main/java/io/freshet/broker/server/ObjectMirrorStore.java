// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.mirror.MirrorStore;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The object store as the metadata mirror needs it; does not own the store. */
public record ObjectMirrorStore(ObjectStore store) implements MirrorStore {
    private static final Duration START_TIMEOUT = Duration.ofMinutes(5);
    private static final int KEYS_PER_PAGE = 1000;

    @Override
    public CompletableFuture<Boolean> create(String key, List<ByteBuffer> body) {
        return store.putIfAbsent(key, body).thenApply(outcome -> outcome == PutOutcome.CREATED);
    }

    @Override
    public CompletableFuture<byte[]> read(String key) {
        return store.stat(key).thenCompose(stat -> {
            long size = stat.map(ObjectStat::sizeBytes).orElse(-1L);
            if (size < 0 || size > Integer.MAX_VALUE - 16) {
                return CompletableFuture.failedFuture(new FreshetException(
                        size < 0 ? ErrorKind.MISSING : ErrorKind.CORRUPT,
                        "Object " + key + " of the metadata mirror in " + store.describe()
                                + (size < 0 ? " does not exist" : " has " + size + " bytes, more than can be read")));
            }
            byte[] bytes = new byte[(int) size];
            return size == 0
                    ? CompletableFuture.completedFuture(bytes)
                    : store.read(key, 0, ByteBuffer.wrap(bytes)).thenApply(done -> bytes);
        });
    }

    @Override
    public CompletableFuture<List<String>> list(String prefix) {
        return listFrom(prefix, "", new ArrayList<>());
    }

    private CompletableFuture<List<String>> listFrom(String prefix, String startAfter, List<String> found) {
        return store.list(prefix, startAfter, KEYS_PER_PAGE).thenCompose(page -> {
            page.objects().forEach(object -> found.add(object.key()));
            return page.hasMore() && !page.objects().isEmpty()
                    ? listFrom(prefix, found.get(found.size() - 1), found)
                    : CompletableFuture.completedFuture(found);
        });
    }

    @Override
    public CompletableFuture<Void> delete(Collection<String> keys) {
        return store.delete(keys).thenAccept(outcome -> {
            if (!outcome.failed().isEmpty()) {
                throw new FreshetException(
                        ErrorKind.UNAVAILABLE,
                        outcome.failed().size() + " of " + keys.size() + " objects could not be deleted: "
                                + outcome.failed());
            }
        });
    }

    @Override
    public <T> T await(String what, CompletableFuture<T> future) {
        return Waiting.on(what, START_TIMEOUT, future);
    }

    @Override
    public String describe() {
        return store.describe();
    }
}
