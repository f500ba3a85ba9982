// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.metadata.remote.CommandChannel;
import io.freshet.metadata.remote.CommandRouting;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.Node;

/** Carries commands between nodes of one process. */
final class LocalCommandNetwork implements AutoCloseable {
    private final Map<Integer, QuorumNode> nodes = new ConcurrentHashMap<>();
    private final Threads.SchedulerThread scheduler = Threads.scheduler("test-commands");
    final AtomicInteger sent = new AtomicInteger();
    private volatile CompletableFuture<Void> gate = CompletableFuture.completedFuture(null);

    void join(int nodeId, QuorumNode node) {
        nodes.put(nodeId, node);
    }

    void leave(int nodeId) {
        nodes.remove(nodeId);
    }

    /** Commands from now on wait. */
    void hold() {
        gate = new CompletableFuture<>();
    }

    /** Lets those go that wait. */
    void letGo() {
        gate.complete(null);
    }

    CommandRouting routing() {
        return new CommandRouting(
                new Channel(), Clock.system(), scheduler, Randomness.secure(), new SimpleMeterRegistry());
    }

    @Override
    public void close() {
        scheduler.close();
    }

    private final class Channel implements CommandChannel {
        @Override
        public CompletableFuture<ByteBuffer> send(Node to, ByteBuffer command, long timeoutMs) {
            QuorumNode node = nodes.get(to.id());
            if (node == null) {
                return CompletableFuture.failedFuture(
                        new FreshetException(ErrorKind.UNAVAILABLE, "Nobody listens at " + to));
            }
            sent.incrementAndGet();
            return gate.thenCompose(open -> node.answerCommand(command));
        }

        @Override
        public void close() {}
    }
}
