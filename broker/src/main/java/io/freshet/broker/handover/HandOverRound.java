// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.handover;

import io.freshet.broker.partition.MovablePartition;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.MoveWish;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiPredicate;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One round of hand-overs: uploads what the partitions have while they go on, stops them, uploads the little that has come since, and
 * gives them away with one command.
 *
 * <p>Safety: the command is sent only for partitions that take no appends and have acknowledged and committed all that they
 * took. They take appends again only when it is certain that the command was not, and never will be, done: it was refused, or the
 * leader epoch that it names is over. All steps run on the executor.
 */
final class HandOverRound {
    private static final Logger LOG = LoggerFactory.getLogger(HandOverRound.class);

    /** For the upload while the partitions go on. */
    static final long UPLOAD_MS = 20_000;

    /** From the stop of the partitions on: until the command is sent, and until those who wait for them are sent away. */
    static final long PARK_MS = 1_000;

    /** For the command. Without an answer in that time it counts as lost. */
    static final long COMMAND_MS = 2_000;

    /** Between looks at partitions that are not settled, and between tries to learn an outcome. */
    static final long PAUSE_MS = 20;

    private static final long LONGEST_PAUSE_MS = 1_000;

    private final HandOverParts parts;
    private final HandOverMeters meters;
    private final BiPredicate<Set<MoveWish>, Leaving> isWished;
    private final BooleanSupplier isClosed;
    private List<Leaving> parked = List.of();
    private int waitedFor;
    private long parkedAtNs;
    private @Nullable FreshetException failure;

    /**
     * @param isWished whether a partition is still to go where the round would move it
     * @param isClosed whether the broker stops
     */
    HandOverRound(
            HandOverParts parts,
            HandOverMeters meters,
            BiPredicate<Set<MoveWish>, Leaving> isWished,
            BooleanSupplier isClosed) {
        this.parts = parts;
        this.meters = meters;
        this.isWished = isWished;
        this.isClosed = isClosed;
    }

    /**
     * What has become of the round.
     *
     * @param moved partitions that another broker leads now
     * @param failure why others were not moved, null if nothing failed
     */
    record Outcome(int moved, @Nullable FreshetException failure) {}

    /** Call it once, on the executor. */
    CompletableFuture<Outcome> run(List<Leaving> leaving) {
        if (areSettled(leaving)) {
            return parkAndMove(leaving);
        }
        return within(
                        UPLOAD_MS,
                        "the upload before partitions are handed over",
                        parts.upload().get())
                .thenComposeAsync(uploaded -> parkAndMove(leaving), parts.executor());
    }

    private static boolean areSettled(List<Leaving> leaving) {
        return leaving.stream().allMatch(one -> one.partition().isSettled());
    }

    private CompletableFuture<Outcome> parkAndMove(List<Leaving> leaving) {
        requireOpen();
        parkedAtNs = parts.clock().nanoTime();
        waitedFor = leaving.size();
        parts.moving().begin(waitedFor);
        parked = leaving.stream().filter(one -> one.partition().park()).toList();
        Scheduler.Cancellable bound = parts.scheduler().schedule(PARK_MS, this::endWaiting);
        return settle().thenComposeAsync(settled -> move(), parts.executor())
                .whenCompleteAsync(
                        (outcome, error) -> {
                            bound.cancel();
                            keepNobodyWaiting();
                            meters.parked.record(parts.clock().nanoTime() - parkedAtNs, TimeUnit.NANOSECONDS);
                        },
                        parts.executor());
    }

    private void requireOpen() {
        if (isClosed.getAsBoolean()) {
            throw new FreshetException(ErrorKind.UNAVAILABLE, "This broker stops; it hands nothing over any more");
        }
    }

    private void endWaiting() {
        try {
            parts.executor().execute(this::keepNobodyWaiting);
        } catch (RejectedExecutionException e) {
            LOG.debug("Nobody waits for partitions any more: this broker stops");
        }
    }

    /** Requests for partitions that are still parked are answered: the client may ask another broker, or come back. */
    private void keepNobodyWaiting() {
        parked.forEach(one -> one.partition().refuseParked());
        parts.moving().end(waitedFor);
        waitedFor = 0;
    }

    private long leftMs() {
        return PARK_MS - TimeUnit.NANOSECONDS.toMillis(parts.clock().nanoTime() - parkedAtNs);
    }

    /** Completes when all that the partitions took is committed, or the time is over; never fails. */
    private CompletableFuture<Void> settle() {
        if (areSettled(parked)) {
            return CompletableFuture.completedFuture(null);
        }
        long leftMs = leftMs();
        if (leftMs <= 0) {
            return CompletableFuture.completedFuture(null);
        }
        return within(
                        leftMs,
                        "the last upload before partitions are handed over",
                        parts.upload().get())
                .handleAsync((uploaded, error) -> settleFurther(error), parts.executor())
                .thenCompose(next -> next);
    }

    private CompletableFuture<Void> settleFurther(@Nullable Throwable error) {
        if (error != null) {
            failure = FreshetException.of(error);
            return CompletableFuture.completedFuture(null);
        }
        return areSettled(parked)
                ? CompletableFuture.completedFuture(null)
                : pause(PAUSE_MS).thenComposeAsync(nothing -> settle(), parts.executor());
    }

    private CompletableFuture<Outcome> move() {
        Set<MoveWish> wishes = new HashSet<>(parts.wishes().get());
        List<Leaving> going = new ArrayList<>();
        for (Leaving one : parked) {
            if (!isClosed.getAsBoolean() && one.partition().isSettled() && isWished.test(wishes, one)) {
                going.add(one);
            } else {
                unpark(one);
            }
        }
        if (going.isEmpty()) {
            return CompletableFuture.completedFuture(new Outcome(0, failure));
        }
        return withinCommandTime(parts.controller()
                        .apply(going.stream().map(Leaving::handOver).toList()))
                .handleAsync(
                        (moved, error) -> error == null ? answered(going, moved) : failed(going, error),
                        parts.executor())
                .thenCompose(next -> next);
    }

    private void unpark(Leaving one) {
        one.partition().unpark();
        meters.unparked.increment();
    }

    /** What has moved was closed before this: the command's effect is applied here. */
    private CompletableFuture<Outcome> answered(List<Leaving> going, List<Boolean> moved) {
        int count = 0;
        for (int i = 0; i < going.size(); i++) {
            if (moved.get(i)) {
                count++;
            } else {
                unpark(going.get(i));
            }
        }
        meters.moved.increment(count);
        return CompletableFuture.completedFuture(new Outcome(count, failure));
    }

    private CompletableFuture<Outcome> failed(List<Leaving> going, Throwable error) {
        FreshetException cause = FreshetException.of(error);
        failure = cause;
        switch (cause.kind()) {
            case UNAVAILABLE, THROTTLED, INVALID, DENIED -> {
                going.forEach(this::unpark);
                return CompletableFuture.completedFuture(new Outcome(0, cause));
            }
            case FENCED -> { // others may lead all that this process did; it ends, or registers anew
                return CompletableFuture.completedFuture(new Outcome(0, cause));
            }
            default -> {
                meters.indeterminate.increment();
                LOG.warn(
                        "Whether {} partitions were handed over is not known; they take no appends until it is: {}",
                        going.size(),
                        cause.getMessage());
                keepNobodyWaiting();
                return takeBack(going, PAUSE_MS);
            }
        }
    }

    /**
     * Makes sure of the outcome. A command that was lost may still be on its way, so it is not enough to look: what this broker
     * seems to lead yet it takes anew, under a new leader epoch. Then the lost command is void, and the partitions are opened
     * again.
     */
    private CompletableFuture<Outcome> takeBack(List<Leaving> going, long pauseMs) {
        List<Leaving> undecided =
                going.stream().filter(one -> isOpenHere(one.partition())).toList();
        if (undecided.isEmpty()) {
            int moved = (int) going.stream().filter(this::isLedByTarget).count();
            meters.moved.increment(moved);
            return CompletableFuture.completedFuture(new Outcome(moved, failure));
        }
        if (isClosed.getAsBoolean()) {
            return CompletableFuture.completedFuture(new Outcome(0, failure));
        }
        int self = parts.ownership().brokerId();
        return parts.controller()
                .apply(undecided.stream().map(one -> one.handOverTo(self)).toList())
                .handleAsync(
                        (taken, error) -> {
                            if (error != null && FreshetException.of(error).kind() == ErrorKind.FENCED) {
                                return CompletableFuture.completedFuture(new Outcome(0, FreshetException.of(error)));
                            }
                            return pause(pauseMs)
                                    .thenComposeAsync(
                                            nothing -> takeBack(going, Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)),
                                            parts.executor());
                        },
                        parts.executor())
                .thenCompose(next -> next);
    }

    /** Whether this broker leads the partition, as far as is applied here, under the leader epoch that was to end. */
    private boolean isOpenHere(MovablePartition partition) {
        var topic = parts.image().get().topics().getTopic(partition.id().topicId());
        var registration =
                topic == null ? null : topic.partitions().get(partition.id().partition());
        return registration != null && registration.leaderEpoch == partition.leaderEpoch();
    }

    private boolean isLedByTarget(Leaving one) {
        var topic = parts.image().get().topics().getTopic(one.partition().id().topicId());
        var registration = topic == null
                ? null
                : topic.partitions().get(one.partition().id().partition());
        return registration != null && registration.leader == one.targetBrokerId();
    }

    private CompletableFuture<Void> pause(long ms) {
        CompletableFuture<Void> over = new CompletableFuture<>();
        parts.scheduler().schedule(ms, () -> over.complete(null));
        return over;
    }

    private <T> CompletableFuture<T> within(long ms, String what, CompletableFuture<T> future) {
        return within(
                ms,
                new FreshetException(
                        ErrorKind.UNAVAILABLE, what + " took longer than " + ms + " ms; it is tried again"),
                future);
    }

    private <T> CompletableFuture<T> withinCommandTime(CompletableFuture<T> command) {
        return within(
                COMMAND_MS,
                new FreshetException(
                        ErrorKind.INDETERMINATE, "The command has not been answered within " + COMMAND_MS + " ms"),
                command);
    }

    private <T> CompletableFuture<T> within(long ms, FreshetException late, CompletableFuture<T> future) {
        CompletableFuture<T> bounded = new CompletableFuture<>();
        Scheduler.Cancellable limit = parts.scheduler().schedule(ms, () -> bounded.completeExceptionally(late));
        future.whenComplete((value, error) -> {
            limit.cancel();
            if (error == null) {
                bounded.complete(value);
            } else {
                bounded.completeExceptionally(FreshetException.of(error));
            }
        });
        return bounded;
    }
}
