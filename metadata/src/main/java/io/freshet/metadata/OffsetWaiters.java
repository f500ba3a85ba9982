// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.FreshetException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** Those who wait until the state is as far as an offset. Metadata thread. */
final class OffsetWaiters {
    private final TreeMap<Long, List<CompletableFuture<Void>>> waiting = new TreeMap<>();

    void add(long offset, CompletableFuture<Void> reached) {
        waiting.computeIfAbsent(offset, key -> new ArrayList<>()).add(reached);
    }

    void onApplied(long appliedOffset) {
        while (!waiting.isEmpty() && waiting.firstKey() <= appliedOffset) {
            waiting.pollFirstEntry().getValue().forEach(reached -> reached.complete(null));
        }
    }

    void failAll(FreshetException reason) {
        waiting.values().forEach(list -> list.forEach(reached -> reached.completeExceptionally(reason)));
        waiting.clear();
    }
}
