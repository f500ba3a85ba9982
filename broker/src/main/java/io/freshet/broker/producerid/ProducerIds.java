// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.producerid;

import io.freshet.common.stream.IdRange;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.kafka.common.errors.CoordinatorLoadInProgressException;
import org.jspecify.annotations.Nullable;

/**
 * Gives out producer ids, each once, from blocks of the quorum. The next block is asked for when the present one is nearly
 * used up, so that callers seldom wait. Ids of a block that this process did not use up are never used.
 *
 * <p>Safe for use by many threads: state is guarded by this object's lock, held for a few loads and stores. Futures are
 * completed outside the lock.
 */
final class ProducerIds {
    /** Share of a block that is given out before the next one is asked for; Kafka's own figure. */
    private static final double PREFETCH_THRESHOLD = 0.9;

    /** Callers that may wait for a block; more are told to come back, which their clients do by themselves. */
    private static final int MAX_WAITERS = 100_000;

    private final Supplier<CompletableFuture<IdRange>> allocate;
    private final Deque<CompletableFuture<Long>> waiters = new ArrayDeque<>();
    private @Nullable IdRange current;
    private @Nullable IdRange next;
    private long nextId;
    private boolean isAllocating;

    /** @param allocate asks the quorum for a block; a failure is told to everyone who waits, and asked again by the next caller */
    ProducerIds(Supplier<CompletableFuture<IdRange>> allocate) {
        this.allocate = allocate;
    }

    /** A new producer id. Fails as the quorum's answer did, or with a retriable error if too many wait. */
    CompletableFuture<Long> take() {
        CompletableFuture<Long> result;
        boolean mustAllocate;
        synchronized (this) {
            IdRange block = block();
            if (block != null) {
                result = CompletableFuture.completedFuture(nextId++);
            } else if (waiters.size() < MAX_WAITERS) {
                result = new CompletableFuture<>();
                waiters.add(result);
            } else {
                return CompletableFuture.failedFuture(new CoordinatorLoadInProgressException(
                        MAX_WAITERS + " producers wait for a producer id already; retry"));
            }
            mustAllocate = next == null && !isAllocating && (block == null || isNearlyUsedUp(block));
            isAllocating |= mustAllocate;
        }
        if (mustAllocate) {
            allocate.get().whenComplete(this::onBlock);
        }
        return result;
    }

    /** The block that {@link #nextId} is in; null if there is none with an id left. */
    private @Nullable IdRange block() {
        if (current != null && nextId < current.end()) {
            return current;
        }
        current = next;
        next = null;
        if (current != null) {
            nextId = current.first();
        }
        return current;
    }

    private boolean isNearlyUsedUp(IdRange block) {
        return nextId - block.first() >= (block.end() - block.first()) * PREFETCH_THRESHOLD;
    }

    private void onBlock(@Nullable IdRange block, @Nullable Throwable error) {
        Deque<CompletableFuture<Long>> failed = new ArrayDeque<>();
        Deque<Runnable> served = new ArrayDeque<>();
        boolean mustAllocate;
        synchronized (this) {
            isAllocating = false;
            next = block;
            if (error != null) {
                failed.addAll(waiters);
                waiters.clear();
            }
            while (!waiters.isEmpty() && block() != null) {
                CompletableFuture<Long> waiter = waiters.remove();
                long id = nextId++;
                served.add(() -> waiter.complete(id));
            }
            mustAllocate = !waiters.isEmpty();
            isAllocating = mustAllocate;
        }
        served.forEach(Runnable::run);
        if (error != null) {
            failed.forEach(waiter -> waiter.completeExceptionally(error));
        }
        if (mustAllocate) {
            allocate.get().whenComplete(this::onBlock);
        }
    }
}
