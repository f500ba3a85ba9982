// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.fault;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Scheduler;
import io.freshet.objectstore.ObjectStore.DeleteOutcome;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver;
import io.freshet.objectstore.fault.Fault.Effect;
import io.freshet.objectstore.fault.Fault.Op;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * A driver between a store and its caller that makes {@link Faults} happen. Given the same faults, scheduler and order
 * of requests, it does the same. Safe for use by many threads; delayed requests start on the scheduler's thread.
 */
public final class FaultyDriver implements StoreDriver {
    private final StoreDriver driver;
    private final Faults faults;
    private final Scheduler scheduler;
    private final Randomness randomness;

    /** Takes over {@code ownedDriver}. {@code randomness} picks where reads break off and which bits flip. */
    public FaultyDriver(StoreDriver ownedDriver, Faults faults, Scheduler scheduler, Randomness randomness) {
        this.driver = ownedDriver;
        this.faults = faults;
        this.scheduler = scheduler;
        this.randomness = randomness;
    }

    @Override
    public CompletableFuture<Void> put(String key, Body body, String nonce) {
        return meddle(Op.PUT, key, () -> driver.put(key, body, nonce));
    }

    @Override
    public CompletableFuture<PutOutcome> create(String key, Body body, String nonce) {
        return meddle(Op.CREATE, key, () -> driver.create(key, body, nonce));
    }

    @Override
    public CompletableFuture<Author> authorOf(String key, String nonce) {
        return meddle(Op.SETTLE, key, () -> driver.authorOf(key, nonce));
    }

    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        Fault fault = faults.next(Op.READ, key);
        return delayed(fault, () -> switch (fault.effect()) {
            case TRUNCATED -> truncatedRead(key, position, target);
            case BIT_FLIP -> driver.read(key, position, target.duplicate()).thenRun(() -> flipBit(target));
            default -> apply(fault.effect(), Op.READ, key, () -> driver.read(key, position, target));
        });
    }

    private CompletableFuture<Void> truncatedRead(String key, long position, ByteBuffer target) {
        ByteBuffer part = target.duplicate();
        part.limit(part.position() + (int) randomness.nextLong(part.remaining()));
        CompletableFuture<Void> begun =
                part.hasRemaining() ? driver.read(key, position, part) : CompletableFuture.completedFuture(null);
        return begun.thenCompose(done -> CompletableFuture.failedFuture(
                unavailable(Op.READ, key, "broke off after " + part.limit() + " bytes")));
    }

    private void flipBit(ByteBuffer target) {
        int at = target.position() + (int) randomness.nextLong(target.remaining());
        int bit = 1 << randomness.nextLong(Byte.SIZE);
        target.put(at, (byte) (target.get(at) ^ bit));
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        return meddle(Op.STAT, key, () -> driver.stat(key));
    }

    @Override
    public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
        return meddle(Op.LIST, prefix, () -> driver.list(prefix, startAfter, maxKeys));
    }

    @Override
    public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
        return meddle(Op.DELETE, keys.isEmpty() ? "" : keys.iterator().next(), () -> driver.delete(keys));
    }

    private <T> CompletableFuture<T> meddle(Op op, String key, Supplier<CompletableFuture<T>> request) {
        Fault fault = faults.next(op, key);
        return delayed(fault, () -> apply(fault.effect(), op, key, request));
    }

    private <T> CompletableFuture<T> apply(Effect effect, Op op, String key, Supplier<CompletableFuture<T>> request) {
        return switch (effect) {
            case NONE, BIT_FLIP -> request.get();
            case LOST_REQUEST -> CompletableFuture.failedFuture(unavailable(op, key, "was lost on its way"));
            case LOST_ANSWER, TRUNCATED ->
                request.get()
                        .thenCompose(done -> CompletableFuture.failedFuture(unavailable(op, key, "lost its answer")));
            case SLOW_DOWN ->
                CompletableFuture.failedFuture(new FreshetException(
                        ErrorKind.THROTTLED, "Injected: " + op + " of '" + key + "' was told to slow down; retry"));
        };
    }

    private <T> CompletableFuture<T> delayed(Fault fault, Supplier<CompletableFuture<T>> request) {
        if (fault.delayMs() == 0) {
            return request.get();
        }
        CompletableFuture<Void> due = new CompletableFuture<>();
        scheduler.schedule(fault.delayMs(), () -> due.complete(null));
        return due.thenCompose(now -> request.get());
    }

    private static FreshetException unavailable(Op op, String key, String what) {
        return new FreshetException(ErrorKind.UNAVAILABLE, "Injected: " + op + " of '" + key + "' " + what + "; retry");
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
