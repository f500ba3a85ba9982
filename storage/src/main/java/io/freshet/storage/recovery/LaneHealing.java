// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.recovery;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.storage.StorageParts.WalReopener;
import io.freshet.storage.tail.StreamTail;
import io.freshet.storage.tail.StreamTails;
import io.freshet.storage.tail.WalLane;
import io.freshet.storage.upload.Uploader;
import io.freshet.wal.WriteAheadLog;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings one WAL lane back after a device error, without a restart. What the lane acknowledged is still in the tails, what
 * failed was never acknowledged, though the device may hold it. So, in this order: all appends under way have been told of
 * the failure; everything that the lane made durable is uploaded and committed; the WAL is replaced by an empty one, which
 * makes what the device holds unreachable; the streams that failed take appends again. If the process dies before the WAL is
 * replaced, the next start recovers it as ever.
 *
 * <p>{@link #look} is called several times a second by one thread at a time and does not block; the work runs on the executor.
 */
public final class LaneHealing {
    private static final Logger LOG = LoggerFactory.getLogger(LaneHealing.class);
    private static final long FIRST_PAUSE_MS = 250;
    private static final long LONGEST_PAUSE_MS = 4000;
    /** A lane that worked for so long after it was brought back is tried at once when it fails again. */
    private static final long STABLE_MS = 60_000;

    private final WalLane lane;
    private final StreamTails tails;
    private final Uploader uploader;
    private final Clock clock;
    private final Executor executor;
    private @Nullable FreshetException noticed;
    private long pauseMs = FIRST_PAUSE_MS;
    private long notBeforeNanos;
    private volatile boolean isUploading;
    private volatile boolean isReopening;
    private volatile boolean closed;
    private volatile long lastTryNanos;

    public LaneHealing(WalLane lane, StreamTails tails, Uploader uploader, Clock clock, Executor executor) {
        this.lane = lane;
        this.tails = tails;
        this.uploader = uploader;
        this.clock = clock;
        this.executor = executor;
    }

    /** Takes the next step, if the lane has failed and the step's time has come. */
    public void look() {
        FreshetException failure = lane.failure().orElse(null);
        WalReopener reopener = lane.reopener().orElse(null);
        if (failure == null || reopener == null || isReopening || closed) {
            return;
        }
        notice(failure);
        if (!lane.hasAnsweredAll() || clock.nanoTime() - notBeforeNanos < 0) {
            return;
        }
        if (isNeeded()) {
            upload();
            return;
        }
        if (closed) {
            return; // the tails go when storage closes: that none needs the lane says nothing then
        }
        pauseBeforeNext();
        isReopening = true;
        try {
            executor.execute(() -> reopen(reopener));
        } catch (RejectedExecutionException e) {
            isReopening = false;
            LOG.warn("The upload executor is full; WAL lane {} is tried again later", lane.name());
        }
    }

    private void notice(FreshetException failure) {
        if (failure.equals(noticed)) {
            return;
        }
        noticed = failure;
        long now = clock.nanoTime();
        if (now - lastTryNanos > STABLE_MS * 1_000_000) {
            pauseMs = FIRST_PAUSE_MS;
        }
        notBeforeNanos = now + pauseMs * 1_000_000;
        LOG.error(
                "WAL lane {} has failed: appends to it are refused until its records are uploaded and it works again. {}",
                lane.name(),
                failure.getMessage());
    }

    private void pauseBeforeNext() {
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
        notBeforeNanos = clock.nanoTime() + pauseMs * 1_000_000;
    }

    private boolean isNeeded() {
        for (StreamTail tail : tails.all()) {
            if (tail.firstUncommittedLsn(lane.index()) != Long.MAX_VALUE) {
                return true;
            }
        }
        return false;
    }

    private void upload() {
        if (!isUploading) {
            isUploading = true;
            uploader.uploadNow().whenComplete((nothing, error) -> isUploading = false);
        }
    }

    private void reopen(WalReopener reopener) {
        try {
            lane.wal().close();
            WriteAheadLog renewed = reopener.reopen();
            if (!lane.replace(renewed)) {
                renewed.close();
                return;
            }
            for (StreamTail tail : tails.all()) {
                tail.laneRenewed(lane);
                tails.removeIfDrained(tail);
            }
            LOG.info("WAL lane {} works again, with an empty WAL: all it acknowledged is in objects", lane.name());
        } catch (RuntimeException e) {
            LOG.warn("WAL lane {} does not work yet; it is tried again: {}", lane.name(), e.getMessage(), e);
        } finally {
            lastTryNanos = clock.nanoTime();
            isReopening = false;
        }
    }

    /** Takes no more steps. To be called before any tail leaves memory without being committed. */
    public void close() {
        closed = true;
    }
}
