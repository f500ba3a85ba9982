// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.upload;

import io.freshet.common.stream.IdRange;
import io.freshet.storage.StreamMetadata;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;

/**
 * Object ids from ranges that are reserved ahead, so that an upload needs no extra round trip. Guarded by this object's
 * lock; waiting uploads are answered outside it, first come first served.
 */
final class ObjectIds {
    private static final int RANGE_IDS = 256;
    private static final int LOW_IDS = 32;

    private final StreamMetadata metadata;
    private final Retries retries;
    private final Deque<CompletableFuture<Long>> waiting = new ArrayDeque<>();
    private final Deque<IdRange> ranges = new ArrayDeque<>();
    private boolean reserving;

    ObjectIds(StreamMetadata metadata, Retries retries) {
        this.metadata = metadata;
        this.retries = retries;
    }

    CompletableFuture<Long> next() {
        CompletableFuture<Long> id = new CompletableFuture<>();
        synchronized (this) {
            waiting.add(id);
        }
        serve();
        return id;
    }

    private void serve() {
        while (true) {
            CompletableFuture<Long> first;
            long id;
            synchronized (this) {
                reserveIfLow();
                IdRange range = ranges.peek();
                if (range == null || waiting.isEmpty()) {
                    return;
                }
                first = waiting.remove();
                id = range.first();
                ranges.remove();
                if (id + 1 < range.end()) {
                    ranges.addFirst(new IdRange(id + 1, range.end()));
                }
            }
            first.complete(id);
        }
    }

    private void reserveIfLow() {
        long left =
                ranges.stream().mapToLong(range -> range.end() - range.first()).sum();
        if (reserving || left >= LOW_IDS + waiting.size()) {
            return;
        }
        reserving = true;
        retries.untilDone("reserve object ids", error -> false, () -> metadata.reserveObjectIds(RANGE_IDS))
                .whenComplete((range, error) -> {
                    if (error == null) {
                        arrived(range);
                    } else {
                        failAll(error);
                    }
                });
    }

    private void arrived(IdRange range) {
        synchronized (this) {
            reserving = false;
            ranges.addLast(range);
        }
        serve();
    }

    private void failAll(Throwable error) {
        Deque<CompletableFuture<Long>> failed;
        synchronized (this) {
            failed = new ArrayDeque<>(waiting);
            waiting.clear();
        }
        failed.forEach(id -> id.completeExceptionally(error));
    }
}
