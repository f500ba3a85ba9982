// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongConsumer;
import org.jctools.queues.MpscUnboundedArrayQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The block lane: a ring on a {@link BlockDevice} behind one thread, {@code freshet-wal-block} (or none, see {@link #openStepwise}). While a group is being
 * written the next one fills in the queue, so the busier the lane, the larger its groups; a lone append costs one device
 * write. An idle lane sleeps until it is woken.
 *
 * <p>On the device: two superblocks ({@link Superblock}), then a ring of groups ({@link GroupHeader}) of records
 * ({@link RecordHeader}). The LSN of a record is where its header lies in the endless log the ring is a window of. How
 * opening finds the end of the log, and when it refuses, stands at {@link RingRecovery}.
 *
 * <p>A device error stops the lane for good: a write or flush that failed is never tried again, since what it left on the
 * device is unknown. All waiting and later entries fail; {@link #failure()} says why. When everything that was acknowledged is kept
 * elsewhere, {@link #openAnew} makes an empty log of it again.
 */
public final class BlockWal implements WriteAheadLog {
    private static final Logger LOG = LoggerFactory.getLogger(BlockWal.class);
    private static final int QUEUE_CHUNK = 1024;
    private static final int AWAKE = 0;
    private static final String THREAD_NAME = "freshet-wal-block";
    private static final int ASLEEP = 1;
    private static final int ASLEEP_UNTIL_TRIM = 2;

    private final BlockDevice device;
    private final WalMetrics metrics;
    private final MpscUnboundedArrayQueue<WalEntry> entries = new MpscUnboundedArrayQueue<>(QUEUE_CHUNK);
    private final MpscUnboundedArrayQueue<TrimRequest> trims = new MpscUnboundedArrayQueue<>(QUEUE_CHUNK);
    private final LongAdder pendingBytes = new LongAdder();
    private final AtomicInteger sleep = new AtomicInteger(AWAKE);
    private final UUID walId;
    private final long capacityBytes;
    private final long maxPayloadBytes;
    private final RingLane lane;
    private final LaneDrive drive;
    private volatile boolean isClosing;
    private volatile boolean hasEnded;
    private volatile @Nullable FreshetException failure;

    private BlockWal(
            BlockDevice device,
            BlockWalConfig config,
            SuperblockStore superblocks,
            RecoveredRing ring,
            Services services,
            LaneDrive drive) {
        Superblock superblock = superblocks.current();
        RingGeometry geometry = new RingGeometry(superblock.ringSizeBytes());
        this.device = device;
        this.metrics = new WalMetrics(services.meters());
        this.walId = superblock.walId();
        this.capacityBytes = superblock.ringSizeBytes();
        this.maxPayloadBytes = Math.min(
                config.maxRecordBytes(),
                capacityBytes - GroupHeader.SIZE_BYTES - RecordHeader.SIZE_BYTES - RingGeometry.BLOCK_BYTES);
        GroupWriter writer =
                new GroupWriter(device, geometry, superblock.walId(), superblock.generation(), config.maxGroupBytes());
        this.lane = new RingLane(
                new RingLane.Parts(superblocks, writer, metrics, services.clock(), config.maxGroupBytes()),
                ring,
                entries,
                trims,
                pendingBytes);
        this.drive = drive;
        registerGauges();
    }

    /** What a lane takes from its process. */
    public record Services(Clock clock, Randomness randomness, MeterRegistry meters) {}

    /**
     * Formats a blank device or recovers the log on it, then starts the lane. Reads and calls {@code visitor} on the calling
     * thread, in LSN order; returns when every record was visited. An exception from the visitor ends the opening.
     *
     * @param ownedDevice closed with the lane, and when opening fails
     * @throws FreshetException CORRUPT if acknowledged records are damaged (records before the damage may have been
     *     visited already: drop them); UNAVAILABLE if the device fails; INVALID if the WAL is another broker's, of an
     *     unknown version, or too small
     */
    public static BlockWal open(
            BlockWalConfig config, BlockDevice ownedDevice, RecoveryVisitor visitor, Services services) {
        return open(config, ownedDevice, visitor, services, new LaneThread(THREAD_NAME));
    }

    /**
     * As {@link #open(BlockWalConfig, BlockDevice, RecoveryVisitor, Services)}, but the lane has no thread: each round of its
     * duty cycle is a task of {@code executor}, which must run one task at a time. {@link #close()} runs what is left on the
     * calling thread.
     */
    public static BlockWal openStepwise(
            BlockWalConfig config,
            BlockDevice ownedDevice,
            RecoveryVisitor visitor,
            Services services,
            Executor executor) {
        return open(config, ownedDevice, visitor, services, new LaneSteps(executor));
    }

    private static BlockWal open(
            BlockWalConfig config,
            BlockDevice ownedDevice,
            RecoveryVisitor visitor,
            Services services,
            LaneDrive drive) {
        boolean isOpen = false;
        try {
            SuperblockStore superblocks = SuperblockStore.open(ownedDevice, config, services.randomness());
            RecoveredRing ring = new RingRecovery(ownedDevice, superblocks.current(), visitor).run();
            superblocks.write(superblocks.current().opened(ring.endLsn(), config.brokerEpoch()));
            BlockWal wal = new BlockWal(ownedDevice, config, superblocks, ring, services, drive);
            logOpened(ownedDevice, superblocks.current(), ring);
            drive.start(wal.new Cycle());
            isOpen = true;
            return wal;
        } catch (IOException e) {
            throw deviceFailure(ownedDevice, "could not be opened", e);
        } finally {
            if (!isOpen) {
                closeQuietly(ownedDevice);
            }
        }
    }

    /**
     * Starts a lane on the device of one that failed, with an empty log: nothing that was written before is read or trusted
     * (after a failed flush nobody knows what the device holds), and no later recovery finds any of it. The caller must know
     * that everything acknowledged is kept elsewhere. LSNs go on behind all that the failed lane may have used.
     *
     * @param failed closed, with a {@link #failure()}
     * @param ownedDevice the same device opened again; closed with the lane, and when opening fails
     * @throws FreshetException UNAVAILABLE if the device still fails, INVALID if it holds another WAL
     */
    public static BlockWal openAnew(
            BlockWalConfig config, BlockDevice ownedDevice, BlockWal failed, Services services) {
        boolean isOpen = false;
        try {
            long startLsn = RingGeometry.alignUp(failed.endLsn()) + failed.capacityBytes + 2L * config.maxGroupBytes();
            SuperblockStore superblocks = SuperblockStore.restart(ownedDevice, config, failed.walId, startLsn);
            Superblock superblock = superblocks.current();
            long start = superblock.startLsn();
            RecoveredRing empty =
                    new RecoveredRing(start, start, new GroupStarts(start, superblock.ringSizeBytes()), 0);
            BlockWal wal = new BlockWal(ownedDevice, config, superblocks, empty, services, new LaneThread(THREAD_NAME));
            logOpened(ownedDevice, superblock, empty);
            wal.drive.start(wal.new Cycle());
            isOpen = true;
            return wal;
        } catch (IOException e) {
            throw deviceFailure(ownedDevice, "could not be opened again", e);
        } finally {
            if (!isOpen) {
                closeQuietly(ownedDevice);
            }
        }
    }

    private static void logOpened(BlockDevice device, Superblock superblock, RecoveredRing ring) {
        LOG.info(
                "Opened the WAL {} ({}), ring of {} bytes, generation {}: {} records from LSN {} to {}",
                superblock.walId(),
                device.description(),
                superblock.ringSizeBytes(),
                superblock.generation(),
                ring.recordCount(),
                superblock.startLsn(),
                ring.endLsn());
    }

    private void registerGauges() {
        String io = device.ioMode();
        metrics.gauge("freshet.wal.used", "Ring bytes that may not be overwritten", io, this, BlockWal::usedBytes);
        metrics.gauge("freshet.wal.capacity", "Ring bytes", io, this, BlockWal::capacityBytes);
        metrics.gauge(
                "freshet.wal.pending",
                "Payload bytes handed over and not durable yet",
                io,
                this,
                BlockWal::pendingBytes);
        metrics.gauge(
                "freshet.wal.failed",
                "1 after a device error stopped the lane",
                io,
                this,
                wal -> wal.failure == null ? 0 : 1);
    }

    /**
     * {@inheritDoc}
     *
     * <p>After {@link #close} has returned, {@link WalEntry#onFailed} runs on the calling thread.
     *
     * @throws FreshetException INVALID if the payload is larger than this lane can ever take; the entry is then not handed
     *     over and neither of its callbacks is called
     */
    @Override
    public void append(WalEntry entry) {
        int size = entry.payloadSizeBytes();
        if (size < 0 || size > maxPayloadBytes) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "A WAL entry of " + size + " bytes is not in 0.." + maxPayloadBytes
                            + ": split it, or configure a larger WAL or record limit");
        }
        pendingBytes.add(size);
        entries.offer(entry);
        if (sleep.get() == ASLEEP) {
            wake();
        }
        if (hasEnded) {
            failRemaining();
        }
    }

    /**
     * {@inheritDoc} Applied between group writes: at once when the lane is idle or full, otherwise when it frees enough to
     * pay for the two superblock writes. The future completes on the lane's thread.
     *
     * @return fails with INVALID if {@code lsn} is beyond {@link #endLsn()}, with UNAVAILABLE after close or failure
     */
    @Override
    public CompletableFuture<Void> trim(long lsn) {
        TrimRequest request = new TrimRequest(lsn, new CompletableFuture<>());
        trims.offer(request);
        if (sleep.get() != AWAKE) {
            wake();
        }
        if (hasEnded) {
            failRemaining();
        }
        return request.done();
    }

    @Override
    public long startLsn() {
        return lane.startLsn();
    }

    /**
     * {@inheritDoc} A multiple of 4096. It moves after the callbacks of the records before it, so all of those have been
     * told when a caller sees it.
     */
    @Override
    public long endLsn() {
        return lane.endLsn();
    }

    /** {@inheritDoc} Headers and padding use it too: 56 bytes per record, 64 per group, and up to 4 KiB at a group's end. */
    @Override
    public long capacityBytes() {
        return capacityBytes;
    }

    @Override
    public long usedBytes() {
        return lane.usedBytes();
    }

    /** Payload bytes handed over and neither durable nor failed yet. */
    public long pendingBytes() {
        return pendingBytes.sum();
    }

    @Override
    public Optional<FreshetException> failure() {
        return Optional.ofNullable(failure);
    }

    /**
     * {@code listener} is called with {@link #usedBytes} when half of the ring is in use or an entry waits for space, and
     * again each time that comes about after it had passed. Runs on the lane's thread; must neither block nor throw.
     */
    public void onSpaceLow(LongConsumer listener) {
        lane.onSpaceLow(listener);
        wake();
    }

    /**
     * {@inheritDoc} Entries that wait for space fail. Waits for the write in flight; must not be called on the lane's
     * thread.
     */
    @Override
    public void close() {
        isClosing = true;
        wake();
        drive.close();
        metrics.close();
    }

    /** What the lane's drive turns round; called by one thread at a time. */
    private final class Cycle implements LaneDrive.Cycle {
        @Override
        public LaneDrive.Next round() {
            boolean mayEnd = isClosing;
            try {
                if (failure == null && lane.runOnce()) {
                    return LaneDrive.Next.AGAIN;
                }
                if (failure == null && mayEnd) {
                    lane.markClean();
                }
            } catch (IOException e) {
                stop(deviceFailure(device, "failed", e));
            } catch (RuntimeException | Error e) {
                stop(new FreshetException(
                        ErrorKind.UNAVAILABLE,
                        "The WAL lane on " + device.description() + " stopped on an unexpected error (" + e
                                + "): report it with this log",
                        e));
            }
            FreshetException cause = failure;
            if (mayEnd) {
                end();
                return LaneDrive.Next.END;
            }
            if (cause != null) {
                lane.fail(cause);
            }
            return LaneDrive.Next.REST;
        }

        @Override
        public boolean isIdle() {
            sleep.set(lane.isWaitingForSpace() ? ASLEEP_UNTIL_TRIM : ASLEEP);
            return !lane.hasWork() && !isClosing;
        }

        @Override
        public void resumed() {
            sleep.set(AWAKE);
        }
    }

    private void stop(FreshetException cause) {
        LOG.error("{}", cause.getMessage(), cause);
        failure = cause;
    }

    private void end() {
        hasEnded = true;
        failRemaining();
        closeQuietly(device);
    }

    private void wake() {
        if (sleep.getAndSet(AWAKE) != AWAKE) {
            drive.wake();
        }
    }

    /** The lane's thread is gone, or just going: whoever holds the lock consumes the queues in its place. */
    private void failRemaining() {
        synchronized (trims) {
            FreshetException cause = failure;
            lane.fail(
                    cause != null
                            ? cause
                            : new FreshetException(
                                    ErrorKind.UNAVAILABLE,
                                    "The WAL " + device.description()
                                            + " is closed: retry when the broker is up again"));
        }
    }

    private static FreshetException deviceFailure(BlockDevice device, String what, IOException cause) {
        return new FreshetException(
                ErrorKind.UNAVAILABLE,
                "The WAL " + device.description() + " " + what + " (" + cause.getMessage()
                        + "): nothing more is acknowledged on it; check the volume and the system log",
                cause);
    }

    private static void closeQuietly(BlockDevice device) {
        try {
            device.close();
        } catch (IOException e) {
            LOG.warn("Could not close the WAL {}", device.description(), e);
        }
    }
}
