// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler.Cancellable;
import io.freshet.metadata.mirror.MirrorObject.Header;
import io.freshet.metadata.mirror.MirrorObject.Kind;
import io.freshet.metadata.state.ClusterState.FrozenState;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes committed batches into the bucket, one piece at a time, each with all that was committed while the one before was
 * under way; nothing while nothing is committed. A synchronous mirror lets batches take effect only when they are in the
 * bucket, so no answer, listener, local read or snapshot ever shows a record that a restored node would not have.
 *
 * <p>Pieces follow one another without a hole, so the name of the next one is known, and whoever creates it first owns the
 * log: another writer's piece there ends this node. All fields belong to the metadata thread.
 */
public final class LogMirror implements CommitPath {
    private static final Logger LOG = LoggerFactory.getLogger(LogMirror.class);
    private static final int MAX_PIECE_BYTES = 8 << 20;

    private final MirrorSettings settings;
    private final MirrorSession session;
    private final MirrorHost host;
    private final long logEndAtStart;
    private final boolean isSync;
    private final MirrorShelf shelf;
    private final Deque<Step> steps = new ArrayDeque<>();
    private final Deque<Batch<ApiMessageAndVersion>> waiting = new ArrayDeque<>();
    private final List<Flush> flushes = new ArrayList<>();
    private long waitingBytes;
    private final Counter pieces;
    private volatile long durableEnd;
    private long committedEnd;
    private @Nullable ObjectWrite inFlight;
    private List<Batch<ApiMessageAndVersion>> inPiece = List.of();
    private @Nullable Cancellable stallTimer;
    private boolean isStalled;
    private boolean isBehindState;
    private boolean isBridging;
    private boolean isFlushTimed;
    private volatile boolean isClosed;

    /** @param logEndOffset the end of the local log when the node starts */
    public LogMirror(MirrorSettings settings, MirrorHost host, long logEndOffset, MeterRegistry registry) {
        this.settings = settings;
        this.session = settings.session();
        this.host = host;
        this.logEndAtStart = logEndOffset;
        this.isSync = settings.mode() == MirrorMode.SYNC;
        this.shelf = new MirrorShelf(session.store(), session.clusterId(), session.position());
        this.durableEnd = session.position().endOffset();
        this.committedEnd = durableEnd;
        session.requireLogUpTo(logEndOffset);
        this.pieces = registry.counter("freshet.metadata.mirror.pieces");
        Gauge.builder("freshet.metadata.mirror.offset", this, mirror -> mirror.durableEnd)
                .register(registry);
    }

    @Override
    public void commit(List<Batch<ApiMessageAndVersion>> batches, Runnable apply) {
        for (Batch<ApiMessageAndVersion> batch : batches) {
            if (batch.lastOffset() >= committedEnd) {
                waiting.add(batch);
                waitingBytes += batch.sizeInBytes();
                committedEnd = batch.lastOffset() + 1;
            }
        }
        if (isSync) {
            steps.add(new Step(batches.isEmpty() ? 0 : lastOf(batches).lastOffset() + 1, apply));
            runSteps();
            pump();
        } else {
            apply.run();
            dropIfTooMuch();
            pumpSoon();
        }
    }

    private static Batch<ApiMessageAndVersion> lastOf(List<Batch<ApiMessageAndVersion>> batches) {
        return batches.get(batches.size() - 1);
    }

    /** What is dropped is in the state already: a snapshot of it takes the records' place. */
    private void dropIfTooMuch() {
        if (waitingBytes > settings.maxWaitingBytes()) {
            LOG.warn(
                    "The metadata mirror is {} bytes behind; a snapshot will take the place of its records",
                    waitingBytes);
            waiting.clear();
            waitingBytes = 0;
            isBehindState = true;
        }
    }

    @Override
    public void after(Runnable event) {
        if (isSync) {
            steps.add(new Step(0, event));
            runSteps();
        } else {
            event.run();
        }
    }

    private void runSteps() {
        while (!steps.isEmpty() && steps.getFirst().end <= durableEnd && !isClosed) {
            steps.removeFirst().effect.run();
        }
    }

    @Override
    public void loaded(OffsetAndEpoch end) {
        committedEnd = Math.max(committedEnd, end.offset());
        if (end.offset() > durableEnd) {
            isBehindState = true;
            pump();
        }
    }

    private void pumpSoon() {
        if (!isFlushTimed && !isClosed) {
            isFlushTimed = true;
            settings.scheduler()
                    .schedule(
                            settings.asyncPeriodMs(),
                            () -> host.onMetadataThread(() -> {
                                isFlushTimed = false;
                                pump();
                            }));
        }
    }

    private void pump() {
        if (inFlight != null || isBridging || isClosed) {
            return;
        }
        if (isBehindState) {
            bridge();
            return;
        }
        while (!waiting.isEmpty() && waiting.getFirst().lastOffset() < durableEnd) {
            waitingBytes -= waiting.removeFirst().sizeInBytes();
        }
        if (!waiting.isEmpty()) {
            put(nextPiece());
        }
    }

    private ObjectWrite nextPiece() {
        List<ByteBuffer> runs = new ArrayList<>();
        List<Batch<ApiMessageAndVersion>> taken = new ArrayList<>();
        Batch<ApiMessageAndVersion> last = waiting.getFirst();
        for (int bytes = 0; bytes < MAX_PIECE_BYTES && !waiting.isEmpty(); ) {
            last = waiting.removeFirst();
            taken.add(last);
            waitingBytes -= last.sizeInBytes();
            bytes += last.sizeInBytes();
            runs.add(new MirrorRecords(
                            last.baseOffset(), last.lastOffset(), last.epoch(), last.appendTimestamp(), last.records())
                    .encode());
        }
        inPiece = taken;
        return piece(Kind.RECORDS, last.lastOffset() + 1, last.epoch(), last.appendTimestamp(), runs);
    }

    private ObjectWrite piece(Kind kind, long end, int epoch, long timestampMs, List<ByteBuffer> runs) {
        Header header =
                new Header(kind, durableEnd, end, epoch, timestampMs, session.writer(), shelf.snapshotBelow(end));
        return write(MirrorKeys.piece(session.clusterId(), durableEnd), header, runs);
    }

    private ObjectWrite write(String key, Header header, List<ByteBuffer> runs) {
        return new ObjectWrite(
                session.store(), settings.scheduler(), settings.maxRetryMs(), () -> isClosed, key, header, runs);
    }

    private void put(ObjectWrite piece) {
        inFlight = piece;
        stallTimer = settings.scheduler()
                .schedule(settings.stallAfterMs(), () -> host.onMetadataThread(() -> stallAt(piece)));
        piece.start().whenComplete((found, error) -> host.onMetadataThread(() -> onPut(piece, found, error)));
    }

    private void stallAt(ObjectWrite piece) {
        if (piece != inFlight || isClosed) {
            return;
        }
        String what = "The metadata mirror in " + session.store().describe() + " has not taken " + piece.key() + " for "
                + settings.stallAfterMs() + " ms (" + piece.lastError() + ")";
        LOG.warn("{}; trying on{}", what, isSync ? ", commands are refused meanwhile" : "");
        if (isSync) {
            isStalled = true;
            host.stalled(new FreshetException(
                    ErrorKind.UNAVAILABLE, what + "; no metadata can be changed until the store is back, retry later"));
        }
    }

    private void onPut(ObjectWrite piece, @Nullable Header found, @Nullable Throwable error) {
        if (isClosed) {
            return;
        }
        if (stallTimer != null) {
            stallTimer.cancel();
        }
        inFlight = null;
        if (error != null || found == null) {
            end(FreshetException.of(error == null ? new IllegalStateException("No header") : error));
        } else if (found.writer().equals(session.writer())) {
            onDurable(piece, found);
        } else if (isOwnPast(found)) {
            requeue(piece, found);
        } else {
            end(takenOver(piece, found));
        }
    }

    private void onDurable(ObjectWrite piece, Header header) {
        shelf.add(header);
        durableEnd = header.endOffset();
        pieces.increment();
        inPiece = List.of();
        if (isStalled) {
            isStalled = false;
            LOG.info("The metadata mirror has taken {}; commands are accepted again", piece.key());
            host.resumed();
        }
        runSteps();
        flushes.removeIf(flush -> flush.complete(durableEnd));
        if (isSync || !flushes.isEmpty()) {
            pump();
        } else if (!waiting.isEmpty() || isBehindState) {
            pumpSoon();
        }
    }

    /** A late write of the process before this one, with records that this directory had when it was opened. */
    private boolean isOwnPast(Header found) {
        return session.predecessor().filter(found.writer()::equals).isPresent() && found.endOffset() <= logEndAtStart;
    }

    /** Writes on behind the late piece: what it lacks of the refused one. */
    private void requeue(ObjectWrite piece, Header found) {
        LOG.info("Piece {} of the metadata mirror is a late write of this directory's last process", piece.key());
        shelf.add(found);
        durableEnd = found.endOffset();
        for (int i = inPiece.size() - 1; i >= 0; i--) {
            waiting.addFirst(inPiece.get(i));
            waitingBytes += inPiece.get(i).sizeInBytes();
        }
        inPiece = List.of();
        isBehindState |= piece.header().kind() == Kind.GAP && piece.header().endOffset() > durableEnd;
        runSteps();
        pump();
    }

    private FreshetException takenOver(ObjectWrite piece, Header found) {
        return new FreshetException(
                ErrorKind.FENCED,
                "Another process has taken over the metadata of cluster " + session.clusterId() + " in "
                        + session.store().describe() + ": " + piece.key() + " is its " + found.kind()
                        + ". This node stops; what it has not answered by now did not happen. Run one node only, and"
                        + " move this node's metadata directory away before it starts again");
    }

    /** Puts the present state in the place of records that are not to be had any more. */
    private void bridge() {
        isBridging = true;
        isBehindState = false;
        FrozenState frozen = host.freeze();
        boolean isAccepted = host.onSnapshotThread(() -> {
            MirrorSnapshots.Encoded encoded;
            try (frozen) {
                encoded = MirrorSnapshots.encode(frozen, session.writer());
            }
            put(encoded, () -> onBridged(encoded));
        });
        if (!isAccepted) {
            frozen.close();
        }
    }

    private void onBridged(MirrorSnapshots.Encoded snapshot) {
        isBridging = false;
        if (isClosed) {
            return;
        }
        shelf.offer(snapshot.ref());
        Header header = snapshot.header();
        if (header.endOffset() > durableEnd) {
            put(piece(Kind.GAP, header.endOffset(), header.epoch(), header.timestampMs(), List.of()));
        } else {
            pump();
        }
    }

    /** Runs {@code done} on the metadata thread when the snapshot is in the bucket; no other process writes its key. */
    private void put(MirrorSnapshots.Encoded snapshot, Runnable done) {
        String key = MirrorKeys.snapshot(session.clusterId(), snapshot.ref());
        write(key, snapshot.header(), snapshot.runs())
                .start()
                .whenComplete((found, error) -> host.onMetadataThread(() -> {
                    if (error == null) {
                        done.run();
                    } else {
                        end(FreshetException.of(error));
                    }
                }));
    }

    @Override
    public boolean wantsSnapshot() {
        return shelf.pieces() >= settings.piecesPerSnapshot() && !shelf.isSnapshotPending();
    }

    @Override
    public void writeSnapshot(FrozenState state) {
        MirrorSnapshots.Encoded encoded = MirrorSnapshots.encode(state, session.writer());
        host.onMetadataThread(() -> {
            if (!shelf.isSnapshotPending() && !isClosed) {
                shelf.expectSnapshot();
                put(encoded, () -> shelf.offer(encoded.ref()));
            }
        });
    }

    @Override
    public CompletableFuture<Void> flush() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        boolean isRunning = host.onMetadataThread(() -> {
            Flush flush = new Flush(committedEnd, done);
            if (isClosed) {
                done.completeExceptionally(stopped());
            } else if (!flush.complete(durableEnd)) {
                flushes.add(flush);
                pump();
            }
        });
        if (!isRunning) {
            done.complete(null);
        }
        return done;
    }

    private void end(FreshetException reason) {
        close();
        host.ended(reason);
    }

    @Override
    public void close() {
        isClosed = true;
        steps.clear();
        waiting.clear();
        if (stallTimer != null) {
            stallTimer.cancel();
        }
        flushes.forEach(flush -> flush.done.completeExceptionally(stopped()));
        flushes.clear();
    }

    private static FreshetException stopped() {
        return new FreshetException(ErrorKind.UNAVAILABLE, "The metadata mirror stopped before it was complete");
    }

    /** Something that takes effect when the mirror has reached {@code end}. */
    private record Step(long end, Runnable effect) {}

    private record Flush(long end, CompletableFuture<Void> done) {
        boolean complete(long durableEnd) {
            if (durableEnd < end) {
                return false;
            }
            done.complete(null);
            return true;
        }
    }
}
