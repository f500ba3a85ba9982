// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.reclaim;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler.Cancellable;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.StorageParts;
import io.micrometer.core.instrument.Counter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds data objects that the quorum has never heard of, such as those of an upload whose process died before its commit. Goes
 * through the store in slices, one per period; deletes a key only if it was seen unknown and unchanged for the grace period,
 * which is longer than any upload takes, and is unknown still when this process has caught up with the quorum. Ages are
 * counted from the first sight on a clock that does not jump: a wall clock that runs ahead would make every upload under way
 * look old. One slice at a time, which owns the fields below.
 */
public final class OrphanSweeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OrphanSweeper.class);
    private static final int SLICE_KEYS = 1000;
    /** Keys remembered between passes; more suspects than this are found in later passes. */
    private static final int MAX_SUSPECTS = 100_000;

    private final StorageConfig config;
    private final StorageParts parts;
    private final Counter deleted;
    private final AtomicBoolean running = new AtomicBoolean();
    private final Cancellable timer;
    private volatile boolean closed;

    private Map<String, Suspect> seenBefore = new HashMap<>();
    private Map<String, Suspect> seenNow = new HashMap<>();
    private String position = "";

    /** An object that the quorum did not know when it was first seen, at {@code sinceNanos}. */
    private record Suspect(long modifiedAtMs, long sinceNanos) {}

    public OrphanSweeper(StorageConfig config, StorageParts parts) {
        this.config = config;
        this.parts = parts;
        this.deleted = parts.meters().counter("freshet.storage.orphans.deleted");
        this.timer = parts.scheduler().scheduleRepeatedly(config.sweepPeriodMs(), this::sweepIfIdle);
    }

    private void sweepIfIdle() {
        if (closed || !running.compareAndSet(false, true)) {
            return;
        }
        sweepSlice().whenComplete((nothing, error) -> {
            running.set(false);
            if (error != null && !closed) {
                FreshetException cause = FreshetException.of(error);
                LOG.warn(
                        "A slice of the object store could not be swept ({}: {}); trying again in {} ms",
                        cause.kind(),
                        cause.getMessage(),
                        config.sweepPeriodMs());
            }
        });
    }

    /** Looks at the next slice and deletes the orphans that it confirms. */
    CompletableFuture<Void> sweepSlice() {
        return parts.objectStore()
                .list(ObjectKeys.DATA_PREFIX, position, SLICE_KEYS)
                .thenCompose(this::sweep);
    }

    private CompletableFuture<Void> sweep(ListPage page) {
        long nowNanos = parts.clock().nanoTime();
        List<Long> orphans = new ArrayList<>();
        for (ObjectStat object : page.objects()) {
            long id = ObjectKeys.objectId(object.key());
            if (id < 0 || parts.metadata().isObjectKnown(id)) {
                continue;
            }
            Suspect suspect = seenBefore.get(object.key());
            if (suspect == null || suspect.modifiedAtMs() != object.modifiedAtMs()) {
                suspect = new Suspect(object.modifiedAtMs(), nowNanos);
            }
            if (nowNanos - suspect.sinceNanos() >= config.orphanGraceMs() * 1_000_000L
                    && seenBefore.containsKey(object.key())) {
                orphans.add(id);
            }
            if (seenNow.size() < MAX_SUSPECTS) {
                seenNow.put(object.key(), suspect);
            }
        }
        advance(page);
        return orphans.isEmpty()
                ? CompletableFuture.completedFuture(null)
                : parts.metadata().catchUp().thenCompose(nothing -> delete(orphans));
    }

    /** This process's copy of the metadata may have been behind when it was asked first. */
    private CompletableFuture<Void> delete(List<Long> suspects) {
        List<String> orphans = suspects.stream()
                .filter(id -> !parts.metadata().isObjectKnown(id))
                .map(ObjectKeys::dataKey)
                .toList();
        if (orphans.isEmpty() || closed) {
            return CompletableFuture.completedFuture(null);
        }
        return parts.objectStore().delete(orphans).thenAccept(outcome -> {
            int gone = orphans.size() - outcome.failed().size();
            deleted.increment(gone);
            LOG.info("{} objects that the quorum does not know were deleted, the first is {}", gone, orphans.get(0));
        });
    }

    private void advance(ListPage page) {
        if (page.hasMore() && !page.objects().isEmpty()) {
            position = page.objects().get(page.objects().size() - 1).key();
        } else {
            position = "";
            seenBefore = seenNow;
            seenNow = new HashMap<>();
        }
    }

    @Override
    public void close() {
        closed = true;
        timer.cancel();
    }
}
