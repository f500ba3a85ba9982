// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.PieceSource;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Counts the requests of a process to the store and to the quorum, and lets it die at one of them: that one takes effect or
 * not, its answer never comes, and no later one happens. Used by one thread.
 */
public class KillSwitch implements MemoryStreamMetadata.Transport {
    private long count;
    private long fatal = Long.MAX_VALUE;
    private boolean isLastApplied;

    /** Dies at the {@code number}-th request from now on. */
    public void arm(long number, boolean takesEffect) {
        count = 0;
        fatal = number;
        isLastApplied = takesEffect;
    }

    public void disarm() {
        fatal = Long.MAX_VALUE;
    }

    public boolean isDead() {
        return count >= fatal;
    }

    private <T> CompletableFuture<T> pass(Supplier<CompletableFuture<T>> request) {
        count++;
        if (count < fatal) {
            return request.get();
        }
        CompletableFuture<T> never = new CompletableFuture<>();
        if (count == fatal && isLastApplied) {
            request.get().whenComplete((answer, error) -> never.isDone());
        }
        return never;
    }

    @Override
    public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
        return pass(() -> {
            try {
                return CompletableFuture.completedFuture(command.get());
            } catch (io.freshet.common.FreshetException e) {
                return CompletableFuture.failedFuture(e);
            }
        });
    }

    /** {@code store} behind this switch; objects that come in pieces are written in parts, each a request. */
    public ObjectStore guard(TestObjectStore store) {
        return new Guarded(store);
    }

    private final class Guarded implements ObjectStore {
        private final TestObjectStore store;

        Guarded(TestObjectStore store) {
            this.store = store;
        }

        @Override
        public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
            return pass(() -> store.put(key, body));
        }

        @Override
        public CompletableFuture<Void> putPieces(String key, PieceSource source) {
            return pass(() -> store.beginUpload(key))
                    .thenCompose(id -> putParts(id, source)
                            .thenCompose(nothing -> pass(() -> store.completeUpload(id)))
                            .handle((nothing, error) -> error == null
                                    ? CompletableFuture.<Void>completedFuture(null)
                                    : pass(() -> store.abortUpload(id))
                                            .<Void>thenCompose(aborted -> CompletableFuture.failedFuture(error)))
                            .thenCompose(outcome -> outcome));
        }

        private CompletableFuture<Void> putParts(long id, PieceSource source) {
            return source.next()
                    .thenCompose(piece -> PieceSource.sizeBytes(piece) == 0
                            ? CompletableFuture.completedFuture(null)
                            : pass(() -> store.putPart(id, piece)).thenCompose(nothing -> putParts(id, source)));
        }

        @Override
        public CompletableFuture<PutOutcome> putIfAbsent(String key, List<ByteBuffer> body) {
            return pass(() -> store.putIfAbsent(key, body));
        }

        @Override
        public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
            return pass(() -> store.read(key, position, target));
        }

        @Override
        public CompletableFuture<Optional<ObjectStat>> stat(String key) {
            return pass(() -> store.stat(key));
        }

        @Override
        public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
            return pass(() -> store.list(prefix, startAfter, maxKeys));
        }

        @Override
        public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
            return pass(() -> store.delete(keys));
        }

        @Override
        public String describe() {
            return store.describe();
        }

        @Override
        public void close() {}
    }
}
