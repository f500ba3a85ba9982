// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.StreamSegment;
import io.freshet.objectstore.PieceSource;
import io.freshet.storage.cache.IndexCache;
import io.freshet.storage.format.ObjectEncoder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes one object out of others and has the quorum swap the segments. What fails on the way leaves at most an object that
 * the quorum does not know, which is swept. One rewrite at a time, whose steps follow one another.
 */
final class ObjectRewriter {
    private static final Logger LOG = LoggerFactory.getLogger(ObjectRewriter.class);
    private static final int RANGE_IDS = 16;
    private static final int MAX_PIECE_BYTES = 2 << 20;
    /** What output takes: held by the store, in the piece on its way there, and in the encoder. */
    private static final int OUTPUT_BYTES = PieceSource.MAX_HELD_BYTES + 3 * MAX_PIECE_BYTES;

    private static final int MIN_CHUNK_BYTES = 64 << 10;
    private static final int MAX_CHUNK_BYTES = 8 << 20;
    private static final long COMMIT_PAUSE_MS = 1_000;
    private static final int MAX_COMMIT_TRIES = 20;

    /** What became of a rewrite: the new object, and the streams whose segments had changed meanwhile. */
    record Outcome(long objectId, long sizeBytes, Set<Long> refusedStreams) {}

    private final CompactionConfig config;
    private final CompactionParts parts;
    private final IndexCache indexes;
    private final ReadPace pace;
    private final BooleanSupplier mayGoOn;
    private long nextId;
    private long endId;
    private volatile long lastInputId = -1;

    /** @param mayGoOn false once the lease is lost or the service closed */
    ObjectRewriter(CompactionConfig config, CompactionParts parts, IndexCache indexes, BooleanSupplier mayGoOn) {
        this.config = config;
        this.parts = parts;
        this.indexes = indexes;
        this.mayGoOn = mayGoOn;
        this.pace = new ReadPace(
                config.bytesPerSecond(),
                parts.clock(),
                parts.scheduler(),
                () -> parts.isPaused().getAsBoolean() && mayGoOn.getAsBoolean());
    }

    /** The input that the last rewrite read last; names the culprit when it was CORRUPT. */
    long lastInputId() {
        return lastInputId;
    }

    /** Completes when the quorum has answered. */
    CompletableFuture<Outcome> run(Rewrite rewrite) {
        return run(rewrite, BatchTransform.UNCHANGED);
    }

    /** The same with other batches than the inputs hold. */
    CompletableFuture<Outcome> run(Rewrite rewrite, BatchTransform transform) {
        lastInputId = -1;
        return reserveId().thenCompose(objectId -> write(objectId, rewrite, transform));
    }

    private CompletableFuture<Long> reserveId() {
        if (nextId < endId) {
            return CompletableFuture.completedFuture(nextId++);
        }
        return parts.metadata().reserveObjectIds(RANGE_IDS).thenApply((IdRange range) -> {
            nextId = range.first() + 1;
            endId = range.end();
            return range.first();
        });
    }

    private CompletableFuture<Outcome> write(long objectId, Rewrite rewrite, BatchTransform transform) {
        long beganNanos = parts.clock().nanoTime();
        Map<Long, List<StreamSegment>> wanted = new HashMap<>();
        rewrite.inputs()
                .forEach(segment -> wanted.computeIfAbsent(segment.objectId(), id -> new ArrayList<>())
                        .add(segment));
        int chunkBytes = chunkBytes(rewrite);
        RewrittenPieces pieces = new RewrittenPieces(
                rewrite,
                transform,
                new ObjectEncoder(objectId, parts.brokerId(), config.shape().blockTargetBytes()),
                id -> new InputObject(
                        parts.objectStore(), indexes, pace, id, wanted.getOrDefault(id, List.of()), chunkBytes),
                () -> requireGoingOn(beganNanos),
                parts.executor(),
                (int) Math.min(MAX_PIECE_BYTES, config.memoryBytes() / 8));
        return parts.objectStore()
                .putPieces(ObjectKeys.dataKey(objectId), pieces)
                .whenComplete((nothing, error) -> lastInputId = pieces.currentObjectId())
                .thenCompose(nothing -> {
                    pieces.check();
                    SegmentReplacement swap = new SegmentReplacement(
                            parts.brokerId(),
                            parts.brokerEpoch(),
                            List.of(new SegmentReplacement.NewObject(objectId, pieces.sizeBytes())),
                            rewrite.inputs(),
                            pieces.segments());
                    return commit(swap, beganNanos, MAX_COMMIT_TRIES);
                })
                .thenApply(refused -> new Outcome(objectId, pieces.sizeBytes(), refused));
    }

    /** What output leaves of the memory is for inputs; a rewrite of one stream reads them one after the other. */
    private int chunkBytes(Rewrite rewrite) {
        int atOnce = rewrite.groups().size() == 1 ? 1 : rewrite.inputObjects().size();
        long share = Math.max(config.memoryBytes() / 8, config.memoryBytes() - OUTPUT_BYTES) / atOnce;
        return (int) Math.max(MIN_CHUNK_BYTES, Math.min(MAX_CHUNK_BYTES, share));
    }

    private CompletableFuture<Set<Long>> commit(SegmentReplacement swap, long beganNanos, int triesLeft) {
        requireGoingOn(beganNanos);
        return parts.compaction()
                .replace(swap)
                .handle((refused, error) -> {
                    if (error == null) {
                        return CompletableFuture.completedFuture(refused);
                    }
                    FreshetException cause = FreshetException.of(error);
                    boolean isUnsettled = cause.kind().isRetriable() || cause.kind() == ErrorKind.INDETERMINATE;
                    if (!isUnsettled || triesLeft == 1) {
                        return CompletableFuture.<Set<Long>>failedFuture(cause);
                    }
                    LOG.info(
                            "Object {} could not be committed ({}: {}); trying again in {} ms",
                            swap.objects().get(0).objectId(),
                            cause.kind(),
                            cause.getMessage(),
                            COMMIT_PAUSE_MS);
                    return later().thenCompose(nothing -> commit(swap, beganNanos, triesLeft - 1));
                })
                .thenCompose(next -> next);
    }

    private CompletableFuture<Void> later() {
        CompletableFuture<Void> due = new CompletableFuture<>();
        parts.scheduler().schedule(COMMIT_PAUSE_MS, () -> due.complete(null));
        return due;
    }

    /** Fails with UNAVAILABLE when no more work may be done. */
    void requireOpen() {
        if (!mayGoOn.getAsBoolean()) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Compaction stops: its lease was lost or it was closed; a later round goes on");
        }
    }

    /** Fails when nothing more may be written or committed: an object older than this could have been swept. */
    private void requireGoingOn(long beganNanos) {
        requireOpen();
        long ageMs = (parts.clock().nanoTime() - beganNanos) / 1_000_000;
        if (ageMs > parts.orphanGraceMs() / 2) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "A rewrite took " + ageMs + " ms, more than half of the orphans' grace period of "
                            + parts.orphanGraceMs() + " ms; it is given up. Raise the read rate or the grace period");
        }
    }
}
