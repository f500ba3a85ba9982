// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.common.runtime.Scheduler.Cancellable;
import io.freshet.metadata.log.RaftGround;
import io.freshet.metadata.log.RaftLogSettings;
import io.freshet.tests.sim.SimProcess;
import io.freshet.tests.sim.SimRandom;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.memory.MemoryPool;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.raft.ExpirationService;
import org.apache.kafka.raft.KafkaRaftClient;
import org.apache.kafka.raft.QuorumStateStore;
import org.apache.kafka.raft.RaftLog;
import org.apache.kafka.raft.SimulatedRaft;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.server.fault.FaultHandler;
import org.apache.kafka.snapshot.SnapshotWriter;
import org.jspecify.annotations.Nullable;

/** Raft's client in one simulated process: it is polled when its wait would end, or when something comes. */
final class SimGround implements RaftGround, ExpirationService {
    private static final long LONGEST_WAIT_MS = 5_000;

    private final SimProcess process;
    private final SimRandom random;
    private final NodeDisk disk;
    private final double cleaning;
    private final Runnable onPolled;
    private final SimMessageQueue queue = new SimMessageQueue(this::wake);
    private @Nullable KafkaRaftClient<ApiMessageAndVersion> client;
    private @Nullable FaultHandler onFault;
    private @Nullable Cancellable next;
    private long nextAtNanos;
    private boolean isOver;

    /**
     * @param cleaning how often the log forgets what its newest snapshot holds
     * @param onPolled is told after each poll
     */
    SimGround(SimProcess process, SimRandom random, NodeDisk disk, double cleaning, Runnable onPolled) {
        this.process = process;
        this.random = random;
        this.disk = disk;
        this.cleaning = cleaning;
        this.onPolled = onPolled;
    }

    KafkaRaftClient<ApiMessageAndVersion> client() {
        return Objects.requireNonNull(client);
    }

    @Override
    public RaftLog open(RaftLogSettings settings, Time time) {
        disk.log().open();
        return disk.log();
    }

    @Override
    public KafkaRaftClient<ApiMessageAndVersion> client(ClientParts parts) {
        KafkaRaftClient<ApiMessageAndVersion> made = SimulatedRaft.client(
                parts, new SimulatedRaft.Means(queue, this, new SmallBuffers(), new Random(random.nextLong())));
        client = made;
        return made;
    }

    @Override
    public QuorumStateStore votes() {
        return disk.votes();
    }

    @Override
    public void start(FaultHandler faults) {
        onFault = faults;
        wake();
    }

    private void wake() {
        if (onFault != null) {
            pollWithin(random.between(5_000, 200_000));
        }
    }

    private void pollWithin(long nanos) {
        long atNanos = process.time().nowNanos() + nanos;
        Cancellable planned = next;
        if (planned != null) {
            if (nextAtNanos <= atNanos) {
                return;
            }
            planned.cancel();
        }
        nextAtNanos = atNanos;
        next = process.time().schedule(process, nanos, "raft", this::poll);
    }

    private void poll() {
        next = null;
        if (isOver) {
            return;
        }
        try {
            if (random.chance(cleaning)) {
                disk.log().maybeClean();
            }
            client().poll();
        } catch (RuntimeException | AssertionError e) {
            isOver = true;
            Objects.requireNonNull(onFault).handleFault("a simulated poll failed", e);
            return;
        }
        onPolled.run();
        if (queue.tookMessage() || !queue.isEmpty()) {
            pollWithin(random.between(5_000, 50_000));
        } else {
            long waitMs = Math.max(1, Math.min(LONGEST_WAIT_MS, queue.lastTimeoutMs()));
            pollWithin(waitMs * 1_000_000 + random.nextLong(100_000));
        }
    }

    @Override
    public <T> CompletableFuture<T> failAfter(long timeoutMs) {
        CompletableFuture<T> future = new CompletableFuture<>();
        Cancellable timer = process.schedule(
                timeoutMs,
                () -> future.completeExceptionally(new TimeoutException("Not completed within " + timeoutMs + " ms")));
        future.whenComplete((value, error) -> timer.cancel());
        return future;
    }

    @Override
    public SnapshotWriter<ApiMessageAndVersion> steady(SnapshotWriter<ApiMessageAndVersion> writer) {
        return writer;
    }

    @Override
    public long snapshotBytes(OffsetAndEpoch id) {
        return disk.log().readSnapshot(id).map(reader -> reader.sizeInBytes()).orElse(0L);
    }

    @Override
    public void stopTimers() {}

    @Override
    public void stopClient() {
        isOver = true;
        client().close();
    }

    @Override
    public void stopScheduler() {}

    /** The client asks for room for its largest batch; its output grows by itself when it needs more. */
    private static final class SmallBuffers implements MemoryPool {
        private static final int BYTES = 32 << 10;
        private static final long PRETENDED_BYTES = 40L << 20;

        @Override
        public ByteBuffer tryAllocate(int sizeBytes) {
            return ByteBuffer.allocate(Math.min(sizeBytes, BYTES));
        }

        @Override
        public void release(ByteBuffer previouslyAllocated) {}

        @Override
        public long size() {
            return PRETENDED_BYTES;
        }

        @Override
        public long availableMemory() {
            return PRETENDED_BYTES;
        }

        @Override
        public boolean isOutOfMemory() {
            return false;
        }
    }
}
