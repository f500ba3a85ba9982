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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes retired objects a grace period after their retirement, so that readers with an older manifest have finished, and
 * then has the quorum forget them. A key that could not be deleted stays retired and is tried again later, by itself. One
 * round at a time, at most as many objects as the rate allows for one period, in batches spread over it.
 */
public final class ObjectReaper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ObjectReaper.class);
    private static final int MAX_BATCH = 1000;
    private static final long MAX_ROUND = 10_000;
    private static final int MAX_FAILURES = 100_000;
    private static final long MAX_PAUSE_MS = 600_000;

    private record Failure(long retryNanos, long pauseMs) {}

    private final StorageConfig config;
    private final StorageParts parts;
    private final Counter deleted;
    private final Counter failed;
    private final AtomicBoolean running = new AtomicBoolean();
    private final Cancellable timer;
    /** Keys that failed lately; a round's steps follow one another. */
    private final Map<Long, Failure> failures = new ConcurrentHashMap<>();

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
        int limit = (int) Math.min(allowed, MAX_ROUND);
        return parts.metadata()
                .oldestRetired((int) Math.min(MAX_ROUND, (long) limit + failures.size()))
                .thenCompose(retired -> reap(retired, limit));
    }

    private CompletableFuture<Integer> reap(List<RetiredObject> retired, int limit) {
        long before = parts.clock().wallMs() - config.retiredGraceMs();
        long nowNanos = parts.clock().nanoTime();
        List<Long> due = new ArrayList<>();
        if (retired.size() < limit) {
            failures.keySet()
                    .retainAll(retired.stream().map(RetiredObject::objectId).toList());
        }
        for (RetiredObject object : retired) {
            Failure failure = failures.get(object.objectId());
            boolean isWaiting = failure != null && failure.retryNanos() - nowNanos > 0;
            if (object.retiredAtMs() <= before && !isWaiting && due.size() < limit) {
                due.add(object.objectId());
            }
        }
        return reapFrom(due, 0, 0);
    }

    /** One batch after the other, each followed by the pause that keeps to the rate: never a storm of deletions. */
    private CompletableFuture<Integer> reapFrom(List<Long> due, int from, int goneSofar) {
        if (from == due.size()) {
            return CompletableFuture.completedFuture(goneSofar);
        }
        int end = Math.min(due.size(), from + MAX_BATCH);
        return reapBatch(due.subList(from, end)).thenCompose(gone -> {
            if (end == due.size()) {
                return CompletableFuture.completedFuture(goneSofar + gone);
            }
            CompletableFuture<Void> pause = new CompletableFuture<>();
            parts.scheduler().schedule((end - from) * 1000L / config.deletesPerSecond(), () -> pause.complete(null));
            return pause.thenCompose(nothing -> reapFrom(due, end, goneSofar + gone));
        });
    }

    /** A key that fails is tried again after growing pauses, and meanwhile does not keep others from their turn. */
    private void failed(long objectId, String key, String reason) {
        Failure before = failures.get(objectId);
        long pauseMs = before == null ? config.reapPeriodMs() : Math.min(MAX_PAUSE_MS, before.pauseMs() * 2);
        if (before != null || failures.size() < MAX_FAILURES) {
            failures.put(objectId, new Failure(parts.clock().nanoTime() + pauseMs * 1_000_000, pauseMs));
        }
        failed.increment();
        LOG.warn("Retired object {} could not be deleted ({}); trying again in {} ms", key, reason, pauseMs);
    }

    private CompletableFuture<Integer> reapBatch(List<Long> ids) {
        if (closed) {
            return CompletableFuture.completedFuture(0);
        }
        Map<String, Long> idByKey = new LinkedHashMap<>();
        ids.forEach(id -> idByKey.put(ObjectKeys.dataKey(id), id));
        return parts.objectStore().delete(idByKey.keySet()).thenCompose(outcome -> {
            outcome.failed().forEach((key, reason) -> {
                Long id = idByKey.remove(key);
                if (id != null) {
                    failed(id, key, reason);
                }
            });
            idByKey.values().forEach(failures::remove);
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
