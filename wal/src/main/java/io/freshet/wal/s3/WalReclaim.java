// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStore.DeleteOutcome;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.wal.s3.SlotFormat.SlotKey;
import io.micrometer.core.instrument.Counter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Frees sealed S3 WALs of all brokers. When objects hold all records of one, the quorum is told that it is freed, then its slots
 * are deleted. Its fence stays as long as a put of its owner might still be on its way; then the WAL is retired and whatever
 * lies under its prefix is deleted. Runs on every broker; whoever has the lease works. The quorum refuses to free what it should
 * not, so that the lease only saves work.
 *
 * <p>Single writer: everything runs as a task on the executor of the services, one step at a time.
 */
public final class WalReclaim implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WalReclaim.class);
    private static final int TRIES = 10;
    private static final int MAX_KEYS = 1000;
    private static final long SHORTEST_WAIT_MS = 1_000;

    private final Config config;
    private final Parts parts;
    private final S3WalServices services;
    private final SerialTasks tasks;
    private final Backoff backoff;
    private final WalSeals seals;
    private final Map<WalKey, Long> notBeforeNs = new HashMap<>();
    private final Scheduler.Cancellable timer;
    private final Counter freedWals;
    private final Counter retiredWals;
    private boolean isBusy;
    private volatile boolean isClosed;

    /**
     * When it acts.
     *
     * @param periodMs pause between two looks at the metadata
     * @param fenceRetentionMs as in {@link S3WalConfig}
     */
    public record Config(long periodMs, long fenceRetentionMs) {}

    /** What it works with. */
    public record Parts(
            ObjectStore store, WalCatalog catalog, WalRegistry registry, CommittedEnds streams, JobLease lease) {}

    /** How far objects hold a stream. */
    public interface CommittedEnds {
        /** Local read; empty if the stream does not exist (any more). */
        OptionalLong committedEnd(long streamId);
    }

    /** The sole right to do a job for a while. */
    public interface JobLease {
        CompletableFuture<Boolean> lease(String job, long durationMs);
    }

    public WalReclaim(Config config, Parts parts, S3WalServices services) {
        this.config = config;
        this.parts = parts;
        this.services = services;
        this.tasks = new SerialTasks(services.executor());
        this.backoff = new Backoff(tasks, services.scheduler(), services.randomness());
        this.seals = new WalSeals(parts.catalog);
        this.freedWals = services.meters().counter("freshet.wal.s3.sealed.freed");
        this.retiredWals = services.meters().counter("freshet.wal.s3.sealed.retired");
        this.timer = services.scheduler().scheduleRepeatedly(config.periodMs(), () -> tasks.execute(this::look));
    }

    private void look() {
        if (isBusy || isClosed) {
            return;
        }
        List<WalState> freeable = freeable();
        List<WalState> old = mayBeOld();
        if (freeable.isEmpty() && old.isEmpty()) {
            return;
        }
        isBusy = true;
        Backoff.start(() -> parts.lease.lease("reclaim-sealed-wals", 2 * config.periodMs() + 60_000))
                .thenCompose(isMine -> isMine ? work(freeable, old) : CompletableFuture.completedFuture(null))
                .whenComplete((done, error) -> tasks.execute(() -> {
                    isBusy = false;
                    if (error != null && !isClosed) {
                        LOG.warn(
                                "Sealed S3 WALs could not be freed, it is tried again: {}",
                                FreshetException.of(error).getMessage());
                    }
                }));
    }

    private List<WalState> freeable() {
        Map<WalKey, WalSeal> sealed = new HashMap<>();
        for (WalSeal seal : seals.unfreed()) {
            sealed.put(new WalKey(seal.brokerId(), seal.brokerEpoch()), seal);
        }
        List<WalState> found = new ArrayList<>();
        for (WalState wal : parts.catalog.wals()) {
            WalSeal seal = sealed.get(WalKey.of(wal));
            if (seal != null && isCommitted(seal)) {
                found.add(wal);
            }
        }
        return found;
    }

    private boolean isCommitted(WalSeal seal) {
        for (Map.Entry<Long, Long> end : seal.streamEnds().entrySet()) {
            OptionalLong committed = parts.streams.committedEnd(end.getKey());
            if (committed.isPresent() && committed.getAsLong() < end.getValue()) {
                return false;
            }
        }
        return true;
    }

    private List<WalState> mayBeOld() {
        long nowNs = services.clock().nanoTime();
        List<WalState> freed =
                parts.catalog.wals().stream().filter(WalState::isFreed).toList();
        notBeforeNs
                .keySet()
                .removeIf(key -> freed.stream().noneMatch(wal -> WalKey.of(wal).equals(key)));
        return freed.stream()
                .filter(wal -> nowNs - notBeforeNs.getOrDefault(WalKey.of(wal), nowNs) >= 0)
                .toList();
    }

    private CompletableFuture<Void> work(List<WalState> freeable, List<WalState> old) {
        CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
        for (WalState wal : freeable) {
            done = done.thenCompose(former -> isClosed ? nothing() : free(wal));
        }
        for (WalState wal : old) {
            done = done.thenCompose(former -> isClosed ? nothing() : retireIfOld(wal));
        }
        return done;
    }

    private static CompletableFuture<Void> nothing() {
        return CompletableFuture.completedFuture(null);
    }

    private CompletableFuture<Void> free(WalState wal) {
        return backoff.repeat(TRIES, () -> parts.registry.trim(wal.brokerId(), wal.brokerEpoch(), wal.sealedEndSlot()))
                .thenCompose(trimmed -> {
                    freedWals.increment();
                    LOG.info("{} is freed: objects hold all of it", WalKey.of(wal));
                    return delete(wal, slots(wal.startSlot(), wal.sealedEndSlot()));
                })
                .exceptionallyCompose(error -> {
                    // The quorum knows better than this copy of the metadata: a later look will see why.
                    FreshetException refusal = FreshetException.of(error);
                    return refusal.kind() == ErrorKind.INVALID
                            ? CompletableFuture.<Void>completedFuture(null)
                            : CompletableFuture.<Void>failedFuture(refusal);
                });
    }

    private CompletableFuture<Void> retireIfOld(WalState wal) {
        String fence = key(wal, wal.sealedEndSlot());
        return backoff.<Optional<ObjectStat>>repeat(TRIES, () -> parts.store.stat(fence))
                .thenCompose(stat -> {
                    long ageMs = stat.map(found -> services.clock().wallMs() - found.modifiedAtMs())
                            .orElse(config.fenceRetentionMs());
                    if (ageMs < config.fenceRetentionMs()) {
                        long waitMs = Math.max(
                                SHORTEST_WAIT_MS,
                                Math.min(config.fenceRetentionMs(), config.fenceRetentionMs() - ageMs));
                        notBeforeNs.put(
                                WalKey.of(wal), services.clock().nanoTime() + TimeUnit.MILLISECONDS.toNanos(waitMs));
                        return CompletableFuture.completedFuture(null);
                    }
                    return retire(wal);
                });
    }

    private CompletableFuture<Void> retire(WalState wal) {
        return backoff.repeat(TRIES, () -> parts.registry.retire(wal.brokerId(), wal.brokerEpoch()))
                .thenCompose(retired -> {
                    retiredWals.increment();
                    return new SlotListing(parts.store, backoff).list(wal.brokerId(), wal.brokerEpoch(), 0);
                })
                .thenCompose(left -> delete(wal, List.copyOf(left.keySet())));
    }

    private static List<Long> slots(long from, long end) {
        List<Long> slots = new ArrayList<>();
        for (long slot = from; slot < end; slot++) {
            slots.add(slot);
        }
        return slots;
    }

    /** What cannot be deleted now goes when the WAL is retired, or with the sweeper. */
    private CompletableFuture<Void> delete(WalState wal, List<Long> slots) {
        CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
        for (int from = 0; from < slots.size(); from += MAX_KEYS) {
            List<String> keys = slots.subList(from, Math.min(slots.size(), from + MAX_KEYS)).stream()
                    .map(slot -> key(wal, slot))
                    .toList();
            done = done.thenCompose(former -> backoff.repeat(TRIES, () -> parts.store.delete(keys)))
                    .thenAccept(outcome -> logFailures(wal, outcome));
        }
        return done;
    }

    private static void logFailures(WalState wal, DeleteOutcome outcome) {
        if (!outcome.failed().isEmpty()) {
            LOG.warn(
                    "{} slots of {} could not be deleted ({}); a sweeper tries again",
                    outcome.failed().size(),
                    WalKey.of(wal),
                    outcome.failed().values().iterator().next());
        }
    }

    private static String key(WalState wal, long slot) {
        return SlotWrite.keyOf(new SlotKey(wal.brokerId(), wal.brokerEpoch(), slot));
    }

    @Override
    public void close() {
        isClosed = true;
        timer.cancel();
    }
}
