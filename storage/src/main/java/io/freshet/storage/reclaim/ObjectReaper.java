// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.reclaim;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler.Cancellable;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.RetiredObject;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.StorageParts;
import io.micrometer.core.instrument.Counter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes retired objects a grace period after their retirement, so that readers with an older manifest have finished, and
 * then has the quorum forget them. A key that could not be deleted stays retired and is tried again in the next round. One
 * round at a time, at most as many objects as the rate allows for one period.
 */
public final class ObjectReaper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ObjectReaper.class);
    private static final int MAX_BATCH = 1000;

    private final StorageConfig config;
    private final StorageParts parts;
    private final Counter deleted;
    private final Counter failed;
    private final AtomicBoolean running = new AtomicBoolean();
    private final Cancellable timer;
    private volatile boolean closed;

    public ObjectReaper(StorageConfig config, StorageParts parts) {
        this.config = config;
        this.parts = parts;
        this.deleted = parts.meters().counter("freshet.storage.reaper.deleted");
        this.failed = parts.meters().counter("freshet.storage.reaper.failed");
        this.timer = parts.scheduler().scheduleRepeatedly(config.reapPeriodMs(), this::reapIfIdle);
    }

    private void reapIfIdle() {
        if (closed || !running.compareAndSet(false, true)) {
            return;
        }
        reap().whenComplete((count, error) -> {
            running.set(false);
            if (error != null && !closed) {
                FreshetException cause = FreshetException.of(error);
                LOG.warn(
                        "Retired objects could not be deleted ({}: {}); trying again in {} ms",
                        cause.kind(),
                        cause.getMessage(),
                        config.reapPeriodMs());
            }
        });
    }

    /** Deletes what is due; completes with the number of objects that are gone and forgotten. */
    CompletableFuture<Integer> reap() {
        long allowed = Math.max(1, config.deletesPerSecond() * config.reapPeriodMs() / 1000);
        long before = parts.clock().wallMs() - config.retiredGraceMs();
        List<Long> due = new ArrayList<>();
        for (RetiredObject object : parts.metadata().retiredObjects((int) Math.min(allowed, 10L * MAX_BATCH))) {
            if (object.retiredAtMs() <= before) {
                due.add(object.objectId());
            }
        }
        CompletableFuture<Integer> count = CompletableFuture.completedFuture(0);
        for (int from = 0; from < due.size(); from += MAX_BATCH) {
            List<Long> batch = due.subList(from, Math.min(due.size(), from + MAX_BATCH));
            count = count.thenCompose(sum -> reapBatch(batch).thenApply(gone -> sum + gone));
        }
        return count;
    }

    private CompletableFuture<Integer> reapBatch(List<Long> ids) {
        if (closed) {
            return CompletableFuture.completedFuture(0);
        }
        Map<String, Long> idByKey = new LinkedHashMap<>();
        ids.forEach(id -> idByKey.put(ObjectKeys.dataKey(id), id));
        return parts.objectStore().delete(idByKey.keySet()).thenCompose(outcome -> {
            outcome.failed().forEach((key, reason) -> {
                idByKey.remove(key);
                failed.increment();
                LOG.warn("Retired object {} could not be deleted ({}); trying again in the next round", key, reason);
            });
            if (idByKey.isEmpty()) {
                return CompletableFuture.completedFuture(0);
            }
            return parts.metadata().forgetObjects(List.copyOf(idByKey.values())).thenApply(nothing -> {
                deleted.increment(idByKey.size());
                return idByKey.size();
            });
        });
    }

    @Override
    public void close() {
        closed = true;
        timer.cancel();
    }
}
