// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.retry;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.PieceSource;
import io.freshet.objectstore.StoreArguments;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * The object store port over any {@link StoreDriver}: checks arguments, signs writes with nonces, repeats what may
 * succeed later and settles put-if-absent. Holds no state of its own; safe for use by many threads.
 */
public final class RetryingObjectStore implements ObjectStore {
    private final StoreDriver driver;
    private final Retries retries;
    private final Randomness randomness;

    /** Takes over {@code ownedDriver}: closing this closes it. {@code randomness} draws the nonces. */
    public RetryingObjectStore(StoreDriver ownedDriver, Retries retries, Randomness randomness) {
        this.driver = ownedDriver;
        this.retries = retries;
        this.randomness = randomness;
    }

    @Override
    public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
        return checked(() -> {
            StoreArguments.requireKey(key);
            Body whole = Body.of(body);
            String nonce = nextNonce();
            if (driver.retriesPut(whole.sizeBytes())) {
                return Retries.start(() -> driver.put(key, whole, nonce));
            }
            return retries.run("put", () -> driver.put(key, whole, nonce));
        });
    }

    @Override
    public CompletableFuture<Void> putPieces(String key, PieceSource source) {
        return checked(() -> {
            StoreArguments.requireKey(key);
            return driver.streamsPieces()
                    ? driver.putPieces(key, source, nextNonce())
                    : PieceSource.collect(source).thenCompose(body -> put(key, body));
        });
    }

    @Override
    public CompletableFuture<PutOutcome> putIfAbsent(String key, List<ByteBuffer> body) {
        return checked(() -> {
            StoreArguments.requireKey(key);
            return new ConditionalPut(driver, retries, key, Body.of(body), nextNonce()).run();
        });
    }

    private String nextNonce() {
        return randomness.nextUuid().toString();
    }

    /** An empty target completes at once, without asking the store. */
    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        return checked(() -> {
            StoreArguments.requireKey(key);
            StoreArguments.requirePosition(key, position);
            if (!target.hasRemaining()) {
                return CompletableFuture.completedFuture(null);
            }
            return retries.run("read", () -> driver.read(key, position, target.duplicate()))
                    .thenRun(() -> target.position(target.limit()));
        });
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        return checked(() -> {
            StoreArguments.requireKey(key);
            return retries.run("stat", () -> driver.stat(key));
        });
    }

    @Override
    public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
        return checked(() -> {
            StoreArguments.requireListing(prefix, startAfter, maxKeys);
            return retries.run("list", () -> driver.list(prefix, startAfter, maxKeys));
        });
    }

    @Override
    public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
        return checked(() -> {
            List<String> distinct = new ArrayList<>(new LinkedHashSet<>(keys));
            distinct.forEach(StoreArguments::requireKey);
            CompletableFuture<Map<String, String>> failed = CompletableFuture.completedFuture(new HashMap<>());
            for (int from = 0; from < distinct.size(); from += StoreArguments.MAX_PAGE_KEYS) {
                List<String> batch =
                        distinct.subList(from, Math.min(from + StoreArguments.MAX_PAGE_KEYS, distinct.size()));
                failed = failed.thenCompose(sofar -> deleteBatch(batch, sofar));
            }
            return failed.thenApply(DeleteOutcome::new);
        });
    }

    private CompletableFuture<Map<String, String>> deleteBatch(List<String> batch, Map<String, String> failed) {
        return retries.run("delete", () -> driver.delete(batch)).handle((outcome, error) -> {
            if (error == null) {
                failed.putAll(outcome.failed());
            } else {
                String reason = String.valueOf(FreshetException.of(error).getMessage());
                batch.forEach(key -> failed.put(key, reason));
            }
            return failed;
        });
    }

    @Override
    public String describe() {
        return driver.describe();
    }

    @Override
    public void close() {
        driver.close();
    }

    private static <T> CompletableFuture<T> checked(Supplier<CompletableFuture<T>> call) {
        return Retries.start(call);
    }
}
