// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.log.MetadataLog;
import io.freshet.metadata.record.MetadataLogSerde;
import io.freshet.metadata.record.OwnRecord;
import io.freshet.metadata.state.ClusterState;
import io.freshet.metadata.state.ClusterState.Speculation;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.common.metadata.NoOpRecord;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs commands in rounds while this node leads: a round takes what has queued up, decides one command after the other
 * on a speculation, appends all their records as one batch (all or nothing), and answers when it is applied.
 * The next round begins after that, from the applied state; so a round costs one flush, and nothing has to be undone
 * when leadership is lost. Any thread submits; the metadata thread does the rest. A full queue refuses (THROTTLED).
 */
public final class CommandQueue {
    private static final Logger LOG = LoggerFactory.getLogger(CommandQueue.class);
    private static final int MAX_QUEUED = 20_000;
    private static final int MAX_PER_ROUND = 1_000;
    private static final int MAX_BYTES_PER_ROUND = 4 << 20;
    private static final MetadataLogSerde SERDE = new MetadataLogSerde();

    private final MetadataLog log;
    private final ClusterState state;
    private final Executor metadataThread;
    private final LeadershipProof proof;
    private final ConcurrentLinkedQueue<Pending<?>> queued = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queuedCount = new AtomicInteger();
    private final AtomicBoolean isRunScheduled = new AtomicBoolean();
    private final Counter commands;
    private final Counter rounds;

    private List<Pending<?>> round = List.of();
    private long roundEndOffset = -1;
    private int leadingEpoch = -1;
    private boolean isProving;
    private volatile boolean isClosed;
    private volatile @Nullable FreshetException stall;

    public CommandQueue(
            MetadataLog log, ClusterState state, Executor metadataThread, Clock clock, MeterRegistry registry) {
        this.log = log;
        this.state = state;
        this.metadataThread = metadataThread;
        this.proof = new LeadershipProof(clock);
        this.commands = registry.counter("freshet.metadata.commands");
        this.rounds = registry.counter("freshet.metadata.rounds");
        registry.gauge("freshet.metadata.commands.queued", queuedCount);
    }

    <T> CompletableFuture<T> submit(Command<T> command) {
        Pending<T> pending = new Pending<>(command);
        if (isClosed) {
            pending.fail(stopping());
            return pending.future;
        }
        FreshetException stalled = stall;
        if (stalled != null) {
            pending.fail(stalled);
            return pending.future;
        }
        if (queuedCount.incrementAndGet() > MAX_QUEUED) {
            queuedCount.decrementAndGet();
            pending.fail(new FreshetException(
                    ErrorKind.THROTTLED, MAX_QUEUED + " metadata commands are waiting already; retry later"));
            return pending.future;
        }
        enqueue(pending);
        return pending.future;
    }

    private void enqueue(Pending<?> pending) {
        queued.add(pending);
        if (isRunScheduled.compareAndSet(false, true)) {
            try {
                metadataThread.execute(this::runScheduled);
            } catch (RejectedExecutionException e) {
                isRunScheduled.set(false);
                pending.fail(stopping());
            }
        }
    }

    /**
     * Answers from the applied state if this node leads (else UNAVAILABLE), without waiting for what is being appended or
     * stalled.
     */
    <T> CompletableFuture<T> ask(Function<ClusterState, CompletableFuture<T>> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        try {
            metadataThread.execute(() -> {
                try {
                    if (leadingEpoch < 0) {
                        throw new FreshetException(ErrorKind.UNAVAILABLE, notLeading());
                    }
                    question.apply(state).whenComplete((value, error) -> {
                        if (error == null) {
                            answer.complete(value);
                        } else {
                            answer.completeExceptionally(FreshetException.unwrap(error));
                        }
                    });
                } catch (RuntimeException e) {
                    answer.completeExceptionally(e);
                }
            });
        } catch (RejectedExecutionException e) {
            answer.completeExceptionally(stopping());
        }
        return answer;
    }

    /**
     * Completes when this node is known to have led at {@code sinceNs} (on the monotonic clock, not in the future) or later: at once if something
     * that it appended since is committed, or if nobody else can lead; else when that happens, for which a record without effect
     * is appended. Fails, UNAVAILABLE, when another node leads. On the metadata thread.
     */
    CompletableFuture<Void> provenSince(long sinceNs) {
        boolean isSure =
                proof.holdsSince(sinceNs) || !log.hasOtherVoters() || stall != null; // only a lone voter's log stalls
        if (isSure) {
            return CompletableFuture.completedFuture(null);
        }
        CompletableFuture<Void> proven = proof.await(sinceNs);
        appendProof();
        return proven;
    }

    /** One at a time; neither the bound of the queue nor who else waits holds it up for longer than the commands before it. */
    private void appendProof() {
        if (isProving || !proof.isAwaited()) {
            return;
        }
        isProving = true;
        Pending<Boolean> record = new Pending<>(
                now -> Command.Decision.of(List.of(new ApiMessageAndVersion(new NoOpRecord(), (short) 0)), true));
        record.future.whenComplete((done, error) -> {
            isProving = false;
            if (error != null) {
                proof.fail(FreshetException.of(error));
            }
        });
        queuedCount.incrementAndGet();
        enqueue(record);
    }

    int nodeId() {
        return log.nodeId();
    }

    /** Whether this node leads, as far as commands go; on the metadata thread. */
    boolean isLeading() {
        return leadingEpoch >= 0;
    }

    /** On the metadata thread. */
    public void onLeaderChange(LeaderAndEpoch leader) {
        boolean isLeading = leader.isLeader(log.nodeId());
        if (leadingEpoch >= 0 && (!isLeading || leader.epoch() != leadingEpoch)) {
            proof.forget();
            proof.fail(new FreshetException(ErrorKind.UNAVAILABLE, notLeading()));
            failRound(new FreshetException(
                    ErrorKind.INDETERMINATE,
                    "Leadership of quorum epoch " + leadingEpoch
                            + " was lost before the outcome was known; read the state back"));
        }
        leadingEpoch = isLeading ? leader.epoch() : -1;
        runRounds();
    }

    /** On the metadata thread: everything up to {@code offset} is applied. */
    public void onApplied(long offset) {
        if (!round.isEmpty() && offset >= roundEndOffset) {
            List<Pending<?>> done = round;
            round = List.of();
            proof.onCommit();
            done.forEach(Pending::answer);
        }
        appendProof(); // of those who came after the last one was appended
        runRounds();
    }

    /** Refuses commands with {@code reason} until {@link #resume()}; on the metadata thread. Those appended wait on. */
    public void stall(FreshetException reason) {
        stall = reason;
        failQueued(reason);
    }

    /** Takes commands again. */
    public void resume() {
        stall = null;
    }

    /** Refuses new commands from now on; from any thread. */
    public void refuse() {
        isClosed = true;
    }

    /** Fails what is waiting; on the metadata thread, or after it has stopped. */
    public void close() {
        refuse();
        failRound(new FreshetException(
                ErrorKind.INDETERMINATE, "This node stopped before the outcome was known; read the state back"));
        failQueued(stopping());
        proof.fail(stopping());
    }

    private static FreshetException stopping() {
        return new FreshetException(ErrorKind.UNAVAILABLE, "This metadata node is stopping; use another one");
    }

    private void runScheduled() {
        isRunScheduled.set(false);
        runRounds();
    }

    private void runRounds() {
        if (leadingEpoch < 0) {
            failQueued(new FreshetException(ErrorKind.UNAVAILABLE, notLeading()));
            return;
        }
        if (state.image().features().metadataVersion().isEmpty()) {
            return; // a new cluster's first records are on their way; what is queued runs after them
        }
        while (round.isEmpty() && !queued.isEmpty()) {
            runRound();
        }
    }

    private String notLeading() {
        LeaderAndEpoch leader = log.leaderAndEpoch();
        return leader.leaderId().isPresent()
                ? "Node " + log.nodeId() + " is not the active controller, node "
                        + leader.leaderId().getAsInt() + " is; send the command there"
                : "The metadata quorum has no leader now; retry";
    }

    private void runRound() {
        List<Pending<?>> taken = new ArrayList<>();
        List<ApiMessageAndVersion> records = new ArrayList<>();
        int bytes = 0;
        Speculation speculation = state.speculate();
        List<ApiMessageAndVersion> notReplayed = List.of(); // the last command's: only a further one would see them
        while (taken.size() < MAX_PER_ROUND) {
            Pending<?> next = queued.peek();
            if (next == null) {
                break;
            }
            speculation.replay(notReplayed);
            notReplayed = List.of();
            if (!next.decide(speculation)) {
                takeHead();
                continue;
            }
            bytes += next.sizeBytes();
            if (bytes > MAX_BYTES_PER_ROUND && !records.isEmpty()) {
                break; // decided again in the next round
            }
            takeHead();
            taken.add(next);
            next.offset = records.size() + next.records.size() - 1L;
            records.addAll(next.records);
            notReplayed = next.records;
        }
        commands.increment(taken.size());
        write(taken, records);
    }

    private void takeHead() {
        if (queued.poll() != null) {
            queuedCount.decrementAndGet();
        }
    }

    private void write(List<Pending<?>> taken, List<ApiMessageAndVersion> records) {
        if (records.isEmpty()) {
            taken.forEach(Pending::answer);
            return;
        }
        rounds.increment();
        round = taken;
        proof.onAppend();
        try {
            roundEndOffset = log.append(leadingEpoch, records);
            long baseOffset = roundEndOffset - records.size() + 1;
            taken.forEach(pending -> pending.offset = pending.records.isEmpty() ? -1 : baseOffset + pending.offset);
            log.flush();
        } catch (FreshetException e) {
            failRound(e);
        }
    }

    private void failRound(FreshetException error) {
        List<Pending<?>> failed = round;
        round = List.of();
        failed.forEach(pending -> pending.fail(error));
    }

    private void failQueued(FreshetException error) {
        for (Pending<?> next = queued.poll(); next != null; next = queued.poll()) {
            queuedCount.decrementAndGet();
            next.fail(error);
        }
    }

    private static final class Pending<T> {
        private final Command<T> command;
        private final CompletableFuture<T> future = new CompletableFuture<>();
        private java.util.function.@Nullable LongFunction<T> answer;
        private List<ApiMessageAndVersion> records = List.of();
        private long offset = -1;

        private Pending(Command<T> command) {
            this.command = command;
        }

        /** False if the command failed and is answered. */
        private boolean decide(Speculation speculation) {
            try {
                Command.Decision<T> decision = command.decide(speculation);
                requireAllowed(speculation.image(), decision.records());
                records = decision.records();
                answer = decision.answer();
                return true;
            } catch (RuntimeException e) {
                if (!(e instanceof ApiException) && FreshetException.of(e).kind() == ErrorKind.INTERNAL) {
                    LOG.error("A metadata command failed unexpectedly", e);
                }
                future.completeExceptionally(e);
                return false;
            }
        }

        /** What older nodes cannot read is not written before all are upgraded and the operator has said so. */
        private static void requireAllowed(MetadataImage image, List<ApiMessageAndVersion> records) {
            for (ApiMessageAndVersion entry : records) {
                if (entry.message() instanceof OwnRecord own
                        && own.since() > FreshetVersion.of(image)
                        && !raises(records, own.since())) {
                    FreshetVersion.require(image, own.since(), "What was asked");
                }
            }
        }

        private static boolean raises(List<ApiMessageAndVersion> records, int level) {
            return records.stream()
                    .anyMatch(entry -> entry.message() instanceof FeatureLevelRecord feature
                            && feature.name().equals(FreshetVersion.FEATURE_NAME)
                            && feature.featureLevel() >= level);
        }

        private int sizeBytes() {
            ObjectSerializationCache cache = new ObjectSerializationCache();
            return records.stream()
                    .mapToInt(entry -> SERDE.recordSize(entry, cache))
                    .sum();
        }

        private void answer() {
            future.complete(java.util.Objects.requireNonNull(answer).apply(offset));
        }

        private void fail(FreshetException error) {
            future.completeExceptionally(error);
        }
    }
}
