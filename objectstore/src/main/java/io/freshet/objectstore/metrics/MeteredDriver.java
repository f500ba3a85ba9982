// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.metrics;

import io.freshet.objectstore.ObjectStore.DeleteOutcome;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.objectstore.PieceSource;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Counts every try of the driver below. A put that goes up in parts counts its own requests. */
public final class MeteredDriver implements StoreDriver {
    private final StoreDriver driver;
    private final RequestMeter meter;

    /** Takes over {@code ownedDriver}: closing this closes it. */
    public MeteredDriver(StoreDriver ownedDriver, RequestMeter meter) {
        this.driver = ownedDriver;
        this.meter = meter;
    }

    @Override
    public CompletableFuture<Void> put(String key, Body body, String nonce) {
        if (driver.retriesPut(body.sizeBytes())) {
            return driver.put(key, body, nonce);
        }
        return meter.measure("put", body.sizeBytes(), () -> driver.put(key, body, nonce));
    }

    @Override
    public boolean streamsPieces() {
        return driver.streamsPieces();
    }

    /** The driver below counts the requests that it makes. */
    @Override
    public CompletableFuture<Void> putPieces(String key, PieceSource source, String nonce) {
        return driver.putPieces(key, source, nonce);
    }

    @Override
    public boolean retriesPut(long sizeBytes) {
        return driver.retriesPut(sizeBytes);
    }

    @Override
    public CompletableFuture<PutOutcome> create(String key, Body body, String nonce) {
        return meter.measure("create", body.sizeBytes(), () -> driver.create(key, body, nonce));
    }

    @Override
    public CompletableFuture<Author> authorOf(String key, String nonce) {
        return meter.measure("settle", 0, () -> driver.authorOf(key, nonce));
    }

    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        return meter.measure("read", target.remaining(), () -> driver.read(key, position, target));
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        return meter.measure("stat", 0, () -> driver.stat(key));
    }

    @Override
    public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
        return meter.measure("list", 0, () -> driver.list(prefix, startAfter, maxKeys));
    }

    @Override
    public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
        return meter.measure("delete", 0, () -> driver.delete(keys));
    }

    @Override
    public String describe() {
        return driver.describe();
    }

    @Override
    public void close() {
        driver.close();
    }
}
