// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.format.EncodedObject;
import io.freshet.storage.format.SampleBatches;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/** Objects in memory; answers on the given executor, counts reads and can damage their answers. */
final class CountingStore implements ObjectStore {
    final Map<String, byte[]> objects = new ConcurrentHashMap<>();
    final AtomicInteger reads = new AtomicInteger();
    final AtomicLong readBytes = new AtomicLong();
    private final Executor executor;
    volatile UnaryOperator<byte[]> damage = UnaryOperator.identity();
    volatile boolean isShort;

    CountingStore(Executor executor) {
        this.executor = executor;
    }

    void add(EncodedObject object) {
        objects.put(
                ObjectKeys.dataKey(object.objectId()),
                SampleBatches.join(object).array());
    }

    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        reads.incrementAndGet();
        readBytes.addAndGet(target.remaining());
        return CompletableFuture.runAsync(
                () -> {
                    byte[] object = objects.get(key);
                    if (object == null) {
                        throw new FreshetException(ErrorKind.MISSING, "No object " + key);
                    }
                    if (isShort || position + target.remaining() > object.length) {
                        isShort = false;
                        throw new FreshetException(ErrorKind.CORRUPT, "Short answer");
                    }
                    byte[] part = new byte[target.remaining()];
                    System.arraycopy(object, (int) position, part, 0, part.length);
                    target.put(damage.apply(part));
                },
                executor);
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        byte[] object = objects.get(key);
        return CompletableFuture.completedFuture(
                Optional.ofNullable(object).map(bytes -> new ObjectStat(key, bytes.length, 0)));
    }

    @Override
    public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
        throw new UnsupportedOperationException("Readers write nothing");
    }

    @Override
    public CompletableFuture<PutOutcome> putIfAbsent(String key, List<ByteBuffer> body) {
        throw new UnsupportedOperationException("Readers write nothing");
    }

    @Override
    public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
        throw new UnsupportedOperationException("Readers list nothing");
    }

    @Override
    public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
        throw new UnsupportedOperationException("Readers delete nothing");
    }

    @Override
    public String describe() {
        return "memory://counting";
    }

    @Override
    public void close() {}
}
