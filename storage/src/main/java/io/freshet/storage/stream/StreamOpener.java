// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.stream;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.StreamLog;
import io.freshet.storage.tail.StreamTail;
import io.freshet.storage.tail.StreamTails.Opening;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Opens streams: takes over the tail that recovery or a former ownership left in this process, adds what sealed WALs hold and no
 * object does, and reads the owner's state from the last committed segment (one object read). Safe for use by many threads; one stream is opened by one at a time.
 */
public final class StreamOpener {
    private final StreamParts parts;

    public StreamOpener(StreamParts parts) {
        this.parts = parts;
    }

    /** As {@link io.freshet.storage.StreamStorage#open(long, int, SegmentCheckpoint.Source)}. */
    public CompletableFuture<StreamLog> open(long streamId, int leaderEpoch, SegmentCheckpoint.Source source) {
        Optional<FreshetException> refusal = refusal(parts.metadata().stream(streamId), streamId, leaderEpoch);
        if (refusal.isPresent()) {
            return CompletableFuture.failedFuture(refusal.get());
        }
        StreamTail present = parts.tails().get(streamId);
        if (present != null && present.leaderEpoch() > leaderEpoch) {
            return CompletableFuture.failedFuture(fenced(streamId, leaderEpoch, present.leaderEpoch()));
        }
        if (present == null) {
            return load(streamId, leaderEpoch, source);
        }
        present.suspend();
        return parts.uploader().settled().thenCompose(nothing -> load(streamId, leaderEpoch, source));
    }

    private CompletableFuture<StreamLog> load(long streamId, int leaderEpoch, SegmentCheckpoint.Source source) {
        return Reloading.whileMissing(() -> loadOnce(streamId, leaderEpoch, source));
    }

    private CompletableFuture<StreamLog> loadOnce(long streamId, int leaderEpoch, SegmentCheckpoint.Source source) {
        Optional<StreamState> known = parts.metadata().stream(streamId);
        Optional<FreshetException> refusal = refusal(known, streamId, leaderEpoch);
        if (refusal.isPresent() || known.isEmpty()) {
            return CompletableFuture.failedFuture(refusal.orElseThrow());
        }
        StreamState state = known.get();
        Opening opening = suspendedTail(state);
        StreamTail tail = opening.tail();
        tail.trimmed(state.startOffset());
        return parts.sealed().fill(state, opening).thenCompose(filled -> {
            long openedEnd = tail.committedEndOffset();
            return Reloading.whileMissing(() -> checkpointAt(streamId, openedEnd))
                    .thenApply(checkpoint -> activated(leaderEpoch, source, opening, openedEnd, checkpoint));
        });
    }

    private StreamLog activated(
            int leaderEpoch,
            SegmentCheckpoint.Source source,
            Opening opening,
            long openedEnd,
            Optional<SegmentCheckpoint> checkpoint) {
        StreamTail tail = opening.tail();
        tail.activate(opening.number(), leaderEpoch, source);
        long waiting = tail.uncommittedPayloadBytes();
        if (waiting > 0) {
            parts.uploader().pending(waiting);
            parts.backpressure().check();
        }
        return new OpenStream(parts, tail, leaderEpoch, openedEnd, checkpoint);
    }

    /** The tail in this process, brought up to what the quorum has committed, or a new one. */
    private Opening suspendedTail(StreamState state) {
        StreamTail present = parts.tails().get(state.streamId());
        if (present != null && present.endOffset() < state.endOffset()) {
            parts.tails()
                    .replace(
                            present,
                            emptyTail(state),
                            fenced(state.streamId(), present.leaderEpoch(), state.leaderEpoch()));
        }
        Opening opening = parts.tails().suspendForOpen(emptyTail(state));
        opening.tail().committed(state.endOffset());
        return opening;
    }

    private StreamTail emptyTail(StreamState state) {
        return new StreamTail(state.streamId(), state.startOffset(), state.endOffset(), parts.memory());
    }

    private CompletableFuture<Optional<SegmentCheckpoint>> checkpointAt(long streamId, long endOffset) {
        List<StreamSegment> last = endOffset == 0 ? List.of() : parts.metadata().segments(streamId, endOffset - 1, 1);
        if (last.isEmpty() || last.get(0).endOffset() != endOffset) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        return parts.reader().checkpoint(last.get(0)).thenApply(Optional::of);
    }

    private static Optional<FreshetException> refusal(Optional<StreamState> known, long streamId, int leaderEpoch) {
        if (known.isEmpty()) {
            return Optional.of(new FreshetException(
                    ErrorKind.FENCED, "Stream " + streamId + " does not exist (any more); reload the cluster's state"));
        }
        int present = known.get().leaderEpoch();
        return present > leaderEpoch ? Optional.of(fenced(streamId, leaderEpoch, present)) : Optional.empty();
    }

    private static FreshetException fenced(long streamId, int leaderEpoch, int present) {
        return new FreshetException(
                ErrorKind.FENCED,
                "Stream " + streamId + " cannot be opened under leader epoch " + leaderEpoch + ": " + present
                        + " is newer; reload its state");
    }
}
