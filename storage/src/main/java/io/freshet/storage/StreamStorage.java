// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler.Cancellable;
import io.freshet.common.stream.StreamState;
import io.freshet.storage.reclaim.ObjectReaper;
import io.freshet.storage.reclaim.OrphanSweeper;
import io.freshet.storage.recovery.LaneHealing;
import io.freshet.storage.recovery.LaneRecovery;
import io.freshet.storage.recovery.SealedTails;
import io.freshet.storage.recovery.TailRecovery;
import io.freshet.storage.stream.StreamMeters;
import io.freshet.storage.stream.StreamOpener;
import io.freshet.storage.stream.StreamParts;
import io.freshet.storage.tail.Backpressure;
import io.freshet.storage.tail.StreamTail;
import io.freshet.storage.tail.StreamTails;
import io.freshet.storage.tail.TailMemory;
import io.freshet.storage.tail.WalLane;
import io.freshet.storage.tail.WalLanes;
import io.freshet.storage.upload.UploadParts;
import io.freshet.storage.upload.Uploader;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A broker's storage: all its streams over its WAL lanes, one object store and the quorum. Safe for use by many threads; no
 * method but {@link #open(StorageConfig, StorageParts)} and {@link #close()} blocks.
 */
public final class StreamStorage implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StreamStorage.class);
    private static final long HOUSEKEEPING_MS = 250;

    private final StorageParts parts;
    private final StreamTails tails;
    private final WalLanes lanes;
    private final Backpressure backpressure;
    private final Uploader uploader;
    private final SealedTails sealed;
    private final StreamOpener opener;
    private final ObjectReaper reaper;
    private final OrphanSweeper sweeper;
    private final List<LaneHealing> healing;
    private final Cancellable housekeeping;
    private volatile boolean closed;

    private StreamStorage(
            StorageConfig config, StorageParts parts, StreamTails tails, TailMemory memory, WalLanes lanes) {
        this.parts = parts;
        this.tails = tails;
        this.lanes = lanes;
        this.backpressure = new Backpressure(lanes);
        this.uploader = new Uploader(new UploadParts(config, parts, tails, memory, lanes));
        this.sealed = new SealedTails(
                parts.sealedWals(), memory, parts.scheduler(), parts.meters(), this::uploadInBackground);
        this.opener = new StreamOpener(new StreamParts(
                parts.metadata(),
                parts.segmentReader(),
                tails,
                memory,
                lanes,
                backpressure,
                uploader,
                sealed,
                new StreamMeters(parts.meters())));
        this.reaper = new ObjectReaper(config, parts);
        this.sweeper = new OrphanSweeper(config, parts);
        this.healing = lanes.all().stream()
                .map(lane -> new LaneHealing(lane, tails, uploader, parts.clock(), parts.executor()))
                .toList();
        this.housekeeping = parts.scheduler().scheduleRepeatedly(HOUSEKEEPING_MS, this::keepHouse);
        registerGauges(parts.meters(), memory);
    }

    /**
     * Opens the WAL lanes and takes what they hold and the quorum has not committed into memory. Blocks while they are read.
     * The metadata must have caught up before: a stream that it does not know is taken for deleted, its WAL records are lost.
     * Fails with INVALID if the lanes could hold more than the tail cache.
     */
    public static StreamStorage open(StorageConfig config, StorageParts parts) {
        TailMemory memory = new TailMemory(config.tailCacheBytes());
        StreamTails tails = new StreamTails();
        TailRecovery recovery = new TailRecovery(
                parts.metadata(), tails, memory, streamId -> SealedTails.endOffset(parts.sealedWals(), streamId));
        long startNanos = parts.clock().nanoTime();
        WalLanes lanes = LaneRecovery.open(parts.lanes(), recovery, memory);
        try {
            config.checkWalCapacity(lanes.capacityBytes());
        } catch (FreshetException e) {
            lanes.close();
            recovery.abandon();
            throw e;
        }
        recovery.finish();
        LOG.info(
                "Recovered {} WAL records ({} bytes) of {} streams in {} ms; {} were uploaded before, {} rejected",
                recovery.keptRecords(),
                recovery.keptBytes(),
                tails.all().size(),
                (parts.clock().nanoTime() - startNanos) / 1_000_000,
                recovery.committedRecords(),
                recovery.rejectedRecords());
        parts.meters().counter("freshet.storage.recovery.records").increment(recovery.keptRecords());
        parts.meters().counter("freshet.storage.recovery.rejected").increment(recovery.rejectedRecords());
        return new StreamStorage(config, parts, tails, memory, lanes);
    }

    private void registerGauges(MeterRegistry meters, TailMemory memory) {
        gauge(meters, "freshet.storage.tail.bytes", memory, TailMemory::totalBytes);
        gauge(meters, "freshet.storage.tail.uncommitted.bytes", memory, TailMemory::uncommittedBytes);
        gauge(meters, "freshet.storage.tail.limit.bytes", memory, TailMemory::limitBytes);
        gauge(meters, "freshet.storage.tail.streams", tails, all -> all.all().size());
        for (WalLane lane : lanes.all()) {
            Gauge.builder("freshet.storage.wal.used", lane, WalLane::usedShare)
                    .tag("lane", lane.name())
                    .strongReference(true)
                    .register(meters);
            Gauge.builder(
                            "freshet.storage.wal.failed",
                            lane,
                            state -> state.failure().isPresent() ? 1 : 0)
                    .tag("lane", lane.name())
                    .strongReference(true)
                    .register(meters);
        }
        gauge(meters, "freshet.storage.overloaded", backpressure, state -> state.isOverloaded() ? 1 : 0);
    }

    private static <T> void gauge(MeterRegistry meters, String name, T source, ToDoubleFunction<T> value) {
        Gauge.builder(name, source, value).strongReference(true).register(meters);
    }

    /**
     * Opens a stream for its owner. Completes when its end is known: at most one object is read. Many streams may be opened
     * at once. An older ownership of the same stream in this process ends here (FENCED), its acknowledged bytes are kept.
     * Fails with FENCED if the stream is gone or the quorum has a newer leader epoch, UNAVAILABLE if the object store does
     * not answer.
     *
     * @param source gives the owner's state when a segment is sealed; called from upload threads once this has completed
     */
    public CompletableFuture<StreamLog> open(long streamId, int leaderEpoch, SegmentCheckpoint.Source source) {
        if (closed) {
            return CompletableFuture.failedFuture(closedError());
        }
        return opener.open(streamId, leaderEpoch, source)
                .handle((log, error) -> {
                    if (closed) { // its tail is gone from memory: the end that it would tell is not the stream's
                        return CompletableFuture.<StreamLog>failedFuture(closedError());
                    }
                    return error == null
                            ? CompletableFuture.completedFuture(log)
                            : CompletableFuture.<StreamLog>failedFuture(FreshetException.unwrap(error));
                })
                .thenCompose(outcome -> outcome);
    }

    private static FreshetException closedError() {
        return new FreshetException(ErrorKind.UNAVAILABLE, "Storage is closed; open it again");
    }

    /**
     * Seals and uploads everything appended so far; completes when it is committed and the WAL is trimmed. Used before a
     * clean stop, so that the next start has nothing to recover. Fails with UNAVAILABLE if storage is closed meanwhile.
     */
    public CompletableFuture<Void> uploadNow() {
        return uploader.uploadNow();
    }

    private void uploadInBackground() {
        uploader.uploadNow().whenComplete((nothing, error) -> {
            if (error != null) {
                LOG.debug("An upload that was to make room failed", error);
            }
        });
    }

    /**
     * Whether appends to some lane are, or soon will be, refused with THROTTLED because uploads lag: stop feeding the streams
     * that use it ({@link StreamLog#isOverloaded()}) for a while.
     */
    public boolean isOverloaded() {
        return backpressure.isOverloaded();
    }

    /**
     * {@code listener} is told {@link #isOverloaded()} after each change of any lane's load, and when a stream has left an
     * overloaded lane; it must be short.
     */
    public void addOverloadListener(Consumer<Boolean> listener) {
        backpressure.addListener(listener);
    }

    private void keepHouse() {
        backpressure.check();
        healing.forEach(LaneHealing::look);
        for (StreamTail tail : tails.all()) {
            if (tail.source() == null && tail.needsWal()) {
                dropIfNotNeeded(tail);
            }
        }
    }

    /**
     * Records that no owner here has: their stream was deleted, or another broker took it over with all of them, or may take them
     * from where they lie.
     */
    private void dropIfNotNeeded(StreamTail tail) {
        long streamId = tail.streamId();
        Optional<StreamState> known = parts.metadata().stream(streamId);
        boolean isStrangers = known.isPresent()
                && known.get().ownerId() != parts.brokerId()
                && lanes.all().stream().allMatch(lane -> tail.firstUncommittedLsn(lane.index()) == Long.MAX_VALUE);
        if (known.isPresent() && !isStrangers && (known.get().endOffset() < tail.endOffset() || tail.hasParked())) {
            return;
        }
        String why = known.isEmpty()
                ? "was deleted"
                : isStrangers
                        ? "has another owner, and no lane here holds it"
                        : "was committed up to " + tail.endOffset() + " by another broker";
        FreshetException reason = new FreshetException(
                ErrorKind.FENCED, "Stream " + streamId + " " + why + "; reload the cluster's state");
        LOG.debug("The recovered tail of stream {} is not needed: it {}", streamId, why);
        if (known.isEmpty() || isStrangers) {
            tails.drop(tail, reason);
        } else {
            tails.dropUnclaimed(tail, reason);
        }
        uploader.trimWhenIdle();
    }

    /** Why WAL lanes refuse appends at present, by lane. Empty while all work. */
    public Map<String, FreshetException> failedLanes() {
        Map<String, FreshetException> failed = new TreeMap<>();
        for (WalLane lane : lanes.all()) {
            lane.failure().ifPresent(cause -> failed.put(lane.name(), cause));
        }
        return failed;
    }

    /** Names of the WAL lanes that streams may use, the default first. */
    public List<String> laneNames() {
        return lanes.all().stream().map(WalLane::name).toList();
    }

    /**
     * Stops: entries handed to the WAL become durable or fail, uploads under way are given up, memory is given back. What
     * was not committed is recovered from the WAL at the next start. Blocks until the lanes have stopped.
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        housekeeping.cancel();
        healing.forEach(LaneHealing::close);
        sealed.close();
        reaper.close();
        sweeper.close();
        uploader.close();
        FreshetException reason = closedError();
        tails.all().forEach(tail -> tail.refuse(reason));
        lanes.close(); // before the tails go: no trim may be computed without them
        for (StreamTail tail : tails.all()) {
            tails.drop(tail, reason);
        }
    }
}
