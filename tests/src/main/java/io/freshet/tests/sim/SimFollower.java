// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.state.ClusterState;
import io.freshet.metadata.state.ManifestStore;
import io.freshet.storage.StreamMetadata;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * The quorum as one process sees it: a copy of the state that follows the log in its own time, and commands that travel.
 * A command completes when this copy has caught up with it.
 */
final class SimFollower implements StreamMetadata {
    private static final long TIMEOUT_MS = 2_000;

    private final World world;
    private final SimProcess process;
    private final SimRandom random;
    private final SimQuorum quorum;
    private final ClusterState state;
    private final Runnable onChange;
    private final TreeMap<Long, List<Runnable>> waiting = new TreeMap<>();
    private int appliedBatches;
    private long stalledUntilMs;
    private boolean isScheduled;

    /** @param store what this broker has kept of the state, maybe ahead of an empty image */
    SimFollower(World world, SimProcess process, ManifestStore store, Runnable onChange) {
        this.world = world;
        this.process = process;
        this.random = world.random.fork();
        this.quorum = world.quorum();
        this.state = new ClusterState(store);
        this.onChange = onChange;
        quorum.follow(this);
        onCommit();
    }

    /** The same as storage sees it. */
    QuorumPorts ports() {
        return new QuorumPorts(this, new SimWalRegistry(this), new SimCompactionMetadata(this), null);
    }

    ClusterState state() {
        return state;
    }

    /** Nothing is heard from the quorum for {@code ms}. */
    void stall(long ms) {
        stalledUntilMs = world.time.nowMs() + ms;
    }

    /** The log has grown. */
    void onCommit() {
        if (isScheduled || process.isDead()) {
            return;
        }
        isScheduled = true;
        long delayMs = Math.max(random.between(0, 12), stalledUntilMs - world.time.nowMs());
        process.after(world.swarm.isHealed() ? 1 : delayMs, "follow", this::follow);
    }

    private void follow() {
        isScheduled = false;
        if (stalledUntilMs > world.time.nowMs() && !world.swarm.isHealed()) {
            onCommit();
            return;
        }
        var log = quorum.log();
        if (appliedBatches == log.size()) {
            return;
        }
        state.apply(log.subList(appliedBatches, log.size()).iterator());
        appliedBatches = log.size();
        onChange.run();
        while (!waiting.isEmpty() && waiting.firstKey() <= state.appliedOffset()) {
            waiting.pollFirstEntry().getValue().forEach(Runnable::run);
        }
    }

    /** Completes in this process when the copy has reached {@code offset}. */
    private void whenApplied(long offset, Runnable then) {
        if (state.appliedOffset() >= offset) {
            then.run();
        } else {
            waiting.computeIfAbsent(offset, key -> new ArrayList<>()).add(then);
        }
    }

    /** Sends a command; it may be lost, its answer may be lost, it may arrive twice. */
    <T> CompletableFuture<T> send(
            String what, boolean mayRepeat, Function<ClusterController, CompletableFuture<T>> command) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        Swarm swarm = world.swarm;
        world.time.note(process, what, 0, 0);
        process.after(
                TIMEOUT_MS,
                "command times out",
                () -> answer.completeExceptionally(
                        new FreshetException(ErrorKind.INDETERMINATE, "No answer to " + what + "; repeat it")));
        if (random.chance(swarm.now(swarm.commandIsLost))) {
            world.counts.add("command is lost");
            return answer;
        }
        boolean isAnswerLost = random.chance(swarm.now(swarm.answerIsLost));
        if (isAnswerLost) {
            world.counts.add("answer of the quorum is lost");
        }
        quorum.process().after(random.between(0, 10), what, () -> arrive(command, answer, isAnswerLost));
        if (mayRepeat && random.chance(swarm.now(swarm.commandIsDoubled))) {
            world.counts.add("command arrives twice");
            quorum.process()
                    .after(
                            random.between(1, World.MAX_LATE_MS),
                            what,
                            () -> arrive(command, new CompletableFuture<>(), true));
        }
        return answer;
    }

    private <T> void arrive(
            Function<ClusterController, CompletableFuture<T>> command,
            CompletableFuture<T> answer,
            boolean isAnswerLost) {
        command.apply(world.sabotage.controller(quorum)).whenComplete((value, error) -> {
            long offset = quorum.state().appliedOffset();
            if (isAnswerLost) {
                return;
            }
            process.after(random.between(0, 10), "quorum answer", () -> {
                if (error != null) {
                    answer.completeExceptionally(error);
                } else {
                    whenApplied(offset, () -> answer.complete(value));
                }
            });
        });
    }

    void note(java.util.function.Supplier<String> words) {
        world.time.say(process, words);
    }

    @Override
    public Optional<StreamState> stream(long streamId) {
        return state.manifests().stream(streamId);
    }

    @Override
    public List<StreamSegment> segments(long streamId, long offset, int limit) {
        return state.manifests().segments(streamId, offset, limit);
    }

    @Override
    public CompletableFuture<IdRange> reserveObjectIds(int count) {
        return send("reserve ids", true, controller -> controller.reserveObjectIds(count));
    }

    @Override
    public CompletableFuture<Set<Long>> commitObject(ObjectCommit commit) {
        world.time.say(process, () -> "sends " + commit);
        return send("commit object", true, controller -> controller.commitObject(commit));
    }

    @Override
    public CompletableFuture<Void> trimStream(long streamId, int leaderEpoch, long newStartOffset) {
        return send("trim stream", true, controller -> controller.trimStream(streamId, leaderEpoch, newStartOffset));
    }

    @Override
    public List<RetiredObject> retiredObjects(int limit) {
        return state.manifests().retiredObjects(limit);
    }

    @Override
    public CompletableFuture<Void> forgetObjects(List<Long> objectIds) {
        return send("forget objects", true, controller -> controller.forgetObjects(objectIds));
    }

    @Override
    public boolean isObjectKnown(long objectId) {
        return state.manifests().isObjectKnown(objectId);
    }
}
