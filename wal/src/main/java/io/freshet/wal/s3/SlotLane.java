// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler;
import io.freshet.wal.WalEntry;
import io.freshet.wal.s3.SlotFormat.SlotKey;
import io.freshet.wal.s3.SlotFormat.SlotName;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The duty cycle of one S3 lane: gathers queued entries into a batch, closes it as {@link BatchPacer} says, puts it as the next
 * slot beside those already on their way, and completes entries strictly in slot order. Single writer: everything runs as a task
 * or round of {@link SerialTasks}; the volatile fields may be read from anywhere. Nothing here waits.
 */
final class SlotLane implements SlotWrite.Listener {
    private static final Logger LOG = LoggerFactory.getLogger(SlotLane.class);
    private static final long STALL_LOG_PERIOD_NS = TimeUnit.SECONDS.toNanos(30);

    private final Parts parts;
    private final S3WalConfig config;
    private final Queue<WalEntry> entries;
    private final OpenBatch batch;
    private final LongAdder pendingBytes;
    private final BatchPacer pacer;
    private final FenceWatch fenceWatch;
    private final SlotIds ids;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final ArrayDeque<SlotWrite> inFlight = new ArrayDeque<>();
    private final long firstLsn;
    private long inFlightBytes;
    private long nextSlot;
    private Scheduler.@Nullable Cancellable timer;
    private long timerDueNs;
    private boolean isProving;
    private boolean isClosing;
    private boolean isHurried;
    private long stallLoggedAtNs;
    private volatile long ackedSlots;
    private volatile int slotsInFlight;
    private volatile @Nullable FreshetException stalledBy;
    private volatile @Nullable FreshetException failure;
    private volatile boolean hasEnded;

    /** The collaborators of a lane, made at opening. */
    record Parts(
            S3WalConfig config,
            WalRegistry registry,
            SlotFormat format,
            SlotWrite.Context slots,
            S3WalServices services,
            SlotTrimmer trimmer,
            SlotDeletions deletions) {}

    /** Where its LSNs begin, and when it was known last that nobody had fenced it. */
    record Start(long firstLsn, FenceWatch.Proof proof) {}

    SlotLane(Parts parts, Queue<WalEntry> entries, LongAdder pendingBytes, Start start) {
        this.parts = parts;
        this.config = parts.config;
        this.entries = entries;
        this.batch = new OpenBatch(entries, config.batching().maxBytes());
        this.pendingBytes = pendingBytes;
        this.firstLsn = start.firstLsn;
        this.pacer = new BatchPacer(config.batching(), now());
        this.fenceWatch = new FenceWatch(parts.services.clock(), config.proofLimitMs(), start.proof);
        this.ids = new SlotIds(parts.registry, parts.slots.tasks(), parts.slots.backoff(), this::fail);
        this.stallLoggedAtNs = now() - STALL_LOG_PERIOD_NS;
        ids.prepare();
    }

    private long now() {
        return parts.services.clock().nanoTime();
    }

    /** The open batch is put without waiting for company. Within a task. */
    void hurry() {
        isHurried = true;
    }

    /** Puts every batch that is due; arms a timer for the next one. */
    void round() {
        if (failure != null || hasEnded) {
            failQueued();
            return;
        }
        while (isBatchReady()) {
            long nowNs = now();
            long delayNs = isClosing || isHurried
                    ? 0
                    : pacer.delayNs(
                            nowNs,
                            batch.openedAtNs(),
                            batch.isFull(),
                            inFlight.isEmpty(),
                            parts.slots.latency().medianNs());
            if (delayNs > 0) {
                arm(nowNs, delayNs);
                return;
            }
            launch(nowNs);
            if (failure != null) {
                return;
            }
        }
        if (batch.isEmpty()) {
            isHurried = false;
        }
        if (isClosing && batch.isEmpty() && inFlight.isEmpty()) {
            end();
        }
    }

    private boolean isBatchReady() {
        batch.gather(now());
        return !batch.isEmpty()
                && inFlight.size() < config.flight().maxSlots()
                && (inFlight.isEmpty()
                        || inFlightBytes + batch.sizeBytes() <= config.flight().maxBytes())
                && ids.hasNext();
    }

    private void arm(long nowNs, long delayNs) {
        long dueNs = nowNs + delayNs;
        if (timer != null) {
            if (timerDueNs - dueNs <= 0) {
                return;
            }
            timer.cancel();
        }
        timerDueNs = dueNs;
        long delayMs = TimeUnit.NANOSECONDS.toMillis(delayNs + 999_999);
        timer = parts.slots.backoff().after(delayMs, () -> timer = null);
    }

    private void disarm() {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
    }

    private void launch(long nowNs) {
        disarm();
        long openedAtNs = batch.openedAtNs();
        List<WalEntry> entriesOfSlot = batch.entries();
        SlotName name = new SlotName(
                new SlotKey(config.brokerId(), config.brokerEpoch(), nextSlot), config.brokerId(), ids.next());
        SlotWrite slot;
        try {
            slot = new SlotWrite(
                    parts.slots, name, parts.format.encode(name, entriesOfSlot), entriesOfSlot, openedAtNs, this);
        } catch (RuntimeException e) {
            fail(new FreshetException(
                    ErrorKind.INTERNAL,
                    "The entries of slot '" + SlotWrite.keyOf(name.key()) + "' cannot be laid out (" + e.getMessage()
                            + "): report it with this log and start the broker again",
                    e));
            return;
        }
        batch.close();
        pacer.closed(nowNs);
        parts.slots.metrics().closed(nowNs - openedAtNs);
        nextSlot++;
        inFlight.add(slot);
        inFlightBytes += slot.payloadBytes();
        slotsInFlight = inFlight.size();
        slot.start();
    }

    @Override
    public void written(SlotWrite slot) {
        if (slot.isBusy()) {
            parts.deletions.busy(slot.key());
        }
        stalledBy = null;
        acknowledge();
    }

    @Override
    public void quiet(SlotWrite slot) {
        parts.deletions.quiet(slot.key());
    }

    /** Completes from the oldest slot on, as far as they are written. */
    private void acknowledge() {
        SlotWrite slot;
        while (failure == null && (slot = inFlight.peek()) != null && slot.isWritten()) {
            if (fenceWatch.isProofDue()) {
                askForProof();
                return;
            }
            inFlight.remove();
            inFlightBytes -= slot.payloadBytes();
            slotsInFlight = inFlight.size();
            fenceWatch.proved(slot.startedAtNs(), slot.startedAtWallMs());
            complete(slot);
        }
    }

    private void complete(SlotWrite slot) {
        long lsn = firstLsn + slot.slot();
        parts.trimmer.acknowledged(lsn, slot.sizeBytes());
        List<WalEntry> completed = slot.entries();
        for (int i = 0; i < completed.size(); i++) {
            WalEntry entry = completed.get(i);
            pendingBytes.add(-entry.payloadSizeBytes());
            try {
                entry.onDurable(lsn);
            } catch (RuntimeException | Error e) {
                LOG.error("A WAL entry of stream {} threw when told that it is durable", entry.streamId(), e);
            }
        }
        ackedSlots = slot.slot() + 1;
        parts.slots.metrics().durable(now() - slot.openedAtNs(), slot.sizeBytes(), completed.size());
    }

    /** After so long a silence that a fence may have come and gone, only the quorum can say that there was none. */
    private void askForProof() {
        if (isProving) {
            return;
        }
        isProving = true;
        long atNs = now();
        long atWallMs = parts.services.clock().wallMs();
        parts.slots
                .backoff()
                .repeat(
                        Integer.MAX_VALUE,
                        () -> parts.registry.trim(
                                config.brokerId(), config.brokerEpoch(), parts.trimmer.ownStartSlot()))
                .whenComplete((done, error) -> {
                    isProving = false;
                    if (error == null) {
                        fenceWatch.proved(atNs, atWallMs);
                        acknowledge();
                    } else {
                        fail(new FreshetException(
                                ErrorKind.FENCED,
                                "The quorum does not let broker " + config.brokerId() + " epoch "
                                        + config.brokerEpoch() + " go on with its S3 WAL after a long silence: register"
                                        + " again",
                                error));
                    }
                });
    }

    @Override
    public void fenced(SlotWrite slot, FreshetException cause) {
        fail(cause);
    }

    @Override
    public void stalled(SlotWrite slot, FreshetException cause, int failures) {
        stalledBy = cause;
        long nowNs = now();
        if (nowNs - stallLoggedAtNs >= STALL_LOG_PERIOD_NS) {
            stallLoggedAtNs = nowNs;
            LOG.warn(
                    "Slot '{}' could not be put after {} rounds of tries ({}): produce requests to this lane wait until it can",
                    slot.key(),
                    failures,
                    cause.getMessage());
        }
    }

    /** Stops the lane for good: everything handed over and not yet acknowledged fails, and whatever comes later. */
    void fail(FreshetException cause) {
        if (failure != null || hasEnded) {
            return;
        }
        failure = cause;
        LOG.error(
                "The S3 WAL of broker {} epoch {} stopped: {}",
                config.brokerId(),
                config.brokerEpoch(),
                cause.getMessage());
        disarm();
        parts.trimmer.fail(cause);
        inFlight.forEach(SlotWrite::abandon);
        SlotWrite slot;
        while ((slot = inFlight.poll()) != null) {
            slot.entries().forEach(entry -> fail(entry, cause));
        }
        slotsInFlight = 0;
        failQueued();
        if (isClosing) {
            end();
        }
    }

    private void failQueued() {
        FreshetException cause = failure != null ? failure : closed();
        batch.close().forEach(entry -> fail(entry, cause));
        WalEntry entry;
        while ((entry = entries.poll()) != null) {
            fail(entry, cause);
        }
    }

    private FreshetException closed() {
        return new FreshetException(
                ErrorKind.UNAVAILABLE,
                "The S3 WAL of broker " + config.brokerId() + " is closed: retry when the broker is up again");
    }

    private void fail(WalEntry entry, FreshetException cause) {
        pendingBytes.add(-entry.payloadSizeBytes());
        try {
            entry.onFailed(cause);
        } catch (RuntimeException e) {
            LOG.error("A WAL entry of stream {} threw when told that it failed", entry.streamId(), e);
        }
    }

    /** Ends the lane once all entries are durable or failed; those that the store does not take within the timeout fail. */
    CompletableFuture<Void> shutdown(int timeoutMs) {
        if (!isClosing) {
            isClosing = true;
            if (failure != null) {
                end();
            } else {
                disarm();
                parts.slots.backoff().after(timeoutMs, () -> fail(closed()));
            }
        }
        return ended;
    }

    private void end() {
        if (!hasEnded) {
            hasEnded = true;
            disarm();
            parts.trimmer.fail(closed());
            failQueued();
            ended.complete(null);
        }
    }

    long endLsn() {
        return firstLsn + ackedSlots;
    }

    /** Slots of this registration that were acknowledged, from 0 on. */
    long acknowledgedSlots() {
        return ackedSlots;
    }

    boolean hasEnded() {
        return hasEnded;
    }

    @Nullable
    FreshetException failure() {
        return failure;
    }

    @Nullable
    FreshetException stalledBy() {
        return stalledBy;
    }

    int slotsInFlight() {
        return slotsInFlight;
    }
}
