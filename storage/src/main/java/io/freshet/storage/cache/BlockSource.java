// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.objectstore.ObjectStore;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Where blocks come from that are not in memory: the disk tier if there is one and it has them, else the object store. */
final class BlockSource {
    private final ObjectStore store;
    private final @Nullable DiskTier disk;
    private final Counter loads;
    private final Counter loadedBytes;

    BlockSource(ObjectStore store, @Nullable DiskTier disk, MeterRegistry registry) {
        this.store = store;
        this.disk = disk;
        loads = registry.counter("freshet.blockcache.loads");
        loadedBytes = registry.counter("freshet.blockcache.loaded.bytes");
    }

    /** Whether both blocks would come from the same place, so that one load may bring them. */
    boolean isSame(BlockKey one, BlockKey other) {
        return disk == null || disk.holds(one) == disk.holds(other);
    }

    /** Fills {@code target} with the load's blocks, which are not verified. */
    CompletableFuture<Void> read(BlockLoad load, ByteBuffer target) {
        if (disk == null || !disk.holdsAll(load.flights())) {
            return fromStore(load, target);
        }
        return disk.read(load.flights(), target.duplicate())
                .thenCompose(
                        isRead -> isRead ? CompletableFuture.<Void>completedFuture(null) : fromStore(load, target));
    }

    private CompletableFuture<Void> fromStore(BlockLoad load, ByteBuffer target) {
        loads.increment();
        loadedBytes.increment(target.remaining());
        try {
            return store.read(ObjectKeys.dataKey(load.index().objectId()), load.position(), target);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** A block came into memory and was verified; the caller keeps its reference. */
    void loaded(BlockKey key, CachedBlock block) {
        if (disk != null) {
            disk.offer(key, block);
        }
    }

    /** A block that came from here did not verify. */
    void damaged(BlockKey key) {
        if (disk != null) {
            disk.forgetDamaged(key);
        }
    }
}
