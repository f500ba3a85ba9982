// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.wal.WalEntry;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The duty cycle of one lane: gathers queued entries into a group, writes it, completes the entries, and between groups
 * moves the start of the log. Single writer: only the lane's thread calls the methods that change something; the volatile
 * positions may be read from anywhere. Nothing here waits, so a test can drive it step by step.
 */
final class RingLane {
    private static final Logger LOG = LoggerFactory.getLogger(RingLane.class);
    private static final int MAX_GROUP_RECORDS = 1 << 14;
    private static final long TRIM_STEP_BYTES = 4L << 20;

    private final SuperblockStore superblocks;
    private final GroupWriter writer;
    private final GroupStarts groupStarts;
    private final WalMetrics metrics;
    private final Clock clock;
    private final Queue<WalEntry> entries;
    private final Queue<TrimRequest> trims;
    private final LongAdder pendingBytes;
    private final long capacityBytes;
    private final long maxGroupBytes;
    private final List<WalEntry> group = new ArrayList<>();
    private final List<TrimRequest> waitingTrims = new ArrayList<>();
    private final long[] recordLsns = new long[MAX_GROUP_RECORDS];
    private long nextGroupLsn;
    private long previousEndLsn;
    private long groupBytes;
    private long trimTargetLsn;
    private boolean hasSignalledSpaceLow;
    private boolean isWaitingForSpace;
    private volatile long startLsn;
    private volatile long endLsn;
    private volatile long usedBytes;
    private volatile @Nullable LongConsumer onSpaceLow;

    /** @param entries single-consumer queue of entries; the lane's thread is its consumer */
    RingLane(
            Parts parts,
            RecoveredRing ring,
            Queue<WalEntry> entries,
            Queue<TrimRequest> trims,
            LongAdder pendingBytes) {
        this.superblocks = parts.superblocks();
        this.writer = parts.writer();
        this.metrics = parts.metrics();
        this.clock = parts.clock();
        this.maxGroupBytes = parts.maxGroupBytes();
        this.entries = entries;
        this.trims = trims;
        this.pendingBytes = pendingBytes;
        this.groupStarts = ring.groupStarts();
        this.nextGroupLsn = ring.endLsn();
        this.previousEndLsn = ring.previousEndLsn();
        this.capacityBytes = superblocks.current().ringSizeBytes();
        this.startLsn = superblocks.current().startLsn();
        this.trimTargetLsn = startLsn;
        this.endLsn = nextGroupLsn;
        this.usedBytes = nextGroupLsn - groupStarts.firstLsn();
    }

    /** The collaborators of a lane, made at opening. */
    record Parts(
            SuperblockStore superblocks, GroupWriter writer, WalMetrics metrics, Clock clock, long maxGroupBytes) {}

    /** One round; false if there was nothing to do. An IOException is final: call {@link #fail} then. */
    boolean runOnce() throws IOException {
        gather();
        boolean hasGroup = !group.isEmpty();
        if (hasGroup) {
            writeGroup();
        }
        boolean hasTrimmed = applyTrims(!hasGroup);
        signalSpaceLow();
        return hasGroup || hasTrimmed;
    }

    /** Whether {@link #runOnce} would find something. Full rings wait for trims only. */
    boolean hasWork() {
        return !trims.isEmpty() || (!isWaitingForSpace && !entries.isEmpty());
    }

    boolean isWaitingForSpace() {
        return isWaitingForSpace;
    }

    private void gather() {
        group.clear();
        groupBytes = GroupHeader.SIZE_BYTES;
        isWaitingForSpace = false;
        long freeBytes = capacityBytes - (nextGroupLsn - groupStarts.firstLsn());
        while (group.size() < MAX_GROUP_RECORDS) {
            WalEntry entry = entries.peek();
            if (entry == null) {
                return;
            }
            long extended = groupBytes + RecordHeader.spanBytes(entry.payloadSizeBytes());
            if (RingGeometry.alignUp(extended) > freeBytes) {
                isWaitingForSpace = group.isEmpty();
                return;
            }
            if (!group.isEmpty() && extended > maxGroupBytes) {
                return;
            }
            group.add(entry);
            groupBytes = extended;
            entries.remove();
        }
    }

    private void writeGroup() throws IOException {
        long lengthBytes = RingGeometry.alignUp(groupBytes);
        long startNs = clock.nanoTime();
        previousEndLsn = writer.write(nextGroupLsn, Math.toIntExact(lengthBytes), previousEndLsn, group, recordLsns);
        long tookNs = clock.nanoTime() - startNs;
        groupStarts.add(nextGroupLsn);
        nextGroupLsn += lengthBytes;
        usedBytes = nextGroupLsn - groupStarts.firstLsn();
        long payloadBytes = complete();
        endLsn = nextGroupLsn;
        metrics.written(tookNs, lengthBytes, group.size(), payloadBytes);
        group.clear();
    }

    private long complete() {
        long payloadBytes = 0;
        for (int i = 0; i < group.size(); i++) {
            WalEntry entry = group.get(i);
            int size = entry.payloadSizeBytes();
            payloadBytes += size;
            pendingBytes.add(-size);
            try {
                entry.onDurable(recordLsns[i]);
            } catch (RuntimeException | Error e) {
                LOG.error("A WAL entry of stream {} threw when told that it is durable", entry.streamId(), e);
            }
        }
        return payloadBytes;
    }

    /** Takes new trim requests; writes the new start when that disturbs nobody, pays off, or is waited for. */
    private boolean applyTrims(boolean isIdle) throws IOException {
        TrimRequest request;
        while ((request = trims.poll()) != null) {
            if (request.lsn() > nextGroupLsn) {
                request.done()
                        .completeExceptionally(new FreshetException(
                                ErrorKind.INVALID,
                                "The WAL ends at LSN " + nextGroupLsn + " and cannot be trimmed to " + request.lsn()));
            } else {
                trimTargetLsn = Math.max(trimTargetLsn, request.lsn());
                waitingTrims.add(request);
            }
        }
        boolean isDue = isIdle || trimTargetLsn - startLsn >= Math.min(TRIM_STEP_BYTES, capacityBytes / 8);
        if (waitingTrims.isEmpty() || !isDue) {
            return false;
        }
        if (trimTargetLsn > startLsn) {
            long firstGroupLsn = trimTargetLsn == nextGroupLsn ? nextGroupLsn : groupStarts.floor(trimTargetLsn);
            superblocks.write(superblocks.current().withLog(trimTargetLsn, firstGroupLsn, nextGroupLsn, false));
            groupStarts.dropBelow(firstGroupLsn);
            startLsn = trimTargetLsn;
            usedBytes = nextGroupLsn - firstGroupLsn;
        }
        waitingTrims.forEach(waiting -> waiting.done().complete(null));
        waitingTrims.clear();
        return true;
    }

    private void signalSpaceLow() {
        boolean isLow = usedBytes * 2 >= capacityBytes || isWaitingForSpace;
        LongConsumer listener = onSpaceLow;
        if (!isLow) {
            hasSignalledSpaceLow = false;
        } else if (!hasSignalledSpaceLow && listener != null) {
            hasSignalledSpaceLow = true;
            try {
                listener.accept(usedBytes);
            } catch (RuntimeException e) {
                LOG.error("The listener for low WAL space threw", e);
            }
        }
    }

    /** Writes down that the log ends here. */
    void markClean() throws IOException {
        superblocks.write(superblocks.current().withLog(startLsn, groupStarts.firstLsn(), nextGroupLsn, true));
    }

    /** Fails everything that was handed over and not completed. */
    void fail(FreshetException cause) {
        isWaitingForSpace = false;
        for (WalEntry entry : group) {
            fail(entry, cause);
        }
        group.clear();
        WalEntry entry;
        while ((entry = entries.poll()) != null) {
            fail(entry, cause);
        }
        waitingTrims.forEach(waiting -> waiting.done().completeExceptionally(cause));
        waitingTrims.clear();
        TrimRequest trim;
        while ((trim = trims.poll()) != null) {
            trim.done().completeExceptionally(cause);
        }
    }

    private void fail(WalEntry entry, FreshetException cause) {
        pendingBytes.add(-entry.payloadSizeBytes());
        try {
            entry.onFailed(cause);
        } catch (RuntimeException e) {
            LOG.error("A WAL entry of stream {} threw when told that it failed", entry.streamId(), e);
        }
    }

    void onSpaceLow(LongConsumer listener) {
        onSpaceLow = listener;
    }

    long startLsn() {
        return startLsn;
    }

    long endLsn() {
        return endLsn;
    }

    long usedBytes() {
        return usedBytes;
    }
}
