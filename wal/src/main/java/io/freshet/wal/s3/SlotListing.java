// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** Lists the slots of one WAL, page by page. */
final class SlotListing {
    private static final int PAGE_KEYS = 1000;
    private static final int TRIES = 10;

    private final ObjectStore store;
    private final Backoff backoff;

    SlotListing(ObjectStore store, Backoff backoff) {
        this.store = store;
        this.backoff = backoff;
    }

    /** Slots from {@code fromSlot} on with their sizes. Keys under the prefix that are no slots are passed over. */
    CompletableFuture<NavigableMap<Long, Long>> list(int brokerId, long brokerEpoch, long fromSlot) {
        String prefix = ObjectKeys.walPrefix(brokerId, brokerEpoch);
        String startAfter = fromSlot == 0 ? "" : ObjectKeys.slotKey(brokerId, brokerEpoch, fromSlot - 1);
        return page(prefix, startAfter, new TreeMap<>());
    }

    private CompletableFuture<NavigableMap<Long, Long>> page(
            String prefix, String startAfter, NavigableMap<Long, Long> found) {
        return backoff.<ListPage>repeat(TRIES, () -> store.list(prefix, startAfter, PAGE_KEYS))
                .thenCompose(page -> {
                    List<ObjectStat> objects = page.objects();
                    for (ObjectStat object : objects) {
                        long slot = slotOf(prefix, object.key());
                        if (slot >= 0) {
                            found.put(slot, object.sizeBytes());
                        }
                    }
                    if (!page.hasMore() || objects.isEmpty()) {
                        return CompletableFuture.completedFuture(found);
                    }
                    return page(prefix, objects.get(objects.size() - 1).key(), found);
                });
    }

    private static long slotOf(String prefix, String key) {
        if (key.length() != prefix.length() + 16) {
            return -1;
        }
        try {
            return Long.parseUnsignedLong(key, prefix.length(), key.length(), 16);
        } catch (NumberFormatException e) {
            return -1;
        }
    }
}
