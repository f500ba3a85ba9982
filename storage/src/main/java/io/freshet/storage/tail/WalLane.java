// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.storage.StorageParts;
import io.freshet.storage.StorageParts.WalReopener;
import io.freshet.wal.WriteAheadLog;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One of this broker's WAL lanes and the room that uncommitted appends may take: in the lane, and in the memory that all lanes
 * share. Appends beyond it are refused (THROTTLED), so that the lane never fills up with entries that an upload would have to
 * wait for; memory may be exceeded by the last one's frame or slab. Safe for use by many threads.
 */
public final class WalLane {
    /** Share of the lane that may be in use before appends are refused; the rest absorbs padding and ring wrap. */
    private static final double WAL_LIMIT = 0.85;

    private final int index;
    private final String name;
    private final Optional<WalReopener> reopener;
    private final TailMemory memory;
    private final AtomicLong inFlightBytes = new AtomicLong();
    /** Entries admitted and not answered yet. */
    private final AtomicLong inFlightCount = new AtomicLong();

    private volatile WriteAheadLog wal;
    private boolean isClosed;

    /**
     * @param index place among the broker's lanes, from 0
     * @param parts its name, and how to open it again
     */
    public WalLane(int index, StorageParts.Lane parts, WriteAheadLog wal, TailMemory memory) {
        this.index = index;
        this.name = parts.name();
        this.reopener = parts.reopener();
        this.wal = wal;
        this.memory = memory;
    }

    public int index() {
        return index;
    }

    public String name() {
        return name;
    }

    public WriteAheadLog wal() {
        return wal;
    }

    /** Why the lane takes no appends, if its WAL has failed. */
    public Optional<FreshetException> failure() {
        return wal.failure();
    }

    /** How to replace the WAL after a failure, if that is possible. */
    public Optional<WalReopener> reopener() {
        return reopener;
    }

    /** Whether a failed lane has told all who waited: none of its streams learns of another durable record. */
    public boolean hasAnsweredAll() {
        return inFlightCount.get() == 0;
    }

    /** Puts {@code ownedWal} in the failed one's place; false, and nothing is taken, if the lane was closed meanwhile. */
    public synchronized boolean replace(WriteAheadLog ownedWal) {
        if (!isClosed) {
            wal = ownedWal;
        }
        return !isClosed;
    }

    /** Closes the WAL; none takes its place after that. */
    void close() {
        WriteAheadLog last;
        synchronized (this) {
            isClosed = true;
            last = wal;
        }
        last.close();
    }

    /** Bytes of the lane that are in use or promised to entries on their way. */
    public long usedBytes() {
        return wal.usedBytes() + inFlightBytes.get();
    }

    /** Share of the lane in use, 0 to 1. */
    public double usedShare() {
        return (double) usedBytes() / wal.capacityBytes();
    }

    /** Share of the room for uncommitted bytes that is in use: 1 and more means that appends are refused. */
    public double load() {
        double walLoad = usedShare() / WAL_LIMIT;
        double memoryLoad = (double) memory.takenBytes() / memory.limitBytes();
        return Math.max(walLoad, memoryLoad);
    }

    /**
     * Fails with THROTTLED if {@code sizeBytes} more do not fit now, with INVALID if they never will, and as the lane did if it
     * has failed. An entry that was admitted must be told of to {@link #durable} or {@link #failed}.
     */
    void admit(long streamId, int sizeBytes) {
        inFlightCount.incrementAndGet(); // before the look at the WAL: it is not replaced under an entry on its way
        boolean isAdmitted = false;
        try {
            checkWorks(streamId);
            checkRoom(streamId, sizeBytes);
            isAdmitted = true;
        } finally {
            if (!isAdmitted) {
                inFlightCount.decrementAndGet();
            }
        }
    }

    private void checkWorks(long streamId) {
        Optional<FreshetException> failure = wal.failure();
        if (failure.isPresent()) {
            FreshetException cause = failure.get();
            throw new FreshetException(
                    cause.kind(),
                    "Stream " + streamId + " takes no appends on WAL lane " + name + " at present: "
                            + cause.getMessage(),
                    cause);
        }
    }

    /**
     * Counts the append's own bytes. What they keep in memory besides, the frame that they lie in or a slab begun for their copy,
     * is charged once they are in: of the appends that pass at the same time, each may take the tail beyond its limit by its
     * frame or slab and {@link TailEntry#HANDLE_BYTES}; the next one is refused. To ask for the whole frame here would shut out
     * for good appends whose frame is larger than the tail.
     */
    private void checkRoom(long streamId, int sizeBytes) {
        long bytes = (long) sizeBytes + TailEntry.OVERHEAD_BYTES;
        long walLimit = (long) (wal.capacityBytes() * WAL_LIMIT);
        if (bytes > Math.min(walLimit, memory.limitBytes())) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "An append of " + sizeBytes + " bytes to stream " + streamId + " can never fit into a WAL of "
                            + wal.capacityBytes() + " bytes (lane " + name + ") and a tail of " + memory.limitBytes()
                            + "; enlarge them or lower the greatest message size");
        }
        if (usedBytes() + bytes > walLimit || memory.takenBytes() + bytes > memory.limitBytes()) {
            throw new FreshetException(
                    ErrorKind.THROTTLED,
                    "An append of " + sizeBytes + " bytes to stream " + streamId + " must wait for uploads: "
                            + usedBytes() + " of " + walLimit + " bytes of WAL lane " + name + " and "
                            + memory.takenBytes() + " of " + memory.limitBytes()
                            + " tail bytes hold data that is not uploaded yet; retry");
        }
    }

    /** The entry takes room from now on, whether it is handed over at once or held back. */
    void promised(TailEntry entry) {
        inFlightBytes.addAndGet(entry.accountedBytes());
    }

    /** Called by the lane's thread, after the stream's durable end has moved. */
    void durable(TailEntry entry) {
        inFlightBytes.addAndGet(-entry.accountedBytes());
        inFlightCount.decrementAndGet();
    }

    void failed(TailEntry entry) {
        inFlightBytes.addAndGet(-entry.accountedBytes());
        inFlightCount.decrementAndGet();
    }
}
