// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.upload;

import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.tail.StreamTail;
import io.freshet.storage.tail.TailRun;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes what all streams have that no earlier round took: asks each owner for its state, waits until everything up to that
 * state is durable, and takes the runs. One round at a time does this; the rounds' puts overlap. Runs on the upload executor.
 */
final class UploadRound {
    private static final Logger LOG = LoggerFactory.getLogger(UploadRound.class);

    private record Candidate(
            StreamTail tail,
            SegmentCheckpoint.Source source,
            int leaderEpoch,
            SegmentCheckpoint checkpoint,
            CompletableFuture<Boolean> durable) {
        /** Whether the state was asked from whoever owns the stream now: one whose appends failed has another. */
        boolean isPresent() {
            return source.equals(tail.source()) && leaderEpoch == tail.leaderEpoch();
        }
    }

    private final UploadParts parts;
    private final Runnable leftOver;

    /** @param leftOver called for each stream that has data which this round could not take */
    UploadRound(UploadParts parts, Runnable leftOver) {
        this.parts = parts;
        this.leftOver = leftOver;
    }

    /** Completes with the runs of all streams that have new data. */
    CompletableFuture<List<SegmentRun>> takeRuns() {
        List<Candidate> candidates = new ArrayList<>();
        for (StreamTail tail : parts.tails().all()) {
            seal(tail).ifPresent(candidates::add);
        }
        CompletableFuture<?>[] waits =
                candidates.stream().map(Candidate::durable).toArray(CompletableFuture[]::new);
        return CompletableFuture.allOf(waits)
                .thenApplyAsync(nothing -> take(candidates), parts.storage().executor());
    }

    private Optional<Candidate> seal(StreamTail tail) {
        SegmentCheckpoint.Source source = tail.source();
        long planned = tail.plannedEndOffset();
        if (source == null || tail.endOffset() <= planned) {
            return Optional.empty();
        }
        int leaderEpoch = tail.leaderEpoch();
        try {
            SegmentCheckpoint checkpoint = source.checkpoint();
            if (checkpoint.endOffset() <= planned) {
                leftOver.run();
                return Optional.empty();
            }
            return Optional.of(
                    new Candidate(tail, source, leaderEpoch, checkpoint, tail.whenDurable(checkpoint.endOffset())));
        } catch (RuntimeException e) {
            LOG.warn(
                    "Stream {} gave no state to seal a segment with; it is left for the next upload",
                    tail.streamId(),
                    e);
            leftOver.run();
            return Optional.empty();
        }
    }

    private List<SegmentRun> take(List<Candidate> candidates) {
        List<SegmentRun> runs = new ArrayList<>();
        for (Candidate candidate : candidates) {
            StreamTail tail = candidate.tail();
            if (!candidate.durable().getNow(false) || !candidate.isPresent()) {
                leftOver.run();
                continue;
            }
            Optional<TailRun> run = tail.plan(candidate.checkpoint().endOffset());
            if (run.isPresent()) {
                runs.add(new SegmentRun(tail, candidate.leaderEpoch(), run.get(), candidate.checkpoint()));
            } else {
                leftOver.run();
                LOG.warn(
                        "Stream {} has no run of appends that ends at {}, the end of its owner's state; it is left for "
                                + "the next upload",
                        tail.streamId(),
                        candidate.checkpoint().endOffset());
            }
        }
        return runs;
    }

    /** Puts the objects one after the other's beginning; completes when all are durable. */
    static CompletableFuture<Void> putAll(List<ObjectUpload> objects) {
        return CompletableFuture.allOf(objects.stream().map(ObjectUpload::put).toArray(CompletableFuture[]::new));
    }

    /** Commits the objects in order. */
    static CompletableFuture<Void> commitAll(List<ObjectUpload> objects) {
        CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
        for (ObjectUpload object : objects) {
            done = done.thenCompose(nothing -> object.commit());
        }
        return done;
    }
}
