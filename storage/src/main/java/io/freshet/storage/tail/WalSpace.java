// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.wal.WriteAheadLog;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The room that uncommitted appends may take: in the WAL and in memory. Appends beyond it are refused (THROTTLED), so that
 * the WAL never fills up with entries that an upload would have to wait for. Safe for use by many threads.
 */
public final class WalSpace {
    /** Share of the WAL that may be in use before appends are refused; the rest absorbs padding and ring wrap. */
    private static final double WAL_LIMIT = 0.85;

    private final WriteAheadLog wal;
    private final TailMemory memory;
    private final AtomicLong inFlightBytes = new AtomicLong();
    private volatile long lastDurableLsn;

    /** @param lastDurableLsn greatest LSN that recovery returned, or the WAL's start */
    public WalSpace(WriteAheadLog wal, TailMemory memory, long lastDurableLsn) {
        this.wal = wal;
        this.memory = memory;
        this.lastDurableLsn = lastDurableLsn;
    }

    public WriteAheadLog wal() {
        return wal;
    }

    /** LSN of the newest record whose stream knows that it is durable: nothing at or above it may be trimmed yet. */
    public long lastDurableLsn() {
        return lastDurableLsn;
    }

    /** Bytes of the WAL that are in use or promised to entries on their way. */
    public long usedBytes() {
        return Math.max(0, wal.endLsn() - wal.startLsn()) + inFlightBytes.get();
    }

    /** Share of the WAL in use, 0 to 1. */
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
                            + wal.capacityBytes() + " bytes and a tail of " + memory.limitBytes()
                            + "; enlarge them or lower the greatest message size");
        }
        if (usedBytes() + bytes > walLimit || memory.uncommittedBytes() + bytes > memory.limitBytes()) {
            throw new FreshetException(
                    ErrorKind.THROTTLED,
                    "An append of " + sizeBytes + " bytes to stream " + streamId + " must wait for uploads: "
                            + usedBytes() + " of " + walLimit + " WAL bytes and " + memory.uncommittedBytes() + " of "
                            + memory.limitBytes() + " tail bytes hold data that is not uploaded yet; retry");
        }
    }

    void sent(TailEntry entry) {
        inFlightBytes.addAndGet(entry.accountedBytes());
    }

    /** Called by the WAL lane's thread, after the stream's durable end has moved. */
    void durable(TailEntry entry) {
        inFlightBytes.addAndGet(-entry.accountedBytes());
        lastDurableLsn = entry.lsn();
    }

    void failed(TailEntry entry) {
        inFlightBytes.addAndGet(-entry.accountedBytes());
    }
}
