// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.upload;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.storage.format.EncodedObject;
import io.freshet.storage.format.ObjectEncoder;
import io.freshet.storage.tail.StreamTail;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One object on its way: encoded and put by {@link #put()}, then made part of the manifests by {@link #commit}. Both are
 * repeated until they succeed, under the same id as long as the object is young, so that a lost answer does no harm. Used by one round; its steps follow
 * each other.
 */
final class ObjectUpload {
    private static final Logger LOG = LoggerFactory.getLogger(ObjectUpload.class);

    private final UploadParts parts;
    private final Retries retries;
    private final ObjectIds ids;
    private final UploadMeters meters;
    private List<SegmentRun> runs;
    private Optional<ObjectCommit> commit = Optional.empty();
    private volatile long lastPutNanos;

    ObjectUpload(UploadParts parts, Retries retries, ObjectIds ids, UploadMeters meters, List<SegmentRun> runs) {
        this.parts = parts;
        this.retries = retries;
        this.ids = ids;
        this.meters = meters;
        this.runs = runs;
    }

    /** Completes when the object is durable in the store. */
    CompletableFuture<Void> put() {
        return ids.next().thenComposeAsync(this::encodeAndPut, parts.storage().executor());
    }

    /** Gives the batches' references back: when all steps have ended. */
    void release() {
        runs.forEach(run -> run.run().release());
    }

    private CompletableFuture<Void> encodeAndPut(long objectId) {
        Optional<EncodedObject> encoded = prepare(objectId);
        if (encoded.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        EncodedObject object = encoded.get();
        return retries.untilDone("put object " + ObjectKeys.dataKey(objectId), error -> false, () -> putOnce(object))
                .thenRun(() -> {
                    meters.objects.increment();
                    meters.bytes.increment(object.sizeBytes());
                });
    }

    private CompletableFuture<Void> putOnce(EncodedObject object) {
        long beganNanos = parts.storage().clock().nanoTime();
        return parts.storage()
                .objectStore()
                .put(ObjectKeys.dataKey(object.objectId()), object.body())
                .thenRun(() -> lastPutNanos = beganNanos);
    }

    /**
     * A commit that had to wait for the quorum for long has its object written anew, under another id: by then a sweeper may
     * have taken the old one for an orphan, and its deletion may be under way.
     */
    private CompletableFuture<Set<Long>> commitOnce() {
        long ageNanos = parts.storage().clock().nanoTime() - lastPutNanos;
        boolean isFresh = ageNanos < parts.config().orphanGraceMs() * 1_000_000L / 2;
        CompletableFuture<Void> written = isFresh
                ? CompletableFuture.completedFuture(null)
                : ids.next().thenComposeAsync(this::putAnew, parts.storage().executor());
        return written.thenCompose(nothing -> commit.isEmpty()
                ? CompletableFuture.completedFuture(Set.of())
                : parts.storage().metadata().commitObject(commit.get()));
    }

    private CompletableFuture<Void> putAnew(long objectId) {
        Optional<EncodedObject> encoded = prepare(objectId);
        return encoded.isEmpty() ? CompletableFuture.completedFuture(null) : putOnce(encoded.get());
    }

    /** Encodes the object and its commit under {@code objectId}; empty if nothing sound is left. */
    private Optional<EncodedObject> prepare(long objectId) {
        Optional<EncodedObject> encoded = encode(objectId);
        commit = encoded.map(object -> new ObjectCommit(
                objectId,
                object.sizeBytes(),
                parts.storage().brokerId(),
                parts.storage().brokerEpoch(),
                segmentCommits(object)));
        return encoded;
    }

    private List<SegmentCommit> segmentCommits(EncodedObject object) {
        List<SegmentCommit> commits = new ArrayList<>();
        for (int i = 0; i < runs.size(); i++) {
            StreamSegment segment = object.segments().get(i);
            if (segment.streamId() != runs.get(i).tail().streamId()) {
                throw new IllegalStateException("Encoded " + segment + " where stream "
                        + runs.get(i).tail().streamId() + " was expected");
            }
            commits.add(new SegmentCommit(segment, runs.get(i).leaderEpoch()));
        }
        return commits;
    }

    private Optional<EncodedObject> encode(long objectId) {
        try {
            return Optional.of(encodeAll(objectId, runs));
        } catch (FreshetException e) {
            LOG.error("Object {} could not be encoded; looking for the stream to leave out", objectId, e);
        }
        List<SegmentRun> sound = new ArrayList<>();
        for (SegmentRun run : runs) {
            try {
                encodeAll(objectId, List.of(run));
                sound.add(run);
            } catch (FreshetException e) {
                run.run().release();
                run.tail()
                        .stopUploads(new FreshetException(
                                ErrorKind.CORRUPT,
                                "Batches of stream " + run.tail().streamId()
                                        + " in memory do not verify; the stream is stopped, "
                                        + "its bytes stay in the WAL: " + e.getMessage(),
                                e));
                LOG.error(
                        "Stream {} is stopped and left out of uploads",
                        run.tail().streamId(),
                        e);
            }
        }
        runs = sound;
        return sound.isEmpty() ? Optional.empty() : Optional.of(encodeAll(objectId, sound));
    }

    private EncodedObject encodeAll(long objectId, List<SegmentRun> contents) {
        ObjectEncoder encoder = new ObjectEncoder(
                objectId, parts.storage().brokerId(), parts.config().blockTargetBytes());
        for (SegmentRun run : contents) {
            encoder.add(run.content());
        }
        return encoder.finish();
    }

    /** Completes when the quorum has answered and the tails know. Fails with FENCED if this broker's registration is old. */
    CompletableFuture<Void> commit() {
        if (commit.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        return retries.untilDone(
                        "commit object " + commit.get().objectId(),
                        error -> error.kind() == ErrorKind.FENCED,
                        this::commitOnce)
                .thenAcceptAsync(this::committed, parts.storage().executor());
    }

    private void committed(Set<Long> refused) {
        for (SegmentRun run : runs) {
            if (refused.contains(run.tail().streamId())) {
                meters.refusedSegments.increment();
                refused(run);
            } else {
                meters.segments.increment();
                run.tail().committed(run.run().endOffset());
                parts.tails().removeIfDrained(run.tail());
            }
        }
        parts.memory().evictOverBudget();
    }

    private void refused(SegmentRun run) {
        StreamTail tail = run.tail();
        Optional<StreamState> known = parts.storage().metadata().stream(tail.streamId());
        if (known.isEmpty()) {
            LOG.info("Stream {} was deleted; its tail is dropped", tail.streamId());
            parts.tails().drop(tail, fenced(tail, "it was deleted"));
            return;
        }
        StreamState state = known.get();
        if (state.leaderEpoch() == run.leaderEpoch()
                && state.endOffset() >= run.run().endOffset()) {
            tail.committed(run.run().endOffset());
            return;
        }
        if (state.ownerId() == parts.storage().brokerId()) {
            LOG.warn(
                    "Segment [{}, {}) of stream {} under leader epoch {} was refused, the quorum has {}; its tail waits "
                            + "until the stream is opened again",
                    run.run().startOffset(),
                    run.run().endOffset(),
                    tail.streamId(),
                    run.leaderEpoch(),
                    state);
            tail.stopUploads(fenced(tail, "the quorum has " + state));
            return;
        }
        LOG.warn(
                "Stream {} under leader epoch {} went to another owner, the quorum has {}; its tail [{}, {}) is dropped",
                tail.streamId(),
                run.leaderEpoch(),
                state,
                run.run().startOffset(),
                tail.endOffset());
        parts.tails().drop(tail, fenced(tail, "the quorum has " + state));
    }

    private static FreshetException fenced(StreamTail tail, String why) {
        return new FreshetException(
                ErrorKind.FENCED, "Stream " + tail.streamId() + " is not ours any more: " + why + "; reload its state");
    }

    /** This round was given up: its streams take no more appends until opened again. Their bytes stay in the WAL. */
    void stop(FreshetException cause) {
        runs.forEach(run -> run.tail().stopUploads(cause));
    }
}
