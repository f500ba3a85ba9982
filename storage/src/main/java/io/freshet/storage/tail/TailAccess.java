// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.storage.SegmentCheckpoint;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether a stream takes appends, from which owner, and why not: opening, closing, failed lanes. Changed only under the lock of
 * its {@link StreamTail}; the volatile fields may be read by any thread.
 */
final class TailAccess {
    private final long streamId;
    private volatile int leaderEpoch = -1;
    private volatile SegmentCheckpoint.@Nullable Source source;
    private volatile @Nullable FreshetException refusal;
    private boolean closed;
    private boolean isClaimed;
    private long openings;
    /** Set when a lane could not say whether it holds the stream's last entries: until its recovery, or until it holds nothing. */
    private @Nullable FreshetException laneFailure;

    private @Nullable WalLane failedLane;

    TailAccess(long streamId) {
        this.streamId = streamId;
    }

    int leaderEpoch() {
        return leaderEpoch;
    }

    SegmentCheckpoint.@Nullable Source source() {
        return source;
    }

    Optional<FreshetException> refusal() {
        return Optional.ofNullable(refusal);
    }

    boolean isClaimed() {
        return isClaimed;
    }

    /** The number of this opening; a later one takes the stream from it. */
    long suspend() {
        isClaimed = true;
        closed = false;
        stop(new FreshetException(
                ErrorKind.UNAVAILABLE, "Stream " + streamId + " is being opened; retry when that has completed"));
        return ++openings;
    }

    /** No opening that has begun may come to its end. */
    void endOpenings() {
        openings++;
    }

    /** Fails with FENCED if another opening has begun since, or the tail was dropped. */
    void requireOpening(long opening) {
        if (opening != openings) {
            throw new FreshetException(
                    ErrorKind.FENCED, "Stream " + streamId + " was opened anew meanwhile; use the newest handle");
        }
    }

    void activate(int newLeaderEpoch, SegmentCheckpoint.Source newSource) {
        leaderEpoch = newLeaderEpoch;
        refusal = laneFailure;
        source = newSource;
    }

    /** Records of this epoch were found in the WAL. */
    void recovered(int epoch) {
        leaderEpoch = epoch;
    }

    void laneFailed(WalLane lane, FreshetException reason) {
        laneFailure = reason;
        failedLane = lane;
    }

    void laneRenewed(WalLane lane) {
        FreshetException failure = laneFailure;
        if (failure == null || !lane.equals(failedLane)) {
            return;
        }
        laneFailure = null;
        failedLane = null;
        if (source != null && failure.equals(refusal)) {
            refusal = null;
        }
    }

    void close() {
        closed = true;
        refuse(new FreshetException(
                ErrorKind.FENCED, "Stream " + streamId + " was closed by its owner; reload the ownership"));
    }

    /** Whether the owner left, and no lane may hold what nobody knows of. */
    boolean isOver() {
        return closed && laneFailure == null;
    }

    void refuse(FreshetException reason) {
        FreshetException present = refusal;
        if (present == null || present.kind() != ErrorKind.FENCED) {
            refusal = reason;
        }
    }

    /** Nothing is sealed any more with the owner's state. */
    void forgetSource() {
        source = null;
    }

    /** Refuses appends whatever the reason was before, and seals nothing any more. */
    void stop(FreshetException reason) {
        refusal = reason;
        source = null;
    }

    /** Throws FENCED for another owner's epoch, or the reason of a refusal. */
    void check(int epoch) {
        if (epoch != leaderEpoch) {
            throw new FreshetException(
                    ErrorKind.FENCED,
                    "Stream " + streamId + " is open under leader epoch " + leaderEpoch + ", not " + epoch
                            + " any more; reload the ownership");
        }
        FreshetException reason = refusal;
        if (reason != null) {
            throw new FreshetException(
                    reason.kind(), "Stream " + streamId + " takes no appends: " + reason.getMessage(), reason);
        }
    }
}
