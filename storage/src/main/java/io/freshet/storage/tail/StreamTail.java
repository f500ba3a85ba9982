// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.StreamAppend;
import io.freshet.storage.StreamLog.StreamRead;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What this broker holds of one stream in memory: entries from the eviction point to the end, and the offsets
 * {@code start ≤ committed ≤ planned ≤ durable ≤ end}. One per stream and process; it outlives its handles, so that a
 * stream that is opened again under a newer leader epoch keeps its acknowledged, not yet uploaded tail.
 *
 * <p>Writers: the owner appends (its lock excludes others), the thread of the one WAL lane that has entries of the stream in
 * flight moves the durable end, the uploader moves the planned and committed ends. Entries and the planned end are guarded by
 * this object's lock, which is held for memory operations only; the offsets are volatile and may be read by any thread.
 */
public final class StreamTail {
    private final long streamId;
    private final TailMemory memory;
    private final TailBatches entries = new TailBatches();
    private final LaneSpans spans = new LaneSpans();
    private final HandOver handOver = new HandOver(this);
    private final TailReads reads = new TailReads(this, entries);
    private final DurableWait durableWait = new DurableWait();
    private final TailAccess access;
    private final ParkedRecords parked = new ParkedRecords();

    private volatile long startOffset;
    private volatile long committedEndOffset;
    private volatile long durableEndOffset;
    private volatile long endOffset;
    private long plannedEndOffset;
    private long uncommittedPayloadBytes;

    /** A tail without entries that begins at the end of the stream's committed segments. */
    public StreamTail(long streamId, long startOffset, long committedEndOffset, TailMemory memory) {
        this.streamId = streamId;
        this.memory = memory;
        this.access = new TailAccess(streamId);
        this.startOffset = startOffset;
        this.committedEndOffset = committedEndOffset;
        this.durableEndOffset = committedEndOffset;
        this.endOffset = committedEndOffset;
        this.plannedEndOffset = committedEndOffset;
    }

    public long streamId() {
        return streamId;
    }

    TailMemory memory() {
        return memory;
    }

    public int leaderEpoch() {
        return access.leaderEpoch();
    }

    public long startOffset() {
        return startOffset;
    }

    public long committedEndOffset() {
        return committedEndOffset;
    }

    public long durableEndOffset() {
        return durableEndOffset;
    }

    public long endOffset() {
        return endOffset;
    }

    /** The owner's state for sealing; null while no owner has the stream open, or it was deleted. */
    public SegmentCheckpoint.@Nullable Source source() {
        return access.source();
    }

    /** Why appends are refused; empty while they are accepted. */
    public Optional<FreshetException> refusal() {
        return access.refusal();
    }

    // ---- opening and closing

    /**
     * Takes the stream from its present owner's handle: no append and no new upload until {@link #activate}.
     *
     * @return the number of this opening; a later one takes the stream from it
     */
    public synchronized long suspend() {
        return access.suspend();
    }

    /** Fails with FENCED if the stream was suspended again since, or dropped. */
    public synchronized void requireOpening(long opening) {
        access.requireOpening(opening);
    }

    /** Whether anybody has begun to open the stream since this tail was made. */
    synchronized boolean isClaimed() {
        return access.isClaimed();
    }

    /**
     * Accepts appends under {@code newLeaderEpoch}, unless a lane failed with entries of this stream: it may hold them, so that
     * others at the same offsets must not reach another lane. {@code newSource} gives the state when a segment is sealed. Fails
     * with FENCED, and changes nothing, if {@code opening} is not the newest.
     */
    public synchronized void activate(long opening, int newLeaderEpoch, SegmentCheckpoint.Source newSource) {
        access.requireOpening(opening);
        plannedEndOffset = committedEndOffset;
        access.activate(newLeaderEpoch, newSource);
    }

    /**
     * The lane holds nothing any more. Appends are accepted again if the stream was opened since its entries failed, or else
     * when it is opened.
     */
    public synchronized void laneRenewed(WalLane lane) {
        access.laneRenewed(lane);
    }

    /** The owner left: appends are refused (FENCED), what is durable is still uploaded. */
    public synchronized void close() {
        access.close();
    }

    /** Whether the owner left and everything is committed: nothing keeps this tail in memory any more. */
    public synchronized boolean isDrained() {
        return access.isOver() && endOffset <= committedEndOffset && !parked.isAny();
    }

    /** No new upload until the stream is opened again; appends are refused with {@code reason}. The data is kept. */
    public synchronized void stopUploads(FreshetException reason) {
        access.refuse(reason);
        access.forgetSource();
        plannedEndOffset = committedEndOffset;
    }

    /** Refuses appends from now on with {@code reason}; what is durable may still be uploaded. */
    public synchronized void refuse(FreshetException reason) {
        access.refuse(reason);
    }

    /** Refuses appends with {@code reason} and forgets all that is not committed: it will never be uploaded. */
    private void dropUncommitted(FreshetException reason) {
        List<TailEntry> dropped;
        synchronized (this) {
            access.stop(reason);
            access.endOpenings();
            parked.take().forEach(record -> record.bytes().release());
            dropped = removeBehind(committedEndOffset);
            durableEndOffset = committedEndOffset;
            plannedEndOffset = committedEndOffset;
            uncommittedPayloadBytes = 0;
            handOver.cancelHeld(reason);
        }
        release(dropped);
        durableWait.end(false);
        handOver.drain();
    }

    /** Takes the entries that end behind {@code newEndOffset} out of the tail, which ends there now. */
    private List<TailEntry> removeBehind(long newEndOffset) {
        List<TailEntry> removed = new ArrayList<>();
        while (entries.count() > 0 && entries.get(entries.count() - 1).endOffset() > newEndOffset) {
            TailEntry last = entries.removeLast();
            uncommittedPayloadBytes -= last.payloadSizeBytes();
            removed.add(last);
        }
        spans.truncate(newEndOffset);
        endOffset = newEndOffset;
        return removed;
    }

    private void release(List<TailEntry> dropped) {
        for (TailEntry entry : dropped) {
            memory.droppedUncommitted(entry);
            entry.bytes().release();
        }
    }

    /** Forgets the whole tail: the stream leaves this process's memory. Uncommitted bytes stay in the WAL. */
    public void dropAll(FreshetException reason) {
        dropUncommitted(reason);
        evictAll();
    }

    /** Evicts all that is committed. */
    void evictAll() {
        evict(Long.MAX_VALUE, Long.MAX_VALUE);
    }

    // ---- append and its completion

    /**
     * Adds the append and hands it to {@code lane}, at once or when the lane used before has answered what it has. Throws, and
     * takes nothing, if the owner is not {@code epoch} or refused (FENCED, UNAVAILABLE), there is no room (THROTTLED), or the
     * offsets do not follow or the append is too large (INVALID).
     */
    public void append(StreamAppend append, int epoch, WalLane lane) {
        TailEntry entry;
        boolean isDirect;
        synchronized (this) {
            access.check(epoch);
            checkFollows(append);
            lane.admit(streamId, append.bytes().sizeBytes());
            entry = new TailEntry(this, lane, epoch, append);
            entries.addLast(entry);
            spans.add(append.baseOffset(), lane.index());
            endOffset = append.endOffset();
            uncommittedPayloadBytes += append.bytes().sizeBytes();
            memory.added(entry);
            isDirect = handOver.isDirect(entry);
        }
        lane.promised(entry);
        if (!isDirect) {
            handOver.drain();
            return;
        }
        try {
            lane.wal().append(entry);
        } catch (FreshetException e) {
            lane.failed(entry);
            takeBack(entry);
            throw e;
        }
    }

    /** The WAL would not have the entry: the owner excludes other appends, so that it is still the last one. */
    private void takeBack(TailEntry entry) {
        List<TailEntry> removed = List.of();
        synchronized (this) {
            if (entries.count() > 0 && entries.get(entries.count() - 1).equals(entry)) {
                removed = removeBehind(entry.baseOffset());
            }
            handOver.takenBack();
        }
        release(removed);
        entry.bytes().release();
    }

    private void checkFollows(StreamAppend append) {
        if (append.baseOffset() != endOffset || append.endOffset() <= append.baseOffset()) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Append [" + append.baseOffset() + ", " + append.endOffset() + ") does not follow the end "
                            + endOffset + " of stream " + streamId + "; assign offsets from the end");
        }
    }

    /**
     * Called by the WAL lane's thread in offset order.
     *
     * @return false if the entry was forgotten meanwhile, as the stream went to another owner: it must not be acknowledged
     */
    boolean durable(TailEntry entry) {
        if (entry.endOffset() > endOffset) {
            return false;
        }
        durableEndOffset = entry.endOffset();
        durableWait.reached(entry.endOffset());
        return true;
    }

    /** The entry was answered, and who appended it has been told. Called by the WAL lane's thread. */
    void answered() {
        handOver.answered();
    }

    /** Called by the WAL lane's thread: this entry, and all behind it, never will be durable. */
    void failed(TailEntry entry, FreshetException cause) {
        FreshetException reason = new FreshetException(
                ErrorKind.UNAVAILABLE,
                "The WAL failed below offset " + entry.endOffset() + " of stream " + streamId
                        + "; it may be appended to when the lane works again: " + cause.getMessage(),
                cause);
        synchronized (this) {
            access.laneFailed(entry.lane(), reason);
        }
        failFrom(durableEndOffset, reason, cause);
    }

    /** A lane would not have an entry that was held for it: it, and all behind it, are failed in their order. */
    void notTaken(TailEntry entry, FreshetException cause) {
        FreshetException reason = new FreshetException(
                ErrorKind.UNAVAILABLE,
                "A WAL lane refused offset " + entry.baseOffset() + " of stream " + streamId
                        + "; open the stream again: " + cause.getMessage(),
                cause);
        synchronized (this) {
            handOver.putBack(entry, cause);
        }
        failFrom(entry.baseOffset(), reason, cause);
    }

    /** The owner's state counts appends that are gone: nothing is sealed with it any more. */
    private void failFrom(long offset, FreshetException reason, FreshetException cause) {
        List<TailEntry> dropped;
        synchronized (this) {
            access.refuse(reason);
            access.forgetSource();
            dropped = removeBehind(Math.min(offset, endOffset));
            handOver.cancelHeld(cause);
        }
        release(dropped);
        durableWait.end(false);
    }

    /** Completes true when everything below {@code offset} is durable, false when that will not happen. One at a time. */
    public CompletableFuture<Boolean> whenDurable(long offset) {
        CompletableFuture<Boolean> reached = durableWait.until(offset);
        if (durableEndOffset >= offset) {
            durableWait.end(true);
        } else if (endOffset < offset) {
            durableWait.end(false);
        }
        return reached;
    }

    // ---- recovery

    /** Adds a record found in the WAL lane of index {@code lane}; it must follow the end. Takes over the reference on the bytes. */
    public synchronized void recovered(
            int lane, long lsn, int epoch, long baseOffset, long newEndOffset, SharedBytes ownedBytes) {
        TailEntry entry = new TailEntry(
                this, epoch, baseOffset, newEndOffset, BatchSlices.maxTimestampMs(ownedBytes.view()), lsn, ownedBytes);
        entries.addLast(entry);
        spans.add(baseOffset, lane);
        endOffset = newEndOffset;
        durableEndOffset = newEndOffset;
        access.recovered(epoch);
        uncommittedPayloadBytes += ownedBytes.sizeBytes();
        memory.added(entry);
    }

    /** Drops recovered entries from {@code baseOffset} on: a newer leader epoch wrote that range again. */
    public synchronized void truncateRecovered(long baseOffset) {
        List<TailEntry> removed = removeBehind(baseOffset);
        long end = entries.count() > 0 ? entries.get(entries.count() - 1).endOffset() : committedEndOffset;
        endOffset = end;
        durableEndOffset = end;
        release(removed);
    }

    /** Keeps records that cannot be joined yet, and their lanes' space with them, until {@link #takeParked}; takes over the references. */
    public synchronized void park(List<RecoveredRecord> ownedRecords) {
        parked.add(ownedRecords);
    }

    /** Hands the parked records, and their references, over. */
    public synchronized List<RecoveredRecord> takeParked() {
        return parked.take();
    }

    /** The parked records with a reference more on each. */
    synchronized List<RecoveredRecord> retainParked() {
        return parked.retain();
    }

    /** Whether records wait for a gap to be filled. */
    public boolean hasParked() {
        return parked.isAny();
    }

    /** Visits each batch in memory from {@code fromOffset} on. */
    public void forEachBatch(long fromOffset, Consumer<ByteBuffer> visitor) {
        reads.forEachBatch(fromOffset, visitor);
    }

    // ---- upload

    /** End of what uploads under way will commit; a new upload begins here. */
    public synchronized long plannedEndOffset() {
        return plannedEndOffset;
    }

    /**
     * Takes the run from the planned end to {@code toOffset}, which must be an append's end; all of it must be durable.
     * Empty if there is nothing, or the run does not exist any more.
     */
    public synchronized Optional<TailRun> plan(long toOffset) {
        int first = entries.indexEndingAfter(plannedEndOffset);
        int end = entries.indexEndingAfter(toOffset);
        if (end <= first
                || toOffset > durableEndOffset
                || entries.get(end - 1).endOffset() != toOffset
                || entries.get(first).baseOffset() != plannedEndOffset) {
            return Optional.empty();
        }
        List<SharedBytes> batches = new ArrayList<>(end - first);
        long sizeBytes = 0;
        for (int i = first; i < end; i++) {
            SharedBytes bytes = entries.get(i).bytes().retain();
            batches.add(bytes);
            sizeBytes += bytes.sizeBytes();
        }
        TailRun run = new TailRun(plannedEndOffset, toOffset, batches, sizeBytes);
        plannedEndOffset = toOffset;
        return Optional.of(run);
    }

    /** Segments up to {@code newCommittedEnd} are committed: entries below may be evicted. */
    public void committed(long newCommittedEnd) {
        synchronized (this) {
            int end = entries.indexEndingAfter(newCommittedEnd);
            for (int i = entries.indexEndingAfter(committedEndOffset); i < end; i++) {
                memory.entryCommitted(entries.get(i));
                uncommittedPayloadBytes -= entries.get(i).payloadSizeBytes();
            }
            if (newCommittedEnd <= committedEndOffset) {
                return;
            }
            committedEndOffset = newCommittedEnd;
            spans.forgetBelow(newCommittedEnd);
            plannedEndOffset = Math.max(plannedEndOffset, newCommittedEnd);
        }
        memory.committed(this, newCommittedEnd);
    }

    /** LSN of the oldest durable record in the lane of index {@code lane} that is not committed; {@link Long#MAX_VALUE} if there is none. */
    public synchronized long firstUncommittedLsn(int lane) {
        long first = parked.firstLsn(lane);
        long offset = spans.firstIn(lane, committedEndOffset);
        if (offset >= durableEndOffset) {
            return first;
        }
        int index = entries.indexEndingAfter(offset);
        return index < entries.count() ? Math.min(first, entries.get(index).lsn()) : first;
    }

    /** Whether a lane holds durable records of this stream that are not committed. */
    public boolean needsWal() {
        return durableEndOffset > committedEndOffset || hasParked();
    }

    /** Payload bytes behind the committed end. */
    public synchronized long uncommittedPayloadBytes() {
        return uncommittedPayloadBytes;
    }

    /**
     * Removes oldest entries that end at or below both {@code upTo} and the committed end, until at least {@code bytes} are
     * gone or none is left. The bytes that went, whether or not others still share their memory.
     */
    long evict(long upTo, long bytes) {
        long removed = 0;
        List<SharedBytes> evicted = new ArrayList<>();
        synchronized (this) {
            long limit = Math.min(upTo, committedEndOffset);
            while (removed < bytes && entries.count() > 0 && entries.get(0).endOffset() <= limit) {
                TailEntry entry = entries.removeFirst();
                removed += entry.accountedBytes();
                memory.dropped(entry);
                evicted.add(entry.bytes());
            }
        }
        evicted.forEach(SharedBytes::release);
        return removed;
    }

    /** Forgets committed entries that end at or below {@code upTo}: objects hold something else there now. */
    public void forgetCommitted(long upTo) {
        evict(upTo, Long.MAX_VALUE);
    }

    /** Moves the start offset; committed entries below it are dropped. */
    public void trimmed(long newStartOffset) {
        synchronized (this) {
            startOffset = Math.max(startOffset, newStartOffset);
        }
        evict(newStartOffset, Long.MAX_VALUE);
    }

    // ---- reads

    /** First offset in memory; {@link #endOffset()} if nothing is. */
    public synchronized long firstOffset() {
        return entries.count() > 0 ? entries.get(0).baseOffset() : endOffset;
    }

    /**
     * As {@link io.freshet.storage.StreamLog#read}; null if {@code offset} is not in memory. Pieces are slices by reference.
     */
    public @Nullable StreamRead read(long offset, int maxBytes, long toOffset, boolean minOneBatch) {
        return reads.read(offset, maxBytes, toOffset, minOneBatch);
    }

    /**
     * Base offset of the first batch in memory, in {@code [fromOffset, toOffset)}, whose greatest timestamp is at least
     * {@code timestampMs}.
     */
    public OptionalLong batchAtOrAfterTimestamp(long fromOffset, long toOffset, long timestampMs) {
        return reads.batchAtOrAfterTimestamp(fromOffset, toOffset, timestampMs);
    }

    /** Greatest timestamp of the batches in memory in {@code [fromOffset, toOffset)}, −1 if there is none. */
    public long maxTimestampMs(long fromOffset, long toOffset) {
        return reads.maxTimestampMs(fromOffset, toOffset);
    }
}
