// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import io.freshet.common.FreshetException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One block's load, and all who wait for it. Guarded by its own lock; waiters are completed outside it. */
final class Flight {
    final BlockKey key;
    private final List<CompletableFuture<CachedBlock>> waiters = new ArrayList<>(1);
    private boolean isLanded;
    private boolean isStarted;

    Flight(BlockKey key) {
        this.key = key;
    }

    /** A future of a retained block; null if the load has ended. */
    synchronized @Nullable CompletableFuture<CachedBlock> join(boolean onlyIfStarted) {
        if (isLanded || (onlyIfStarted && !isStarted)) {
            return null;
        }
        CompletableFuture<CachedBlock> waiter = new CompletableFuture<>();
        waiters.add(waiter);
        return waiter;
    }

    /** The request is on its way: it no longer waits for memory. */
    synchronized void start() {
        isStarted = true;
    }

    synchronized boolean hasWaiters() {
        return !waiters.isEmpty();
    }

    /** Ends the flight unless somebody waits for it. */
    synchronized boolean closeIfUnwaited() {
        isLanded = isLanded || waiters.isEmpty();
        return isLanded;
    }

    /** Each waiter gets a reference of its own; the caller keeps the one it has. */
    void land(CachedBlock block) {
        for (CompletableFuture<CachedBlock> waiter : close()) {
            block.retain();
            if (!waiter.complete(block)) {
                block.release();
            }
        }
    }

    void fail(FreshetException failure) {
        close().forEach(waiter -> waiter.completeExceptionally(failure));
    }

    private synchronized List<CompletableFuture<CachedBlock>> close() {
        isLanded = true;
        List<CompletableFuture<CachedBlock>> closed = List.copyOf(waiters);
        waiters.clear();
        return closed;
    }
}
