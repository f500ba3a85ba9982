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
import java.util.zip.CRC32C;
import org.apache.kafka.common.Node;

/** Carries commands between nodes of one process. */
final class LocalCommandNetwork implements AutoCloseable {
    /** In the header of a command, see docs/formats.md. */
    private static final int NUMBER_AT = 6;

    private static final int CRC_AT = 16;
    private static final int FIRST_QUERY = 46;
    private static final int LAST_QUERY = 49;

    private final Map<Integer, QuorumNode> nodes = new ConcurrentHashMap<>();
    private final Threads.SchedulerThread scheduler = Threads.scheduler("test-commands");
    final AtomicInteger sent = new AtomicInteger();
    private volatile boolean isOld;
    private volatile CompletableFuture<Void> gate = CompletableFuture.completedFuture(null);

    void join(int nodeId, QuorumNode node) {
        nodes.put(nodeId, node);
    }

    void leave(int nodeId) {
        nodes.remove(nodeId);
    }

    /** Whether the nodes know no queries, as if their version were an older one. */
    void knowNoQueries(boolean isOld) {
        this.isOld = isOld;
    }

    private ByteBuffer asReceived(ByteBuffer command) {
        if (!isOld || command.getShort(NUMBER_AT) < FIRST_QUERY || command.getShort(NUMBER_AT) > LAST_QUERY) {
            return command;
        }
        ByteBuffer unknown = ByteBuffer.allocate(command.remaining());
        unknown.put(command.duplicate()).flip();
        unknown.putShort(NUMBER_AT, Short.MAX_VALUE);
        CRC32C crc = new CRC32C();
        crc.update(unknown.slice(0, CRC_AT));
        crc.update(unknown.slice(CRC_AT + Integer.BYTES, unknown.remaining() - CRC_AT - Integer.BYTES));
        return unknown.putInt(CRC_AT, (int) crc.getValue());
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
            return gate.thenCompose(open -> node.answerCommand(asReceived(command)));
        }

        @Override
        public void close() {}
    }
}
