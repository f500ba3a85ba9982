// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler.Cancellable;
import io.freshet.metadata.remote.CommandRouting.Limits;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.Node;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.jspecify.annotations.Nullable;

/**
 * One command on its way to whoever leads. It is in one phase at a time; only who takes it out of a phase (compare-and-set on
 * the phase's identity) goes on with it, so a late answer, a timer and a change of the leader never act both. All fields
 * without a word of their own belong to that one.
 */
final class CommandCall<Q, A> {
    private final RoutedController controller;
    private final CommandHost host;
    private final CommandRouting routing;
    private final CommandType<Q, A> type;
    private final Q question;
    private final boolean isRepeatable;
    private final long withinMs;
    private final long beganNs;
    private final CompletableFuture<A> result = new CompletableFuture<>();
    private final AtomicReference<Phase> phase = new AtomicReference<>(new Running());

    private volatile @Nullable Cancellable deadline;
    private volatile boolean mayBeDone;
    private volatile @Nullable FreshetException lastError;
    private @Nullable ByteBuffer encoded;
    private short version;
    private int pauses;

    CommandCall(
            RoutedController controller, CommandHost host, CommandRouting routing, CommandType<Q, A> type, Q question) {
        this.controller = controller;
        this.host = host;
        this.routing = routing;
        this.type = type;
        this.question = question;
        this.version = type.version();
        this.isRepeatable = type.isRepeatable().test(question);
        Limits limits = routing.limits();
        this.withinMs = type.withinMs() > 0 ? Math.min(type.withinMs(), limits.withinMs()) : limits.withinMs();
        this.beganNs = routing.clock().nanoTime();
    }

    /** Where a call can be. Each instance is used once. */
    private sealed interface Phase {}

    /** Someone works on it now. */
    private static final class Running implements Phase {}

    /** It pauses until a timer or a new leader. */
    private static final class Waiting implements Phase {}

    /** It was given to {@code nodeId}, another node or this one: it may be done at any time. */
    private static final class Sent implements Phase {
        private final int nodeId;

        private Sent(int nodeId) {
            this.nodeId = nodeId;
        }
    }

    CompletableFuture<A> begin() {
        if (type.isUrgent()) {
            scout();
        }
        result.whenComplete((done, error) -> {
            Cancellable timer = deadline;
            if (timer != null) {
                timer.cancel();
            }
            controller.ended(this);
        });
        attempt(Optional.empty());
        return result;
    }

    private void scout() {
        ByteBuffer command = CommandCodec.encode(type, type.version(), host.clusterId(), question);
        LeaderScout scout = new LeaderScout(host, routing, command, this::scouted);
        scout.start();
        result.whenComplete((done, error) -> scout.stop());
    }

    /** What another voter says than the one that the command was sent to; what it says without sense is as if it were silent. Any thread. */
    private void scouted(ByteBuffer bytes) {
        Answer answer = CommandCodec.answer(type.name(), bytes);
        if (answer instanceof Answer.Done done) {
            result.complete(CommandCodec.result(type, done));
        } else if (answer instanceof Answer.NotLeading elsewhere) {
            news(host.leader(), elsewhere).ifPresent(named -> goOnAt(named.id(), Optional.of(named)));
        }
    }

    /** Fails at once, if it is not done; what may have been sent is INDETERMINATE. Any thread. */
    void abandon(FreshetException reason) {
        if (mayBeDone || phase.get() instanceof Sent) {
            result.completeExceptionally(unknown(reason));
        } else {
            result.completeExceptionally(reason);
        }
    }

    /** Any thread. */
    void onLeaderChange() {
        goOnAt(host.leader().leaderId().orElse(-1), Optional.empty());
    }

    /** Waits no more; leaves the node that it was sent to if that is not {@code leaderId}, and if it may be repeated. */
    private void goOnAt(int leaderId, Optional<Node> named) {
        Phase now = phase.get();
        if (now instanceof Waiting && take(now)) {
            attempt(named);
        } else if (now instanceof Sent sent
                && isRepeatable
                && leaderId >= 0
                && leaderId != sent.nodeId
                && take(now)) { // its answer may never come: a node that died says nothing
            mayBeDone = true;
            attempt(named);
        }
    }

    private boolean take(Phase from) {
        return phase.compareAndSet(from, new Running());
    }

    private void resume(Phase from) {
        if (take(from)) {
            attempt(Optional.empty());
        }
    }

    /** @param named a leader that another node has named, newer than what this node knows */
    private void attempt(Optional<Node> named) {
        if (result.isDone()) {
            return;
        }
        LeaderAndEpoch leader = host.leader();
        if (named.isEmpty() && leader.isLeader(host.nodeId())) {
            runHere(leader);
            return;
        }
        Optional<Node> target = named.isPresent() ? named : host.leaderNode();
        if (target.isEmpty() || target.get().id() == host.nodeId()) {
            pause(leader, noLeader(leader));
            return;
        }
        send(leader, target.get());
    }

    private static FreshetException noLeader(LeaderAndEpoch leader) {
        return new FreshetException(
                ErrorKind.UNAVAILABLE,
                leader.leaderId().isPresent()
                        ? "Metadata quorum's leader, node " + leader.leaderId().getAsInt()
                                + ", has no known address; retry"
                        : "The metadata quorum has no leader now; retry");
    }

    private void runHere(LeaderAndEpoch leader) {
        Sent here = new Sent(host.nodeId());
        phase.set(here);
        type.run().apply(host.local(), question).whenComplete((answer, error) -> {
            if (error == null) {
                result.complete(answer);
            } else if (take(here)) {
                failed(leader, error);
            }
        });
    }

    private void send(LeaderAndEpoch leader, Node target) {
        ByteBuffer command = encoded;
        if (command == null) {
            command = CommandCodec.encode(type, version, host.clusterId(), question);
            encoded = command;
        }
        if (command.remaining() > routing.limits().maxCommandBytes()) {
            result.completeExceptionally(new FreshetException(
                    ErrorKind.INVALID,
                    "Metadata command " + type.name() + " has " + command.remaining() + " bytes, more than the "
                            + routing.limits().maxCommandBytes() + " that a controller takes; split it"));
            return;
        }
        startDeadline();
        controller.countSent();
        Sent sent = new Sent(target.id());
        phase.set(sent);
        long timeoutMs = Math.max(1, Math.min(routing.limits().answerMs(), leftMs()));
        routing.ownedChannel().send(target, command.duplicate(), timeoutMs).whenComplete((bytes, error) -> {
            if (take(sent)) {
                if (error == null) {
                    answered(leader, target, bytes);
                } else {
                    failed(leader, error);
                }
            }
        });
    }

    private void answered(LeaderAndEpoch leader, Node from, ByteBuffer bytes) {
        try {
            Answer answer = CommandCodec.answer(type.name(), bytes);
            if (answer instanceof Answer.Done done) {
                done(done, CommandCodec.result(type, done));
            } else if (answer instanceof Answer.NotLeading elsewhere) {
                notLeading(leader, from, elsewhere);
            } else if (answer instanceof Answer.UnknownCommand unknown) {
                unknown(unknown);
            } else if (answer instanceof Answer.Refused refused) {
                result.completeExceptionally(refused.exception());
            } else if (answer instanceof Answer.Failed failed) {
                failed(leader, failed.exception());
            }
        } catch (FreshetException damaged) {
            failed(
                    leader,
                    new FreshetException(ErrorKind.INDETERMINATE, damaged.getMessage() + "; read the state back"));
        }
    }

    private void done(Answer.Done done, A value) {
        if (!type.isLogged()) {
            result.complete(value);
            return;
        }
        mayBeDone = true;
        lastError = new FreshetException(
                ErrorKind.UNAVAILABLE, "it was done, but this node has not applied offset " + done.offset() + " yet");
        host.awaitOffset(done.offset()).whenComplete((reached, error) -> {
            if (error == null) {
                result.complete(value);
            } else {
                result.completeExceptionally(unknown(FreshetException.of(error)));
            }
        });
    }

    /** The named leader is asked at once if its epoch is newer than what sent the command there. */
    private void notLeading(LeaderAndEpoch leader, Node from, Answer.NotLeading elsewhere) {
        FreshetException error = new FreshetException(
                ErrorKind.UNAVAILABLE,
                "Node " + from.id() + " does not lead the metadata quorum; it names "
                        + elsewhere.leader().map(node -> "node " + node.id()).orElse("no leader"));
        Optional<Node> named = news(leader, elsewhere).filter(node -> node.id() != from.id());
        if (named.isPresent() && pauses == 0) {
            pauses = 1;
            lastError = error;
            attempt(named);
        } else {
            pause(leader, error);
        }
    }

    /** Another leader than this node knows, of a later epoch or of one whose leader is not known here. */
    private Optional<Node> news(LeaderAndEpoch known, Answer.NotLeading elsewhere) {
        boolean isLater = elsewhere.epoch() > known.epoch()
                || (elsewhere.epoch() == known.epoch() && known.leaderId().isEmpty());
        Optional<Node> news = elsewhere.leader().filter(named -> isLater && named.id() != host.nodeId());
        news.ifPresent(named -> host.named(named, elsewhere.epoch()));
        return news;
    }

    private void unknown(Answer.UnknownCommand answer) {
        if (answer.newestVersion() >= 0 && answer.newestVersion() < version) {
            version = answer.newestVersion();
            encoded = null;
            attempt(Optional.empty());
        } else {
            result.completeExceptionally(new FreshetException(ErrorKind.INVALID, answer.message()));
        }
    }

    private void failed(LeaderAndEpoch leader, Throwable error) {
        Throwable cause = FreshetException.unwrap(error);
        if (cause instanceof FreshetException known && known.kind() == ErrorKind.UNAVAILABLE) {
            pause(leader, known);
        } else if (cause instanceof FreshetException known && known.kind() == ErrorKind.INDETERMINATE) {
            controller.countLost();
            mayBeDone = true;
            if (isRepeatable) {
                pause(leader, known);
            } else {
                result.completeExceptionally(known);
            }
        } else {
            result.completeExceptionally(cause);
        }
    }

    private void pause(LeaderAndEpoch seen, FreshetException error) {
        lastError = error;
        startDeadline();
        if (result.isDone()) {
            return;
        }
        controller.countRetried();
        Limits limits = routing.limits();
        long longestMs = Math.min(limits.longestPauseMs(), limits.firstPauseMs() << Math.min(pauses, 20));
        pauses++;
        long pauseMs = Math.max(1, longestMs - (long) (routing.randomness().nextDouble() * longestMs / 2));
        Waiting waiting = new Waiting();
        phase.set(waiting);
        routing.scheduler().schedule(pauseMs, () -> resume(waiting));
        if (!host.leader().equals(seen)) {
            resume(waiting); // it changed in between: nobody else will tell
        }
    }

    private long leftMs() {
        return withinMs - TimeUnit.NANOSECONDS.toMillis(routing.clock().nanoTime() - beganNs);
    }

    private void startDeadline() {
        if (deadline == null) {
            deadline = routing.scheduler().schedule(Math.max(0, leftMs()), this::expire);
            if (result.isDone()) {
                deadline.cancel();
            }
        }
    }

    private void expire() {
        FreshetException last = lastError;
        abandon(new FreshetException(
                ErrorKind.UNAVAILABLE,
                "Metadata command " + type.name() + " was not done within " + withinMs + " ms; retry. Last: "
                        + (last == null ? "no answer" : last.getMessage())));
    }

    private FreshetException unknown(FreshetException cause) {
        return new FreshetException(
                ErrorKind.INDETERMINATE,
                "Whether metadata command " + type.name() + " was done is not known here; read the state back. "
                        + cause.getMessage(),
                cause);
    }
}
