// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.WalKeys;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.common.runtime.Threads;
import io.freshet.common.stream.StreamState;
import io.freshet.common.stream.WalSeal;
import io.freshet.metadata.MemberState;
import io.freshet.metadata.MetadataNode;
import io.freshet.objectstore.ObjectStore;
import io.freshet.wal.WriteAheadLog.RecoveryVisitor;
import io.freshet.wal.block.BlockDevice;
import io.freshet.wal.block.BlockWal;
import io.freshet.wal.block.BlockWalConfig;
import io.freshet.wal.s3.S3WalServices;
import io.freshet.wal.s3.SlotFormat;
import io.freshet.wal.s3.WalImport;
import io.freshet.wal.s3.WalRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings what the block WALs of dead brokers hold into the store, where this process can open their files: on NFS, or on a volume
 * that was attached to this machine instead. Only when the quorum has ended the owner's session, whose lease was over before, and only
 * under the WAL's exclusive lock, which the owner's process holds as long as it lives. What was brought in is a sealed S3 WAL to everyone
 * else; the block WAL is empty then. A failure leaves the block WAL as it is, and is tried again.
 *
 * <p>One thread, {@code freshet-wal-bring-in}; {@link #look} may be called by any.
 */
final class BlockTakeover implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BlockTakeover.class);
    private static final long PERIOD_MS = 1_000;
    private static final long TURN_MS = 2_000;
    private static final long RETRY_MS = 5_000;
    private static final Duration COMMAND_TIMEOUT = Duration.ofSeconds(30);
    private static final int COMMAND_TRIES = 10;

    private final Parts parts;
    private final IntFunction<Path> paths;
    private final ExecutorService executor = Threads.pool("freshet-wal-bring-in", 1, 2);
    private final Scheduler.Cancellable timer;
    private final Map<Integer, Attempt> attempts = new HashMap<>();
    private final AtomicBoolean isBusy = new AtomicBoolean();
    private volatile boolean isClosed;

    /**
     * What it works with.
     *
     * @param nodeId this broker
     * @param timeoutMs for bringing one WAL in: much less than slots that nobody knows are kept
     */
    record Parts(
            int nodeId,
            long timeoutMs,
            MetadataNode metadata,
            WalDevices devices,
            ObjectStore store,
            WalRegistry registry,
            SlotFormat format,
            S3WalServices services) {}

    /** Waits until a moment for all that is asked of it. */
    private record Patience(Clock clock, long deadlineNs) {
        <T> T on(CompletableFuture<T> answer) {
            return Waiting.on(
                    "Bringing a block WAL into the store",
                    Duration.ofNanos(Math.max(0, deadlineNs - clock.nanoTime())),
                    answer);
        }
    }

    private static final class Attempt {
        private final long brokerEpoch;
        private long notBeforeNs;

        private Attempt(long brokerEpoch, long notBeforeNs) {
            this.brokerEpoch = brokerEpoch;
            this.notBeforeNs = notBeforeNs;
        }
    }

    /** @param paths where the block WAL of a broker lies */
    BlockTakeover(Parts parts, IntFunction<Path> paths) {
        this.parts = parts;
        this.paths = paths;
        this.timer = parts.services.scheduler().scheduleRepeatedly(PERIOD_MS, this::look);
    }

    /** Looks for brokers whose session is over; does not block. */
    void look() {
        if (!isClosed && anyDead() && isBusy.compareAndSet(false, true)) {
            executor.execute(this::lookNow);
        }
    }

    private boolean anyDead() {
        return parts.metadata.manifests().members().stream().anyMatch(this::isDead);
    }

    /** Whether others wait for what only this member could read so far. */
    private boolean isDead(MemberState member) {
        return member.isLapsed()
                && member.brokerId() != parts.nodeId
                && member.walLanes().contains(WalKeys.BLOCK);
    }

    private void lookNow() {
        try {
            takeOverDue();
        } finally {
            isBusy.set(false);
        }
    }

    private void takeOverDue() {
        List<MemberState> dead = parts.metadata.manifests().members().stream()
                .filter(this::isDead)
                .toList();
        attempts.keySet().retainAll(dead.stream().map(MemberState::brokerId).toList());
        for (MemberState member : dead) {
            if (!isClosed && isDue(member)) {
                tryToTakeOver(member);
            }
        }
    }

    private boolean isDue(MemberState member) {
        long nowNs = parts.services.clock().nanoTime();
        Attempt known = attempts.get(member.brokerId());
        if (known == null || known.brokerEpoch != member.brokerEpoch()) {
            known = new Attempt(member.brokerEpoch(), nowNs + TimeUnit.MILLISECONDS.toNanos(turnOf(member) * TURN_MS));
            attempts.put(member.brokerId(), known);
        }
        return nowNs - known.notBeforeNs >= 0 && Files.exists(paths.apply(member.brokerId()));
    }

    /** This broker's place in the row of the live ones. */
    private long turnOf(MemberState member) {
        List<Integer> alive = new QuorumWals(parts.metadata).alive();
        int place = Math.max(0, alive.indexOf(parts.nodeId));
        return alive.isEmpty() ? 0 : Math.floorMod(place - member.brokerId(), alive.size());
    }

    private void tryToTakeOver(MemberState member) {
        Path path = paths.apply(member.brokerId());
        try {
            long records = takeOver(member, path);
            LOG.info(
                    "Brought {} records of the block WAL {} of broker {}, epoch {}, into the store; its partitions go on elsewhere",
                    records,
                    path,
                    member.brokerId(),
                    member.brokerEpoch());
        } catch (FreshetException e) {
            Attempt attempt = attempts.get(member.brokerId());
            if (attempt != null) {
                attempt.notBeforeNs = parts.services.clock().nanoTime() + TimeUnit.MILLISECONDS.toNanos(RETRY_MS);
            }
            if (!isClosed) {
                LOG.warn(
                        "The block WAL {} of broker {}, epoch {}, could not be brought in; its partitions wait, it is tried again: {}",
                        path,
                        member.brokerId(),
                        member.brokerEpoch(),
                        e.getMessage());
            }
        }
    }

    /** Returns how many records were brought in. */
    private long takeOver(MemberState member, Path path) {
        // What it skips because objects hold it, or because its stream is gone, is judged by a copy that is new enough.
        Waiting.onTries("A read of the metadata", COMMAND_TRIES, COMMAND_TIMEOUT, parts.metadata.controller()::barrier);
        WalImport brought = new WalImport(
                new WalImport.Target(member.brokerId(), member.brokerEpoch()),
                parts.store,
                parts.registry,
                parts.format,
                parts.services,
                new Patience(
                        parts.services.clock(),
                        parts.services.clock().nanoTime() + TimeUnit.MILLISECONDS.toNanos(parts.timeoutMs))::on);
        BlockDevice device = parts.devices.reopen(path);
        BlockWalConfig config = new BlockWalConfig(
                member.brokerId(),
                member.brokerEpoch(),
                BlockWalConfig.DEFAULT_MAX_GROUP_BYTES,
                BlockWalConfig.DEFAULT_MAX_RECORD_BYTES);
        BlockWal.Services services =
                new BlockWal.Services(parts.services.clock(), parts.services.randomness(), new SimpleMeterRegistry());
        try (BlockWal wal = BlockWal.open(config, device, uncommitted(brought), services)) {
            WalSeal seal = brought.finish();
            Waiting.onTries(
                    "Making broker " + member.brokerId() + "'s records known",
                    COMMAND_TRIES,
                    COMMAND_TIMEOUT,
                    () -> parts.metadata.controller().importWal(member.brokerId(), member.brokerEpoch(), seal));
            Waiting.on("Emptying the WAL " + path, COMMAND_TIMEOUT, wal.trim(wal.endLsn()));
            return brought.records();
        }
    }

    private RecoveryVisitor uncommitted(RecoveryVisitor visitor) {
        return (lsn, streamId, leaderEpoch, baseOffset, endOffset, payload) -> {
            if (isClosed) {
                throw new FreshetException(ErrorKind.UNAVAILABLE, "This broker stops");
            }
            Optional<StreamState> stream = parts.metadata.manifests().stream(streamId);
            if (stream.isPresent() && stream.get().endOffset() < endOffset) {
                visitor.record(lsn, streamId, leaderEpoch, baseOffset, endOffset, payload);
            }
        };
    }

    @Override
    public void close() {
        isClosed = true;
        timer.cancel();
        Threads.stop(executor, Duration.ofSeconds(30));
    }
}
