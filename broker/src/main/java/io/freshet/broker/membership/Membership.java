// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.membership;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.HeartbeatAnswer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Heartbeats of one registration, from {@link #start} until it is over or closed. Each answer extends the {@link Lease},
 * counted from the instant at which the heartbeat was sent, which is never later than the one from which the controller
 * counts the session; the lease is a sixth shorter besides, so it ends first though clocks drift and work that has begun
 * takes a moment. State is guarded by this object's lock, held for a few stores.
 */
public final class Membership implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Membership.class);
    private static final int MARGIN_DIVISOR = 6;
    /** From one heartbeat to the next while the broker waits to be relieved. */
    private static final long LEAVING_MS = 50;

    private final MembershipConfig config;
    private final Function<BrokerHeartbeat, CompletableFuture<HeartbeatAnswer>> controller;
    private final LongSupplier appliedOffset;
    private final Clock clock;
    private final Scheduler scheduler;
    private final Lease lease;
    private final CompletableFuture<Void> unfenced = new CompletableFuture<>();
    private final CompletableFuture<Void> relieved = new CompletableFuture<>();
    private final CompletableFuture<Over> over = new CompletableFuture<>();
    private long brokerEpoch = -1;
    private boolean isReady;
    private boolean wantsShutdown;
    private boolean isClosed;
    /** When the newest heartbeat without an answer was sent; null if all are answered. */
    private @Nullable Long unansweredSinceNs;

    private Scheduler.@Nullable Cancellable beating;
    private boolean wasHeld;

    /**
     * @param controller sends a heartbeat to the active controller
     * @param appliedOffset how far this node's metadata are
     */
    public Membership(
            MembershipConfig config,
            Function<BrokerHeartbeat, CompletableFuture<HeartbeatAnswer>> controller,
            LongSupplier appliedOffset,
            Clock clock,
            Scheduler scheduler,
            MeterRegistry meters) {
        this.config = config;
        this.controller = controller;
        this.appliedOffset = appliedOffset;
        this.clock = clock;
        this.scheduler = scheduler;
        this.lease = new Lease(clock);
        Gauge.builder("freshet.membership.lease.held", lease, held -> held.isHeld() ? 1 : 0)
                .register(meters);
    }

    /**
     * Why a registration is over.
     *
     * @param mayRejoin whether this process should register anew; if not, another process has this broker's id
     */
    public record Over(FreshetException reason, boolean mayRejoin) {}

    public Lease lease() {
        return lease;
    }

    /** Begins: the broker lives, but is not ready for clients. */
    public synchronized void start(long registeredEpoch) {
        brokerEpoch = registeredEpoch;
        beating = scheduler.scheduleRepeatedly(config.intervalMs(), this::beatIfDue);
        scheduler.schedule(0, this::beatIfDue);
    }

    /** The broker is ready for clients; completes when the cluster knows, and the lease has begun. */
    public CompletableFuture<Void> ready() {
        synchronized (this) {
            isReady = true;
            unansweredSinceNs = null;
        }
        beatIfDue();
        return unfenced.copy();
    }

    /** The broker wants to stop; completes when it leads nothing any more, or nobody could take what it leads. */
    public CompletableFuture<Void> leave() {
        synchronized (this) {
            wantsShutdown = true;
            unansweredSinceNs = null;
        }
        beatIfDue();
        return relieved.copy();
    }

    /** Completes when this registration is over for good; the lease has ended before. */
    public CompletableFuture<Over> over() {
        return over.copy();
    }

    private void beatIfDue() {
        BrokerHeartbeat heartbeat;
        long sentAtNs = clock.nanoTime();
        synchronized (this) {
            noteLapse();
            if (isClosed || over.isDone() || isWaiting(sentAtNs)) {
                return;
            }
            unansweredSinceNs = sentAtNs;
            heartbeat = new BrokerHeartbeat(
                    config.brokerId(), brokerEpoch, appliedOffset.getAsLong(), isReady, wantsShutdown);
        }
        CompletableFuture<HeartbeatAnswer> answer;
        try {
            answer = controller.apply(heartbeat);
        } catch (RuntimeException e) {
            answer = CompletableFuture.failedFuture(e);
        }
        answer.whenComplete((value, error) -> {
            if (error == null) {
                answered(heartbeat, value, sentAtNs);
            } else {
                failed(FreshetException.of(error), sentAtNs);
            }
        });
    }

    private boolean isWaiting(long nowNs) {
        Long since = unansweredSinceNs;
        return since != null && nowNs - since < TimeUnit.MILLISECONDS.toNanos(config.answerTimeoutMs());
    }

    private void answered(BrokerHeartbeat heartbeat, HeartbeatAnswer answer, long sentAtNs) {
        if (answer.isOver()) {
            end(new Over(
                    new FreshetException(
                            ErrorKind.FENCED,
                            "Broker " + config.brokerId() + ", epoch " + brokerEpoch
                                    + ", was not heard of for longer than its session; it registers anew"),
                    true));
            return;
        }
        synchronized (this) {
            clearUnanswered(sentAtNs);
            if (isClosed || over.isDone()) {
                return;
            }
            if (!answer.isFenced()) {
                long leaseMs = answer.sessionTimeoutMs() - answer.sessionTimeoutMs() / MARGIN_DIVISOR;
                lease.extendTo(sentAtNs + TimeUnit.MILLISECONDS.toNanos(leaseMs));
                noteHeld();
            }
        }
        if (!answer.isFenced() && heartbeat.isReady()) {
            unfenced.complete(null);
        }
        if (answer.mayShutDown()) {
            relieved.complete(null);
        } else if (heartbeat.wantsShutdown()) {
            scheduler.schedule(LEAVING_MS, this::beatIfDue);
        }
    }

    private void failed(FreshetException error, long sentAtNs) {
        if (error.kind() == ErrorKind.FENCED) {
            end(new Over(error, false));
            return;
        }
        LOG.debug("A heartbeat of broker {} was not taken: {}", config.brokerId(), error.getMessage());
        synchronized (this) {
            clearUnanswered(sentAtNs);
        }
    }

    private void clearUnanswered(long sentAtNs) {
        Long since = unansweredSinceNs;
        if (since != null && since == sentAtNs) {
            unansweredSinceNs = null;
        }
    }

    private void end(Over why) {
        synchronized (this) {
            if (isClosed) {
                return;
            }
            lease.end();
        }
        stopBeating();
        over.complete(why);
        unfenced.completeExceptionally(why.reason);
        relieved.complete(null);
    }

    private void noteHeld() {
        if (!wasHeld && lease.isHeld()) {
            wasHeld = true;
            LOG.info("Broker {} serves: its lease is held", config.brokerId());
        }
    }

    private void noteLapse() {
        if (wasHeld && !lease.isHeld()) {
            wasHeld = false;
            LOG.warn(
                    "The lease of broker {} has run out: no heartbeat was answered in time; nothing is acknowledged until"
                            + " one is",
                    config.brokerId());
        }
    }

    private void stopBeating() {
        Scheduler.Cancellable running;
        synchronized (this) {
            running = beating;
            beating = null;
        }
        if (running != null) {
            running.cancel();
        }
    }

    /** Sends no more heartbeats; the lease ends now. */
    @Override
    public void close() {
        synchronized (this) {
            isClosed = true;
            lease.end();
        }
        stopBeating();
        FreshetException closed = new FreshetException(ErrorKind.UNAVAILABLE, "This broker is stopping");
        unfenced.completeExceptionally(closed);
        relieved.complete(null);
    }
}
