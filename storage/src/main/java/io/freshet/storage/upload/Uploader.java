// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.upload;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler.Cancellable;
import io.freshet.storage.tail.StreamTail;
import io.freshet.storage.tail.WalLane;
import io.freshet.wal.WriteAheadLog;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides when an upload round begins (bytes, age, WAL space, explicit wish), keeps a bounded number of them under way, and
 * commits them in the order in which they took their runs, so that a stream's segments always follow each other. Trims the
 * WAL lanes after each round. Round bookkeeping is guarded by this object's lock; the rest is safe for use by many threads.
 */
public final class Uploader implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Uploader.class);
    private static final long TICK_MS = 200;
    /** Share of the room for uncommitted bytes in use from which on uploads do not wait for size or age. */
    private static final double LOW_SPACE = 0.5;
    /** Share from which on even a few bytes are uploaded: small appends take more of the WAL than their bytes. */
    private static final double VERY_LOW_SPACE = 0.75;

    private final UploadParts parts;
    private final UploadMeters meters;
    private final Retries retries;
    private final ObjectIds ids;
    private final long objectBytes;
    private final Cancellable tick;
    private final AtomicLong pendingBytes = new AtomicLong();
    private final AtomicBoolean kicked = new AtomicBoolean();
    private volatile long pendingSinceNanos;
    private volatile boolean closed;
    /** At first for what the lanes brought from a former process. */
    private volatile boolean isTrimDue = true;
    /** The lanes' ends when they were last trimmed, added up. */
    private volatile long trimmedAtEnds;

    private volatile int freeRounds;

    private boolean preparing;
    private List<CompletableFuture<Void>> wished = new ArrayList<>();
    private CompletableFuture<Void> lastCommit = CompletableFuture.completedFuture(null);

    public Uploader(UploadParts parts) {
        this.parts = parts;
        this.meters = new UploadMeters(parts.storage().meters());
        this.retries = new Retries(parts.storage().scheduler(), () -> closed);
        this.ids = new ObjectIds(parts.storage().metadata(), retries);
        this.freeRounds = parts.config().uploadsInFlight();
        long room =
                Math.min(parts.lanes().smallestCapacityBytes(), parts.config().tailCacheBytes());
        this.objectBytes = Math.max(1, Math.min(parts.config().objectBytes(), room / 4));
        this.tick = parts.storage().scheduler().scheduleRepeatedly(TICK_MS, this::tick);
    }

    /** {@code bytes} more wait for an upload. Cheap: called for each append. */
    public void pending(long bytes) {
        long all = pendingBytes.addAndGet(bytes);
        if (all == bytes) {
            pendingSinceNanos = parts.storage().clock().nanoTime();
        }
        if (all >= objectBytes && freeRounds > 0) {
            kick();
        }
    }

    /** Uploads everything appended so far; completes when it is committed (streams that were lost are left out). */
    public CompletableFuture<Void> uploadNow() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        synchronized (this) {
            if (closed) {
                return CompletableFuture.failedFuture(closedError());
            }
            wished.add(done);
        }
        kick();
        return done;
    }

    /** Completes when all rounds that have taken their runs before this call are committed or given up. */
    public synchronized CompletableFuture<Void> settled() {
        CompletableFuture<Void> after = new CompletableFuture<>();
        lastCommit.whenComplete((nothing, error) -> after.complete(null));
        return after;
    }

    /** Something that no round knows of has let go of WAL records: the lanes are trimmed when nothing is under way. */
    public void trimWhenIdle() {
        isTrimDue = true;
    }

    private void tick() {
        trimIfIdle();
        kick();
    }

    /**
     * A WAL may hold records that no round will ever begin for: those that a former process uploaded and did not live to trim, and those that
     * became durable after their partition had closed here.
     */
    private void trimIfIdle() {
        boolean isIdle = pendingBytes.get() == 0 && freeRounds == parts.config().uploadsInFlight();
        if (isIdle
                && !closed
                && (isTrimDue || ends() != trimmedAtEnds || parts.lanes().load() >= LOW_SPACE)) {
            isTrimDue = false;
            trimLanes();
        }
    }

    private long ends() {
        return parts.lanes().all().stream()
                .mapToLong(lane -> lane.wal().endLsn())
                .sum();
    }

    private void kick() {
        if (closed || !kicked.compareAndSet(false, true)) {
            return;
        }
        try {
            parts.storage().executor().execute(this::startIfDue);
        } catch (RejectedExecutionException e) {
            kicked.set(false);
            LOG.warn("The upload executor is full; the next trigger tries again");
        }
    }

    private void startIfDue() {
        kicked.set(false);
        List<CompletableFuture<Void>> answered;
        synchronized (this) {
            if (closed || preparing || freeRounds == 0 || !isDue()) {
                return;
            }
            preparing = true;
            freeRounds--;
            answered = wished;
            wished = new ArrayList<>();
            pendingBytes.set(0);
        }
        long startNanos = parts.storage().clock().nanoTime();
        CompletableFuture<List<SegmentRun>> taken = new UploadRound(parts, () -> pending(1)).takeRuns();
        if (!answered.isEmpty()) {
            parts.lanes().all().forEach(lane -> lane.wal().hurry()); // somebody waits until the runs are durable
        }
        taken.whenComplete((runs, error) -> {
                    if (error != null) {
                        runsTaken();
                    }
                })
                .thenCompose(this::upload)
                .whenComplete((nothing, error) -> finished(startNanos, answered, error));
    }

    private boolean isDue() {
        long pending = pendingBytes.get();
        if (!wished.isEmpty() || pending >= objectBytes) {
            return true;
        }
        long ageNanos = parts.storage().clock().nanoTime() - pendingSinceNanos;
        if (pending > 0 && ageNanos >= parts.config().uploadAgeMs() * 1_000_000L) {
            return true;
        }
        boolean idle = freeRounds == parts.config().uploadsInFlight();
        if (pending == 0 || !idle) {
            return false;
        }
        double load = parts.lanes().load();
        return load >= VERY_LOW_SPACE || (load >= LOW_SPACE && pending >= objectBytes / 8);
    }

    /** The runs are taken: the next round may take its own. Completes when this one is committed and the lanes are trimmed. */
    private CompletableFuture<Void> upload(List<SegmentRun> runs) {
        List<ObjectUpload> objects = new ArrayList<>();
        for (List<SegmentRun> group : BundlePlan.divide(
                runs, parts.config().largeRunBytes(), parts.config().maxObjectBytes())) {
            objects.add(new ObjectUpload(parts, retries, ids, meters, group));
        }
        CompletableFuture<Void> puts = UploadRound.putAll(objects);
        CompletableFuture<Void> committed;
        synchronized (this) {
            preparing = false;
            committed = lastCommit
                    .handle((nothing, error) -> null)
                    .thenCompose(nothing -> puts)
                    .thenCompose(nothing -> UploadRound.commitAll(objects))
                    .whenComplete((nothing, error) -> ended(objects, error))
                    .thenRunAsync(this::trimLanes, parts.storage().executor());
            lastCommit = committed;
        }
        kick();
        return committed;
    }

    private synchronized void runsTaken() {
        preparing = false;
    }

    private static void ended(List<ObjectUpload> objects, @Nullable Throwable error) {
        objects.forEach(ObjectUpload::release);
        if (error != null) {
            FreshetException cause = FreshetException.of(error);
            objects.forEach(object -> object.stop(cause));
        }
    }

    private void finished(long startNanos, List<CompletableFuture<Void>> answered, @Nullable Throwable error) {
        synchronized (this) {
            freeRounds++;
        }
        meters.roundTime.record(parts.storage().clock().nanoTime() - startNanos, TimeUnit.NANOSECONDS);
        if (error != null) {
            FreshetException cause = FreshetException.of(error);
            if (!closed) {
                LOG.error("An upload round was given up ({}): {}", cause.kind(), cause.getMessage(), cause);
            }
            answered.forEach(wish -> wish.completeExceptionally(cause));
        } else {
            answered.forEach(wish -> wish.complete(null));
        }
        kick();
    }

    /**
     * Frees each lane below the oldest record that any stream still needs. After the close the tails may be gone from memory
     * while their records are still needed: then nothing is trimmed (the lanes are closed before the tails are dropped).
     */
    private void trimLanes() {
        trimmedAtEnds = ends();
        for (WalLane lane : parts.lanes().all()) {
            if (!closed && lane.failure().isEmpty()) {
                trim(lane);
            }
        }
    }

    /** The lane's end is read before the tails are asked: all records below it have told their streams where they lie. */
    private void trim(WalLane lane) {
        WriteAheadLog wal = lane.wal();
        long needed = wal.endLsn();
        for (StreamTail tail : parts.tails().all()) {
            needed = Math.min(needed, tail.firstUncommittedLsn(lane.index()));
        }
        long lsn = needed;
        if (lsn <= wal.startLsn()) {
            return;
        }
        wal.trim(lsn).whenComplete((nothing, error) -> {
            if (error != null && !closed) {
                LOG.warn(
                        "The WAL lane {} could not be trimmed to LSN {}; the next upload tries again",
                        lane.name(),
                        lsn,
                        error);
            }
        });
    }

    private static FreshetException closedError() {
        return new FreshetException(ErrorKind.UNAVAILABLE, "Storage is closed; open it again");
    }

    /** Begins no more rounds; those under way are given up at their next step. What they did not commit is in the WAL. */
    @Override
    public void close() {
        List<CompletableFuture<Void>> unanswered;
        synchronized (this) {
            closed = true;
            unanswered = wished;
            wished = new ArrayList<>();
        }
        tick.cancel();
        unanswered.forEach(wish -> wish.completeExceptionally(closedError()));
    }
}
