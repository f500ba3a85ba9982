// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.kafka.raft.RaftMessage;
import org.apache.kafka.raft.RaftMessageQueue;

/** The Raft client's queue: never blocks, but remembers for how long the client would have waited. */
final class SimMessageQueue implements RaftMessageQueue {
    private final Deque<QueueEntry> queued = new ArrayDeque<>();
    private final Runnable onWake;
    private long lastTimeoutMs;
    private boolean tookMessage;

    /** @param onWake is told that a wait would end */
    SimMessageQueue(Runnable onWake) {
        this.onWake = onWake;
    }

    private record Entry(RaftMessage message, CompletableFuture<RaftMessage> future) implements QueueEntry {}

    /** For how long the newest {@link #poll} would have waited. */
    long lastTimeoutMs() {
        return lastTimeoutMs;
    }

    boolean tookMessage() {
        return tookMessage;
    }

    @Override
    public Optional<QueueEntry> poll(long timeoutMs) {
        lastTimeoutMs = timeoutMs;
        Optional<QueueEntry> next = Optional.ofNullable(queued.poll());
        tookMessage = next.isPresent();
        return next;
    }

    @Override
    public CompletionStage<RaftMessage> add(RaftMessage message) {
        Entry entry = new Entry(message, new CompletableFuture<>());
        queued.add(entry);
        onWake.run();
        return entry.future;
    }

    @Override
    public boolean isEmpty() {
        return queued.isEmpty();
    }

    @Override
    public void wakeup() {
        onWake.run();
    }
}
