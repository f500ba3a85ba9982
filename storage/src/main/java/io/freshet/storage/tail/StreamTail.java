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
 * <p>Writers: the owner appends (its lock excludes others), the WAL lane's thread moves the durable end, the uploader moves
 * the planned and committed ends. Entries and the planned end are guarded by this object's lock, which is held for memory
 * operations only; the offsets are volatile and may be read by any thread.
 */
public final class StreamTail {
    private final long streamId;
    private final TailMemory memory;
    private final TailBatches entries = new TailBatches();

    private volatile long startOffset;
    private volatile long committedEndOffset;
    private volatile long durableEndOffset;
    private volatile long endOffset;
    private long plannedEndOffset;
    private long uncommittedPayloadBytes;
    private boolean closed;

    private volatile int leaderEpoch = -1;
    private volatile SegmentCheckpoint.@Nullable Source source;
    private volatile @Nullable FreshetException refusal;
    private volatile @Nullable DurableWait durableWait;

    private record DurableWait(long offset, CompletableFuture<Boolean> reached) {}

    /** A tail without entries that begins at the end of the stream's committed segments. */
    public StreamTail(long streamId, long startOffset, long committedEndOffset, TailMemory memory) {
        this.streamId = streamId;
        this.memory = memory;
        this.startOffset = startOffset;
        this.committedEndOffset = committedEndOffset;
        this.durableEndOffset = committedEndOffset;
        this.endOffset = committedEndOffset;
        this.plannedEndOffset = committedEndOffset;
    }

    public long streamId() {
        return streamId;
    }

    public int leaderEpoch() {
        return leaderEpoch;
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

    /** The owner's state for sealing; null while no owner has the stream open, after the WAL failed, or if it was deleted. */
    public SegmentCheckpoint.@Nullable Source source() {
        return source;
    }

    /** Why appends are refused; empty while they are accepted. */
    public Optional<FreshetException> refusal() {
        return Optional.ofNullable(refusal);
    }

    // ---- opening and closing

    /** Takes the stream from its present owner's handle: no append and no new upload until {@link #activate}. */
    public synchronized void suspend() {
        closed = false;
        source = null;
        refusal = new FreshetException(
                ErrorKind.UNAVAILABLE, "Stream " + streamId + " is being opened; retry when that has completed");
    }

    /** Accepts appends under {@code newLeaderEpoch}; {@code newSource} gives the state when a segment is sealed. */
    public synchronized void activate(int newLeaderEpoch, SegmentCheckpoint.Source newSource) {
        leaderEpoch = newLeaderEpoch;
        plannedEndOffset = committedEndOffset;
        refusal = null;
        source = newSource;
    }

    /** The owner left: appends are refused (FENCED), what is durable is still uploaded. */
    public synchronized void close() {
        closed = true;
        refuse(new FreshetException(
                ErrorKind.FENCED, "Stream " + streamId + " was closed by its owner; reload the ownership"));
    }

    /** Whether the owner left and everything is committed: nothing keeps this tail in memory any more. */
    public synchronized boolean isDrained() {
        return closed && endOffset <= committedEndOffset;
    }

    /** No new upload until the stream is opened again; appends are refused with {@code reason}. The data is kept. */
    public synchronized void stopUploads(FreshetException reason) {
        refuse(reason);
        source = null;
        plannedEndOffset = committedEndOffset;
    }

    /** Refuses appends from now on with {@code reason}; what is durable may still be uploaded. */
    public synchronized void refuse(FreshetException reason) {
        FreshetException present = refusal;
        if (present == null || present.kind() != ErrorKind.FENCED) {
            refusal = reason;
        }
    }

    /** Refuses appends with {@code reason} and forgets all that is not committed: it will never be uploaded. */
    private void dropUncommitted(FreshetException reason) {
        List<SharedBytes> dropped = new ArrayList<>();
        long bytes = 0;
        synchronized (this) {
            refusal = reason;
            source = null;
            while (entries.count() > 0 && entries.get(entries.count() - 1).endOffset() > committedEndOffset) {
                TailEntry entry = entries.removeLast();
                bytes += entry.accountedBytes();
                dropped.add(entry.bytes());
            }
            durableEndOffset = committedEndOffset;
            endOffset = committedEndOffset;
            plannedEndOffset = committedEndOffset;
            uncommittedPayloadBytes = 0;
        }
        memory.droppedUncommitted(bytes);
        dropped.forEach(SharedBytes::release);
        answerDurableWait(false);
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
     * Adds the append and hands it to the WAL. Throws, and takes nothing, if the owner is not {@code epoch} or refused
     * (FENCED, UNAVAILABLE), there is no room (THROTTLED), or the offsets do not follow or the append is too large (INVALID).
     */
    public void append(StreamAppend append, int epoch, WalSpace space) {
        TailEntry entry;
        synchronized (this) {
            checkAppend(append, epoch);
            space.admit(streamId, append.bytes().sizeBytes());
            entry = new TailEntry(this, space, epoch, append);
            entries.addLast(entry);
            endOffset = append.endOffset();
            uncommittedPayloadBytes += append.bytes().sizeBytes();
            memory.added(entry.accountedBytes());
        }
        space.sent(entry);
        try {
            space.wal().append(entry);
        } catch (FreshetException e) {
            space.failed(entry);
            takeBack(entry);
            throw e;
        }
    }

    /** The WAL would not have the entry: the owner excludes other appends, so that it is still the last one. */
    private void takeBack(TailEntry entry) {
        synchronized (this) {
            if (entries.count() > 0 && entries.get(entries.count() - 1).equals(entry)) {
                entries.removeLast();
                endOffset = entry.baseOffset();
                uncommittedPayloadBytes -= entry.payloadSizeBytes();
                memory.droppedUncommitted(entry.accountedBytes());
                entry.bytes().release();
            }
        }
        entry.bytes().release();
    }

    private void checkAppend(StreamAppend append, int epoch) {
        if (epoch != leaderEpoch) {
            throw new FreshetException(
                    ErrorKind.FENCED,
                    "Stream " + streamId + " is open under leader epoch " + leaderEpoch + ", not " + epoch
                            + " any more; reload the ownership");
        }
        FreshetException reason = refusal;
        if (reason != null) {
            throw new FreshetException(
                    reason.kind(), "Stream " + streamId + " takes no appends: " + reason.getMessage(), reason);
        }
        if (append.baseOffset() != endOffset || append.endOffset() <= append.baseOffset()) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Append [" + append.baseOffset() + ", " + append.endOffset() + ") does not follow the end "
                            + endOffset + " of stream " + streamId + "; assign offsets from the end");
        }
    }

    /** Called by the WAL lane's thread in offset order. */
    void durable(TailEntry entry) {
        if (entry.endOffset() > endOffset) {
            return;
        }
        durableEndOffset = entry.endOffset();
        DurableWait waiting = durableWait;
        if (waiting != null && waiting.offset() <= entry.endOffset()) {
            answerDurableWait(true);
        }
    }

    /** Called by the WAL lane's thread: this entry, and all behind it, never will be durable. */
    void failed(TailEntry entry, FreshetException cause) {
        List<TailEntry> dropped = new ArrayList<>();
        synchronized (this) {
            refuse(new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "The WAL failed below offset " + entry.endOffset() + " of stream " + streamId
                            + "; open the stream again: " + cause.getMessage(),
                    cause));
            source = null; // its state has applied what is dropped here: no segment may be sealed with it
            while (entries.count() > 0 && entries.get(entries.count() - 1).baseOffset() >= durableEndOffset) {
                TailEntry last = entries.removeLast();
                uncommittedPayloadBytes -= last.payloadSizeBytes();
                dropped.add(last);
            }
            endOffset = durableEndOffset;
        }
        for (TailEntry last : dropped) {
            memory.droppedUncommitted(last.accountedBytes());
            last.bytes().release();
        }
        answerDurableWait(false);
    }

    /** Completes true when everything below {@code offset} is durable, false when that will not happen. One at a time. */
    public CompletableFuture<Boolean> whenDurable(long offset) {
        DurableWait waiting = new DurableWait(offset, new CompletableFuture<>());
        durableWait = waiting;
        if (durableEndOffset >= offset) {
            answerDurableWait(true);
        } else if (endOffset < offset) {
            answerDurableWait(false);
        }
        return waiting.reached();
    }

    private void answerDurableWait(boolean reached) {
        DurableWait waiting = durableWait;
        if (waiting != null) {
            durableWait = null;
            waiting.reached().complete(reached);
        }
    }

    // ---- recovery

    /** Adds a record found in the WAL; it must follow the end. Takes over the reference on the bytes. */
    public synchronized void recovered(
            int epoch, long baseOffset, long newEndOffset, long lsn, SharedBytes ownedBytes) {
        TailEntry entry = new TailEntry(
                this, epoch, baseOffset, newEndOffset, BatchSlices.maxTimestampMs(ownedBytes.view()), lsn, ownedBytes);
        entries.addLast(entry);
        endOffset = newEndOffset;
        durableEndOffset = newEndOffset;
        leaderEpoch = epoch;
        uncommittedPayloadBytes += ownedBytes.sizeBytes();
        memory.added(entry.accountedBytes());
    }

    /** Drops recovered entries from {@code baseOffset} on: a newer leader epoch wrote that range again. */
    public synchronized void truncateRecovered(long baseOffset) {
        while (entries.count() > 0 && entries.get(entries.count() - 1).endOffset() > baseOffset) {
            TailEntry last = entries.removeLast();
            uncommittedPayloadBytes -= last.payloadSizeBytes();
            memory.droppedUncommitted(last.accountedBytes());
            last.bytes().release();
        }
        long end = entries.count() > 0 ? entries.get(entries.count() - 1).endOffset() : committedEndOffset;
        endOffset = end;
        durableEndOffset = end;
    }

    /** Visits each batch in memory from {@code fromOffset} on. */
    public void forEachBatch(long fromOffset, Consumer<ByteBuffer> visitor) {
        List<SharedBytes> held = new ArrayList<>();
        synchronized (this) {
            for (int i = entries.indexEndingAfter(fromOffset); i < entries.count(); i++) {
                held.add(entries.get(i).bytes().retain());
            }
        }
        try {
            for (SharedBytes bytes : held) {
                BatchSlices.forEach(bytes.view(), fromOffset, visitor);
            }
        } finally {
            held.forEach(SharedBytes::release);
        }
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

    /** An upload was given up: everything behind the committed end is planned anew. */
    public synchronized void unplan() {
        plannedEndOffset = committedEndOffset;
    }

    /** Segments up to {@code newCommittedEnd} are committed: entries below may be evicted. */
    public void committed(long newCommittedEnd) {
        long accountedBytes = 0;
        synchronized (this) {
            int end = entries.indexEndingAfter(newCommittedEnd);
            for (int i = entries.indexEndingAfter(committedEndOffset); i < end; i++) {
                accountedBytes += entries.get(i).accountedBytes();
                uncommittedPayloadBytes -= entries.get(i).payloadSizeBytes();
            }
            if (newCommittedEnd <= committedEndOffset) {
                return;
            }
            committedEndOffset = newCommittedEnd;
            plannedEndOffset = Math.max(plannedEndOffset, newCommittedEnd);
        }
        memory.committed(this, newCommittedEnd, accountedBytes);
    }

    /** LSN of the oldest durable record that is not committed; {@link Long#MAX_VALUE} if there is none. */
    public synchronized long firstUncommittedLsn() {
        if (durableEndOffset <= committedEndOffset) {
            return Long.MAX_VALUE;
        }
        int index = entries.indexEndingAfter(committedEndOffset);
        return index < entries.count() ? entries.get(index).lsn() : Long.MAX_VALUE;
    }

    /** Payload bytes behind the committed end. */
    public synchronized long uncommittedPayloadBytes() {
        return uncommittedPayloadBytes;
    }

    /** Removes oldest entries that end at or below both {@code upTo} and the committed end, until {@code bytes} are freed. False when none is left. */
    boolean evict(long upTo, long bytes) {
        long freed = 0;
        boolean more = true;
        List<SharedBytes> evicted = new ArrayList<>();
        synchronized (this) {
            long limit = Math.min(upTo, committedEndOffset);
            while (freed < bytes && more) {
                more = entries.count() > 0 && entries.get(0).endOffset() <= limit;
                if (more) {
                    TailEntry entry = entries.removeFirst();
                    freed += entry.accountedBytes();
                    evicted.add(entry.bytes());
                }
            }
        }
        memory.droppedCommitted(freed);
        evicted.forEach(SharedBytes::release);
        return more;
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
        List<SharedBytes> pieces = new ArrayList<>();
        long first = -1;
        long last = -1;
        synchronized (this) {
            if (offset < (entries.count() > 0 ? entries.get(0).baseOffset() : endOffset)) {
                return null;
            }
            int left = maxBytes;
            for (int i = entries.indexEndingAfter(offset); i < entries.count(); i++) {
                TailEntry entry = entries.get(i);
                if (entry.baseOffset() >= toOffset) {
                    break;
                }
                int size = entry.payloadSizeBytes();
                boolean whole = entry.baseOffset() >= offset && entry.endOffset() <= toOffset && size <= left;
                if (whole) {
                    pieces.add(entry.bytes().retain());
                    first = first < 0 ? entry.baseOffset() : first;
                    last = entry.endOffset();
                    left -= size;
                    continue;
                }
                ByteBuffer view = entry.payload();
                int from = BatchSlices.positionEndingAfter(view, offset);
                int to = BatchSlices.endPosition(view, from, left, toOffset, minOneBatch && pieces.isEmpty());
                if (to > from) {
                    pieces.add(entry.bytes().retainedSlice(from - view.position(), to - from));
                    first = first < 0 ? view.getLong(from) : first;
                    last = BatchSlices.lastEndOffset(view, from, to);
                    left -= to - from;
                }
                if (to < view.limit()) {
                    break;
                }
            }
        }
        return pieces.isEmpty() ? StreamRead.EMPTY : new StreamRead(pieces, first, last);
    }

    /**
     * Base offset of the first batch in memory, in {@code [fromOffset, toOffset)}, whose greatest timestamp is at least
     * {@code timestampMs}.
     */
    public OptionalLong batchAtOrAfterTimestamp(long fromOffset, long toOffset, long timestampMs) {
        synchronized (this) {
            for (int i = entries.indexEndingAfter(fromOffset); i < entries.count(); i++) {
                TailEntry entry = entries.get(i);
                if (entry.baseOffset() >= toOffset) {
                    break;
                }
                if (entry.maxTimestampMs() >= timestampMs) {
                    OptionalLong found =
                            BatchSlices.batchAtOrAfterTimestamp(entry.payload(), fromOffset, toOffset, timestampMs);
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
        }
        return OptionalLong.empty();
    }

    /** Greatest timestamp of the batches in memory in {@code [fromOffset, toOffset)}, −1 if there is none. */
    public long maxTimestampMs(long fromOffset, long toOffset) {
        long[] max = {-1};
        synchronized (this) {
            for (int i = entries.indexEndingAfter(fromOffset); i < entries.count(); i++) {
                TailEntry entry = entries.get(i);
                if (entry.baseOffset() >= toOffset) {
                    break;
                }
                if (entry.maxTimestampMs() > max[0]) {
                    if (entry.baseOffset() >= fromOffset && entry.endOffset() <= toOffset) {
                        max[0] = entry.maxTimestampMs();
                    } else {
                        BatchSlices.forEach(entry.payload(), fromOffset, batch -> {
                            if (batch.getLong(0) < toOffset) {
                                max[0] = Math.max(max[0], BatchSlices.maxTimestampMs(batch));
                            }
                        });
                    }
                }
            }
        }
        return max[0];
    }
}
