// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.wal.WalEntry;
import io.freshet.wal.s3.SlotFormat.EncodedSlot;
import io.freshet.wal.s3.SlotFormat.SlotName;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One slot on its way into the store, put again and again until it is there or proves to be somebody else's. Every put is
 * put-if-absent of the same bytes, so a repetition (after a failure, or as a hedge while the first one is slow) can do no harm;
 * it only makes "already exists" ambiguous, which reading the slot back settles. Used by the lane only.
 */
final class SlotWrite {
    /** What a slot tells its lane; runs as the lane's task. */
    interface Listener {
        /** The slot lies in the store. */
        void written(SlotWrite slot);

        /** No put of a written slot is under way any more. */
        void quiet(SlotWrite slot);

        /** Somebody else's object lies under the slot's key. */
        void fenced(SlotWrite slot, FreshetException cause);

        /** A put failed and will be repeated. */
        void stalled(SlotWrite slot, FreshetException cause, int failures);
    }

    /** What all slots of a lane share. */
    record Context(
            ObjectStore store,
            SlotFormat format,
            SerialTasks tasks,
            Backoff backoff,
            S3WalServices services,
            PutLatency latency,
            S3WalMetrics metrics,
            int minHedgeDelayMs) {}

    private final Context context;
    private final SlotName name;
    private final String key;
    private final EncodedSlot bytes;
    private final List<WalEntry> entries;
    private final long payloadBytes;
    private final long openedAtNs;
    private final Listener listener;
    private final long startedAtNs;
    private final long startedAtWallMs;
    private Scheduler.@Nullable Cancellable hedgeTimer;
    private int outstanding;
    private int failures;
    private boolean isReading;
    private boolean isSettled;
    private boolean isWritten;
    private boolean holdsPayloads;

    SlotWrite(
            Context context,
            SlotName name,
            EncodedSlot bytes,
            List<WalEntry> entries,
            long openedAtNs,
            Listener listener) {
        this.context = context;
        this.name = name;
        this.key = keyOf(name.key());
        this.bytes = bytes;
        this.entries = entries;
        this.openedAtNs = openedAtNs;
        this.listener = listener;
        this.startedAtNs = context.services.clock().nanoTime();
        this.startedAtWallMs = context.services.clock().wallMs();
        long sum = 0;
        for (WalEntry entry : entries) {
            sum += entry.payloadSizeBytes();
        }
        this.payloadBytes = sum;
    }

    static String keyOf(SlotFormat.SlotKey key) {
        return ObjectKeys.slotKey(key.brokerId(), key.brokerEpoch(), key.slot());
    }

    void start() {
        put();
        if (context.latency.mayHedge()) {
            long slowMs = TimeUnit.NANOSECONDS.toMillis(context.latency.hedgeAfterNs()) + 1;
            long delayMs = Math.max(context.minHedgeDelayMs, slowMs);
            hedgeTimer = context.backoff.after(delayMs, this::hedge);
        }
    }

    /** The lane has given up: no more puts. Those under way, and a read-back, keep their payloads until they end. */
    void abandon() {
        isSettled = true;
        cancelHedge();
        if (isReadingPayloads()) {
            holdPayloads();
        }
    }

    private void hedge() {
        hedgeTimer = null;
        if (isSettled || outstanding != 1 || isReading || !context.latency.mayHedge()) {
            return;
        }
        context.latency.hedged();
        context.metrics.hedged();
        holdPayloads();
        put();
    }

    private void put() {
        outstanding++;
        context.metrics.put();
        long putAtNs = context.services.clock().nanoTime();
        Backoff.start(() -> context.store.putIfAbsent(key, bytes.body()))
                .whenComplete((outcome, error) -> context.tasks.execute(
                        () -> answered(context.services.clock().nanoTime() - putAtNs, outcome, error)));
    }

    private void answered(long tookNs, @Nullable PutOutcome outcome, @Nullable Throwable error) {
        outstanding--;
        releaseUnreadPayloads();
        if (error != null) {
            if (!isSettled) {
                failed(FreshetException.of(error));
            }
        } else if (outcome == PutOutcome.CREATED) {
            context.latency.add(tookNs);
            context.metrics.putTook(tookNs);
            settle();
        } else if (!isSettled) {
            readBack();
        }
        if (outstanding == 0 && isWritten) {
            listener.quiet(this);
        }
    }

    private void settle() {
        if (!isSettled) {
            isSettled = true;
            isWritten = true;
            cancelHedge();
            if (isReadingPayloads()) {
                holdPayloads();
            }
            listener.written(this);
        }
    }

    /** Something lies there. Ours, if an earlier put of ours came first; else the lane has lost its right. */
    private void readBack() {
        if (isReading) {
            return;
        }
        isReading = true;
        context.metrics.readBack();
        Backoff.start(() -> context.store.stat(key))
                .thenCompose(this::readIfAlike)
                .whenComplete((found, error) -> context.tasks.execute(() -> {
                    isReading = false;
                    releaseUnreadPayloads();
                    if (isSettled) {
                        return;
                    }
                    if (error != null) {
                        failed(FreshetException.of(error));
                    } else if (found) {
                        settle();
                    } else {
                        fenced();
                    }
                }));
    }

    private CompletableFuture<Boolean> readIfAlike(Optional<ObjectStat> stat) {
        if (stat.isEmpty()) {
            return CompletableFuture.failedFuture(new FreshetException(
                    ErrorKind.INDETERMINATE, "Slot '" + key + "' was said to exist and is not there"));
        }
        if (stat.get().sizeBytes() != bytes.sizeBytes()) {
            return CompletableFuture.completedFuture(false);
        }
        ByteBuffer found = ByteBuffer.allocate(Math.toIntExact(bytes.sizeBytes()));
        return context.store.read(key, 0, found).thenApply(read -> isOurs(found.flip()));
    }

    /** Other bytes are a stranger's only if they verify: what was damaged on its way says nothing and is read again. */
    private boolean isOurs(ByteBuffer found) {
        if (isSameBytes(found)) {
            return true;
        }
        return context.format
                .read(name.key(), found, 0, (lsn, stream, epoch, base, end, payload) -> {})
                .name()
                .equals(name);
    }

    private boolean isSameBytes(ByteBuffer found) {
        int position = 0;
        for (ByteBuffer part : bytes.body()) {
            if (!found.slice(position, part.remaining()).equals(part.slice())) {
                return false;
            }
            position += part.remaining();
        }
        return true;
    }

    private void fenced() {
        isSettled = true;
        cancelHedge();
        listener.fenced(
                this,
                new FreshetException(
                        ErrorKind.FENCED,
                        "Slot '" + key
                                + "' of this broker's S3 WAL was written by somebody else: the WAL of broker epoch "
                                + name.key().brokerEpoch()
                                + " has been taken over; nothing more is acknowledged on it, register again"));
    }

    private void failed(FreshetException cause) {
        if (outstanding > 0 || isReading) {
            return;
        }
        failures++;
        listener.stalled(this, cause, failures);
        context.metrics.retried();
        context.backoff.later(failures, () -> {
            if (!isSettled && outstanding == 0 && !isReading) {
                put();
            }
        });
    }

    private void cancelHedge() {
        if (hedgeTimer != null) {
            hedgeTimer.cancel();
            hedgeTimer = null;
        }
    }

    /** A put sends them, or a read-back compares what it found with them. */
    private boolean isReadingPayloads() {
        return outstanding > 0 || isReading;
    }

    private void holdPayloads() {
        if (!holdsPayloads) {
            holdsPayloads = true;
            entries.forEach(WalEntry::retainPayload);
        }
    }

    private void releaseUnreadPayloads() {
        if (holdsPayloads && !isReadingPayloads()) {
            holdsPayloads = false;
            entries.forEach(WalEntry::releasePayload);
        }
    }

    long slot() {
        return name.key().slot();
    }

    String key() {
        return key;
    }

    List<WalEntry> entries() {
        return entries;
    }

    long payloadBytes() {
        return payloadBytes;
    }

    long sizeBytes() {
        return bytes.sizeBytes();
    }

    long openedAtNs() {
        return openedAtNs;
    }

    long startedAtNs() {
        return startedAtNs;
    }

    long startedAtWallMs() {
        return startedAtWallMs;
    }

    boolean isWritten() {
        return isWritten;
    }

    /** Whether a put is under way that may still create the slot. */
    boolean isBusy() {
        return outstanding > 0;
    }
}
