// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.runtime.Scheduler.Cancellable;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.apache.kafka.common.Node;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.jspecify.annotations.Nullable;

/**
 * Gives an urgent command that has no answer yet to other voters too, one after the other: one of them may lead by now, or know who does. A
 * leader that is frozen or cut off says nothing, and Raft's client on a node without a vote waits seconds for it before it asks others. Methods
 * may be called by any thread.
 */
final class LeaderScout {
    /** How long the leader has, which usually takes a few ms. */
    private static final long AFTER_MS = 250;

    private static final long AGAIN_AFTER_MS = 100;

    private final CommandHost host;
    private final CommandRouting routing;
    private final ByteBuffer command;
    private final Consumer<ByteBuffer> listener;
    private int lastAsked;
    private @Nullable Cancellable timer;
    private boolean isStopped;

    /**
     * @param command encoded
     * @param listener gets each answer
     */
    LeaderScout(CommandHost host, CommandRouting routing, ByteBuffer command, Consumer<ByteBuffer> listener) {
        this.host = host;
        this.routing = routing;
        this.command = command;
        this.listener = listener;
        this.lastAsked = host.nodeId();
    }

    void start() {
        askAfter(AFTER_MS);
    }

    synchronized void stop() {
        isStopped = true;
        if (timer != null) {
            timer.cancel();
        }
    }

    private synchronized void askAfter(long ms) {
        if (!isStopped) {
            timer = routing.scheduler().schedule(ms, this::ask);
        }
    }

    private void ask() {
        next().ifPresent(voter -> routing.ownedChannel()
                .send(voter, command.duplicate(), routing.limits().answerMs())
                .whenComplete((answer, error) -> {
                    if (error == null) {
                        listener.accept(answer);
                    }
                }));
        askAfter(AGAIN_AFTER_MS);
    }

    /** The voter after the one that was asked last, but for this node and the one that it takes for the leader. */
    private synchronized Optional<Node> next() {
        TreeSet<Integer> others = new TreeSet<>(host.voterIds());
        LeaderAndEpoch leader = host.leader();
        others.remove(host.nodeId());
        leader.leaderId().ifPresent(others::remove);
        if (isStopped || others.isEmpty()) {
            return Optional.empty();
        }
        Integer higher = others.higher(lastAsked);
        lastAsked = higher == null ? others.first() : higher;
        return host.voter(lastAsked);
    }
}
