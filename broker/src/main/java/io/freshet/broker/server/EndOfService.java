// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.membership.Lease;
import io.freshet.broker.membership.Membership;
import io.freshet.broker.partition.Ownership;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.MetadataNode;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices when a part that the node cannot do without has failed for good: its metadata, its place in the cluster that another
 * process has taken, or an s3 WAL lane that was fenced, as another owner may have its records. Such a node must end rather than answer half of what it is asked.
 * A block lane that fails is brought back instead. Safe for use by many threads; the first failure counts.
 */
public final class EndOfService {
    private static final Logger LOG = LoggerFactory.getLogger(EndOfService.class);
    private static final long LOOK_PERIOD_MS = 200;

    /**
     * A broker that is cut off together with the controller that it asks, often one and the same process, is told that its session goes
     * on, while others end the session and take its WAL. That lasts until this controller gives up, plus a session.
     */
    private static final long PATIENCE_MS = 20_000;

    private final CompletableFuture<FreshetException> failure = new CompletableFuture<>();
    private final Consumer<String> announcement;
    private volatile @Nullable Lease lease;
    private volatile boolean hadNoLease;
    private volatile boolean isReplaced;
    private long looksInDoubt;

    /** {@code announcement} is told why, once, before {@link #failure} completes. */
    public EndOfService(Consumer<String> announcement) {
        this.announcement = announcement;
    }

    /** Completes with what failed, possibly never. */
    public CompletableFuture<FreshetException> failure() {
        return failure.copy();
    }

    /** The node ends when {@code fault} completes. */
    public void watchMetadata(CompletableFuture<Throwable> fault) {
        fault.thenAccept(error -> end(reason(error)));
    }

    /** The node ends when the cluster does not know it under {@code ownership} any more; its image must have reached that. */
    public void watchRegistration(MetadataNode metadata, Ownership ownership) {
        metadata.addListener((delta, image) -> {
            if (!ownership.isCurrent(image)) {
                end(new FreshetException(
                        ErrorKind.FENCED,
                        "The cluster does not know this process as " + ownership
                                + " any more: another one has registered under its id, or it was taken out"));
            }
        });
    }

    private static FreshetException reason(Throwable error) {
        if (error instanceof FreshetException known && known.kind() == ErrorKind.FENCED) {
            return known;
        }
        return new FreshetException(
                ErrorKind.UNAVAILABLE,
                "The metadata engine failed (" + error.getMessage()
                        + "): look at the log above and at the disk, then start the node again",
                error);
    }

    /** The node ends when its registration is over. */
    public void watchMembership(Membership membership) {
        lease = membership.lease();
        membership.over().thenAccept(why -> {
            isReplaced = !why.mayRejoin();
            end(why.reason());
        });
    }

    /**
     * Whether the failure was a lapsed session, or the loss of a WAL that others took over because of that; a new registration
     * mends it. A WAL that is taken from a broker whose session goes on all the same is somebody's mistake: that needs a look.
     */
    public boolean mayRejoin() {
        FreshetException reason = failure.getNow(null);
        return reason != null && reason.kind() == ErrorKind.FENCED && hadNoLease && !isReplaced;
    }

    /**
     * Looks at {@code laneFailure} several times a second; the node ends when there is one. If others took the WAL of a broker that
     * believes to have a session, it first waits for what becomes of that; nothing is acknowledged on the WAL meanwhile.
     */
    public Scheduler.Cancellable watchWal(Supplier<Optional<FreshetException>> laneFailure, Scheduler scheduler) {
        return scheduler.scheduleRepeatedly(
                LOOK_PERIOD_MS, () -> laneFailure.get().ifPresent(this::lost));
    }

    private synchronized void lost(FreshetException reason) {
        Lease held = lease;
        boolean isInDoubt = reason.kind() == ErrorKind.FENCED && held != null && held.isHeld();
        if (!isInDoubt || looksInDoubt > PATIENCE_MS / LOOK_PERIOD_MS) {
            end(reason);
            return;
        }
        if (looksInDoubt == 0 && !failure.isDone()) {
            LOG.warn(
                    "This node waits up to {} s to see whether its session is over: {}",
                    PATIENCE_MS / 1000,
                    reason.getMessage());
        }
        looksInDoubt++;
    }

    private synchronized void end(FreshetException reason) {
        if (!failure.isDone()) {
            LOG.error("This node stops: {}", reason.getMessage());
            Lease held = lease;
            hadNoLease = held != null && !held.isHeld();
            announcement.accept(reason.getMessage());
            failure.complete(reason);
        }
    }
}
