// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.reclaim;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler.Cancellable;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.micrometer.core.instrument.Counter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes through all keys under a prefix in slices, one per period, again and again; deletes a key only if it was garbage and
 * unchanged for the grace period and is garbage still when this process has caught up with the quorum. Ages are counted from
 * the first sight on a clock that does not jump, as {@link SuspectAges} also over restarts: a wall clock that runs ahead, this
 * process's or the store's, would make every upload under way look old. A pass that found nothing is followed by a rest, since
 * garbage is left alone for the grace period anyway. Whether a key is garbage is asked after it was listed. One slice at a time,
 * which owns the fields below.
 */
final class StoreSweep implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StoreSweep.class);
    private static final int SLICE_KEYS = 1000;
    /** Keys remembered between passes; more suspects than this are found in later passes. */
    private static final int MAX_SUSPECTS = 100_000;
    /** The rest after a pass that found nothing, as a part of the grace period. */
    private static final int REST_SHARE = 4;
    /** Ages are saved this often while there are suspects, or oftener if the grace period is short. */
    private static final long SAVE_PERIOD_MS = 60_000;

    private static final int SAVES_PER_GRACE = 16;

    private final SweepParts parts;
    private final String prefix;
    private final Garbage garbage;
    private final Counter deleted;
    private final AtomicBoolean running = new AtomicBoolean();
    private final Cancellable timer;
    private volatile boolean closed;

    private Map<String, Suspect> seenBefore = new HashMap<>();
    private Map<String, Suspect> seenNow = new HashMap<>();
    private String position = "";
    private long notBeforeNanos;
    private final SuspectAges ages;
    private boolean isLoaded;
    private long savedNanos;

    /** An object that was garbage when it was first seen, at {@code sinceNanos}. */
    private record Suspect(long modifiedAtMs, long sinceNanos) {}

    /** Says which of some keys nobody needs; a failure is no answer, and nothing is deleted then. */
    @FunctionalInterface
    interface Garbage {
        CompletableFuture<Set<String>> among(List<String> keys);

        /** One that knows at once. */
        static Garbage of(Predicate<String> isGarbage) {
            return keys -> CompletableFuture.completedFuture(
                    keys.stream().filter(isGarbage).collect(Collectors.toUnmodifiableSet()));
        }
    }

    StoreSweep(SweepParts parts, String prefix, Garbage garbage, Counter deleted) {
        this.parts = parts;
        this.prefix = prefix;
        this.garbage = garbage;
        this.deleted = deleted;
        this.ages = new SuspectAges(
                parts.objectStore(), "sweep/" + parts.brokerId() + "/" + prefix.substring(0, prefix.length() - 1));
        this.notBeforeNanos = parts.clock().nanoTime();
        this.timer = parts.scheduler().scheduleRepeatedly(parts.periodMs(), this::sweepIfIdle);
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
                        "A slice of {} in the object store could not be swept ({}: {}); trying again in {} ms",
                        prefix,
                        cause.kind(),
                        cause.getMessage(),
                        parts.periodMs());
            }
        });
    }

    private CompletableFuture<Void> sweepSlice() {
        if (parts.clock().nanoTime() - notBeforeNanos < 0) {
            return CompletableFuture.completedFuture(null);
        }
        if (!isLoaded) {
            return ages.load().thenCompose(this::loaded);
        }
        return parts.objectStore()
                .list(prefix, position, SLICE_KEYS)
                .thenCompose(this::sweep)
                .thenCompose(nothing -> position.isEmpty() ? save() : CompletableFuture.completedFuture(null));
    }

    private CompletableFuture<Void> loaded(Map<String, SuspectAges.Age> saved) {
        isLoaded = true;
        savedNanos = parts.clock().nanoTime();
        saved.forEach((key, age) -> seenBefore.put(
                key, new Suspect(age.modifiedAtMs(), savedNanos - Math.min(age.ageMs(), parts.graceMs()) * 1_000_000)));
        return sweepSlice();
    }

    /** After a pass: now and then while there are suspects, and once when there are none any more. */
    private CompletableFuture<Void> save() {
        long nowNanos = parts.clock().nanoTime();
        long periodMs = Math.min(SAVE_PERIOD_MS, parts.graceMs() / SAVES_PER_GRACE);
        if (!seenBefore.isEmpty() && nowNanos - savedNanos < periodMs * 1_000_000) {
            return CompletableFuture.completedFuture(null);
        }
        savedNanos = nowNanos;
        Map<String, SuspectAges.Age> now = new HashMap<>();
        seenBefore.forEach((key, suspect) -> now.put(
                key, new SuspectAges.Age(suspect.modifiedAtMs(), (nowNanos - suspect.sinceNanos()) / 1_000_000)));
        return ages.save(now);
    }

    private CompletableFuture<Void> sweep(ListPage page) {
        if (page.objects().isEmpty()) {
            return look(page, Set.of());
        }
        List<String> keys = page.objects().stream().map(ObjectStat::key).toList();
        return garbage.among(keys).thenCompose(found -> look(page, found));
    }

    private CompletableFuture<Void> look(ListPage page, Set<String> found) {
        long nowNanos = parts.clock().nanoTime();
        List<String> suspects = new ArrayList<>();
        for (ObjectStat object : page.objects()) {
            if (!found.contains(object.key())) {
                continue;
            }
            Suspect known = seenBefore.get(object.key());
            Suspect suspect = known != null && known.modifiedAtMs() == object.modifiedAtMs()
                    ? known
                    : new Suspect(object.modifiedAtMs(), nowNanos);
            if (suspect.equals(known) && nowNanos - suspect.sinceNanos() >= parts.graceMs() * 1_000_000L) {
                suspects.add(object.key());
            }
            if (seenNow.size() < MAX_SUSPECTS) {
                seenNow.put(object.key(), suspect);
            }
        }
        advance(page);
        return suspects.isEmpty()
                ? CompletableFuture.completedFuture(null)
                : parts.catchUp().get().thenCompose(nothing -> delete(suspects));
    }

    /** This process's copy of the metadata may have been behind when it was asked first. */
    private CompletableFuture<Void> delete(List<String> suspects) {
        return garbage.among(suspects).thenCompose(still -> {
            List<String> gone = suspects.stream().filter(still::contains).toList();
            return gone.isEmpty() || closed ? CompletableFuture.completedFuture(null) : deleteKeys(gone);
        });
    }

    private CompletableFuture<Void> deleteKeys(List<String> keys) {
        return parts.objectStore().delete(keys).thenAccept(outcome -> {
            int gone = keys.size() - outcome.failed().size();
            deleted.increment(gone);
            LOG.info(
                    "{} of {} objects under {} that the quorum does not know were deleted, the first is {}",
                    gone,
                    keys.size(),
                    prefix,
                    keys.get(0));
            outcome.failed()
                    .forEach((key, reason) ->
                            LOG.warn("Orphan {} could not be deleted ({}); a later pass tries again", key, reason));
        });
    }

    private void advance(ListPage page) {
        if (page.hasMore() && !page.objects().isEmpty()) {
            position = page.objects().get(page.objects().size() - 1).key();
        } else {
            position = "";
            if (seenNow.isEmpty()) {
                notBeforeNanos = parts.clock().nanoTime() + parts.graceMs() / REST_SHARE * 1_000_000;
            }
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
