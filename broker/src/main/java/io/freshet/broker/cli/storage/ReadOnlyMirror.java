// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.mirror.MirrorStore;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The metadata mirror in a bucket, for reading. Its calls block and give completed futures. */
record ReadOnlyMirror(OpenStore store) implements MirrorStore {
    @Override
    public CompletableFuture<Boolean> create(String key, List<ByteBuffer> body) {
        throw new IllegalStateException("A tool does not write " + key);
    }

    @Override
    public CompletableFuture<byte[]> read(String key) {
        ObjectStat stat = store.stat(key)
                .orElseThrow(() -> new FreshetException(
                        ErrorKind.MISSING, "Object " + key + " of the metadata mirror does not exist"));
        ByteBuffer bytes = store.bytes(key, stat.sizeBytes()).read(0, Math.toIntExact(stat.sizeBytes()));
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        return CompletableFuture.completedFuture(copy);
    }

    @Override
    public CompletableFuture<List<String>> list(String prefix) {
        List<String> keys = new ArrayList<>();
        store.forEachPage(prefix, page -> page.forEach(object -> keys.add(object.key())));
        return CompletableFuture.completedFuture(keys);
    }

    @Override
    public CompletableFuture<Void> delete(Collection<String> keys) {
        throw new IllegalStateException("A tool deletes nothing, least of all " + keys);
    }

    @Override
    public <T> T await(String what, CompletableFuture<T> future) {
        return future.join();
    }

    @Override
    public String describe() {
        return store.describe();
    }
}
