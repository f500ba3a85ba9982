// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.wal.WriteAheadLog;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One of this broker's WAL lanes and the room that uncommitted appends may take: in the lane, and in the memory that all lanes
 * share. Appends beyond it are refused (THROTTLED), so that the lane never fills up with entries that an upload would have to
 * wait for. Safe for use by many threads.
 */
public final class WalLane {
    /** Share of the lane that may be in use before appends are refused; the rest absorbs padding and ring wrap. */
    private static final double WAL_LIMIT = 0.85;

    private final int index;
    private final String name;
    private final WriteAheadLog wal;
    private final TailMemory memory;
    private final AtomicLong inFlightBytes = new AtomicLong();
    private volatile long lastDurableLsn;

    /**
     * @param index place among the broker's lanes, from 0
     * @param name what topics call it
     * @param lastDurableLsn greatest LSN that recovery returned, or the WAL's start
     */
    public WalLane(int index, String name, WriteAheadLog wal, TailMemory memory, long lastDurableLsn) {
        this.index = index;
        this.name = name;
        this.wal = wal;
        this.memory = memory;
        this.lastDurableLsn = lastDurableLsn;
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

    /** LSN of the newest record whose stream knows that it is durable: nothing at or above it may be trimmed yet. */
    public long lastDurableLsn() {
        return lastDurableLsn;
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
        double memoryLoad = (double) memory.uncommittedBytes() / memory.limitBytes();
        return Math.max(walLoad, memoryLoad);
    }

    /** Fails with THROTTLED if {@code sizeBytes} more do not fit now, with INVALID if they never will. */
    void admit(long streamId, int sizeBytes) {
        long bytes = (long) sizeBytes + TailEntry.OVERHEAD_BYTES;
        long walLimit = (long) (wal.capacityBytes() * WAL_LIMIT);
        if (bytes > Math.min(walLimit, memory.limitBytes())) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "An append of " + sizeBytes + " bytes to stream " + streamId + " can never fit into a WAL of "
                            + wal.capacityBytes() + " bytes (lane " + name + ") and a tail of " + memory.limitBytes()
                            + "; enlarge them or lower the greatest message size");
        }
        if (usedBytes() + bytes > walLimit || memory.uncommittedBytes() + bytes > memory.limitBytes()) {
            throw new FreshetException(
                    ErrorKind.THROTTLED,
                    "An append of " + sizeBytes + " bytes to stream " + streamId + " must wait for uploads: "
                            + usedBytes() + " of " + walLimit + " bytes of WAL lane " + name + " and "
                            + memory.uncommittedBytes() + " of " + memory.limitBytes()
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
        lastDurableLsn = entry.lsn();
    }

    void failed(TailEntry entry) {
        inFlightBytes.addAndGet(-entry.accountedBytes());
    }
}
