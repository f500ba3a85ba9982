// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import org.jctools.queues.MpscUnboundedArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * The S3 lane: batches of many streams' entries become numbered objects, slots, each put once with put-if-absent under {@code
 * wal/<broker>/<epoch>/<slot>}. Several slots are on their way at a time; entries are acknowledged strictly in slot order. An idle
 * lane sends nothing. When batches close stands at {@link BatchPacer}, how a slot survives lost answers and slow puts at {@link
 * SlotWrite}, why a taken-over owner cannot acknowledge anything at {@link S3WalRecovery}.
 *
 * <p>An LSN counts slots: first those recovered from earlier registrations, then this one's. All entries of a slot share it.
 *
 * <p>While the store does not take slots (down, throttling, right withdrawn, bucket gone), entries wait and puts are repeated for
 * ever; {@link #stalledBy()} says why. Only a stranger's object in one of its slots, or the quorum's refusal, stops the lane for
 * good: all waiting and later entries fail, {@link #failure()} says why.
 *
 * <p>It has no thread: it runs on the executor of {@link S3WalServices}, one task at a time. Safe for use by many threads.
 */
public final class S3Wal implements WriteAheadLog {
    private static final int QUEUE_CHUNK = 1024;

    private final S3WalConfig config;
    private final SerialTasks tasks;
    private final MpscUnboundedArrayQueue<WalEntry> entries = new MpscUnboundedArrayQueue<>(QUEUE_CHUNK);
    private final LongAdder pendingBytes = new LongAdder();
    private final S3WalMetrics metrics;
    private final SlotTrimmer trimmer;
    private final SlotLane lane;

    private S3Wal(
            S3WalConfig config,
            ObjectStore store,
            WalRegistry registry,
            SlotFormat format,
            S3WalServices services,
            Opened opened) {
        this.config = config;
        this.tasks = opened.tasks;
        this.metrics = new S3WalMetrics(services.meters());
        Backoff backoff = new Backoff(tasks, services.scheduler(), services.randomness());
        SlotDeletions deletions = new SlotDeletions(store, tasks, backoff);
        DeadWals deadWals = new DeadWals(
                new DeadWals.Parts(store, registry, backoff, deletions, services.clock()), opened.wals, config);
        this.trimmer = new SlotTrimmer(
                registry,
                backoff,
                deletions,
                deadWals,
                new SlotTrimmer.Own(config.brokerId(), config.brokerEpoch(), opened.endLsn),
                this::fail);
        SlotWrite.Context slots = new SlotWrite.Context(
                store,
                format,
                tasks,
                backoff,
                services,
                new PutLatency(),
                metrics,
                config.flight().minHedgeDelayMs());
        this.lane = new SlotLane(
                new SlotLane.Parts(config, registry, format, slots, services, trimmer, deletions),
                entries,
                pendingBytes,
                new SlotLane.Start(opened.endLsn, opened.proof));
        registerGauges();
        tasks.setRound(lane::round);
        deadWals.start();
    }

    /** What recovery hands to the lane. */
    private record Opened(SerialTasks tasks, List<RecoveredWal> wals, long endLsn, FenceWatch.Proof proof) {}

    /**
     * Recovers all earlier WALs of the broker, each fenced and sealed if it was not yet, registers this epoch's WAL and starts
     * the lane. Never blocks; {@code visitor} runs on the lane's executor, in LSN order, and has seen every record when the
     * future completes. An exception from the visitor ends the opening.
     *
     * @return fails with CORRUPT if acknowledged records are damaged or missing (records before may have been visited already:
     *     drop them); UNAVAILABLE if store or quorum do not answer for long; FENCED if a newer registration of this broker
     *     exists; INVALID if this registration has opened its WAL before
     */
    public static CompletableFuture<S3Wal> open(
            S3WalConfig config,
            ObjectStore store,
            WalRegistry registry,
            SlotFormat format,
            RecoveryVisitor visitor,
            S3WalServices services) {
        return open(config, store, registry, format, services, visitor);
    }

    /**
     * As the other, but earlier WALs of the broker are only fenced and sealed: their records stay for {@link SealedWals}, and
     * {@link WalReclaim} frees them. The LSNs of this lane begin at 0.
     */
    public static CompletableFuture<S3Wal> openSealing(
            S3WalConfig config, ObjectStore store, WalRegistry registry, SlotFormat format, S3WalServices services) {
        return open(config, store, registry, format, services, null);
    }

    private static CompletableFuture<S3Wal> open(
            S3WalConfig config,
            ObjectStore store,
            WalRegistry registry,
            SlotFormat format,
            S3WalServices services,
            @Nullable RecoveryVisitor visitor) {
        SerialTasks tasks = new SerialTasks(services.executor());
        WalOpening opening = new WalOpening(config, store, registry, format, visitor, tasks, services);
        return opening.run()
                .thenApplyAsync(
                        wals -> new S3Wal(
                                config,
                                store,
                                registry,
                                format,
                                services,
                                new Opened(tasks, wals, opening.endLsn(), opening.proof())),
                        tasks);
    }

    private void registerGauges() {
        metrics.gauge("freshet.wal.s3.inflight", "Slots on their way to the store", lane, SlotLane::slotsInFlight);
        metrics.gauge("freshet.wal.s3.used", "Slot bytes that no trim has freed", this, S3Wal::usedBytes);
        metrics.gauge(
                "freshet.wal.s3.pending", "Payload bytes handed over and not durable yet", this, S3Wal::pendingBytes);
        metrics.gauge(
                "freshet.wal.s3.stalled",
                "1 while the store does not take a slot",
                lane,
                waiting -> waiting.stalledBy() == null ? 0 : 1);
        metrics.gauge(
                "freshet.wal.s3.failed",
                "1 after the lane was fenced",
                lane,
                stopped -> stopped.failure() == null ? 0 : 1);
    }

    private void fail(FreshetException cause) {
        lane.fail(cause);
    }

    /**
     * {@inheritDoc}
     *
     * @throws FreshetException INVALID if the payload is larger than this lane takes; the entry is then not handed over and
     *     neither of its callbacks is called
     */
    @Override
    public void append(WalEntry entry) {
        int size = entry.payloadSizeBytes();
        if (size < 1 || size > config.flight().maxRecordBytes()) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "A WAL entry of " + size + " bytes is not in 1.."
                            + config.flight().maxRecordBytes() + ": split it, or configure a larger record limit");
        }
        pendingBytes.add(size);
        entries.offer(entry);
        tasks.wake();
    }

    /**
     * {@inheritDoc} The quorum is told first; slots are deleted after the future has completed, and what cannot be deleted is
     * tried again later.
     *
     * @return fails with INVALID if {@code lsn} is beyond {@link #endLsn()}, with FENCED or UNAVAILABLE after failure or close
     */
    @Override
    public CompletableFuture<Void> trim(long lsn) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        tasks.execute(() -> trimmer.trim(lsn).whenComplete((trimmed, error) -> {
            if (error == null) {
                done.complete(null);
            } else {
                done.completeExceptionally(error);
            }
        }));
        return done;
    }

    @Override
    public void hurry() {
        tasks.execute(lane::hurry);
    }

    @Override
    public long startLsn() {
        return trimmer.startLsn();
    }

    /** {@inheritDoc} It moves after the callbacks of the records before it. */
    @Override
    public long endLsn() {
        return lane.endLsn();
    }

    /** The registration that writes this WAL. */
    public long brokerEpoch() {
        return config.brokerEpoch();
    }

    /** End of the slots of this registration that were acknowledged: all below exist unless they were trimmed. */
    public long acknowledgedEndSlot() {
        return lane.acknowledgedSlots();
    }

    @Override
    public long capacityBytes() {
        return config.capacityBytes();
    }

    @Override
    public long usedBytes() {
        return trimmer.usedBytes();
    }

    /** Payload bytes handed over and neither durable nor failed yet. */
    public long pendingBytes() {
        return pendingBytes.sum();
    }

    /** Why the lane stopped for good, if it did. */
    @Override
    public Optional<FreshetException> failure() {
        return Optional.ofNullable(lane.failure());
    }

    /** Why the store does not take slots at present; empty when the last put succeeded. */
    public Optional<FreshetException> stalledBy() {
        return Optional.ofNullable(lane.stalledBy());
    }

    /**
     * As {@link #close}, without waiting: completes, on the lane's executor, when every entry is durable or failed. Entries that
     * the store has not taken within the close timeout fail (UNAVAILABLE).
     */
    public CompletableFuture<Void> shutdown() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        tasks.execute(() -> lane.shutdown(config.flight().closeTimeoutMs()).whenComplete((ended, error) -> {
            metrics.close();
            done.complete(null);
        }));
        return done;
    }

    /** {@inheritDoc} Must not be called on the lane's executor. */
    @Override
    public void close() {
        CountDownLatch ended = new CountDownLatch(1);
        shutdown().whenComplete((done, error) -> ended.countDown());
        boolean isInterrupted = false;
        while (ended.getCount() > 0) {
            try {
                ended.await();
            } catch (InterruptedException e) {
                isInterrupted = true;
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
