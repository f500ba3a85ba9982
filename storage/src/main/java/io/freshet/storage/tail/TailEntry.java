// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StreamAppend;
import io.freshet.wal.WalEntry;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One append in the tail, and its node in the WAL's queue. The tail holds one reference on the bytes until the entry is
 * evicted or dropped, the WAL another until it has answered. Fields below are written by the WAL lane's thread before it
 * advances the stream's durable end, and read only by those who saw that advance.
 */
final class TailEntry implements WalEntry {
    /** Heap cost of an entry besides its bytes: this object (64), a slab's handle (24), its place in the deque (up to 16), and some reserve. */
    static final int OVERHEAD_BYTES = 128;

    /** Further cost of bytes that are kept by reference: their handle and its buffers' objects. */
    static final int HANDLE_BYTES = 160;

    private final StreamTail tail;
    private final @Nullable WalLane lane;
    private final int leaderEpoch;
    private final long baseOffset;
    private final long endOffset;
    private final long maxTimestampMs;
    private final SharedBytes bytes;
    private @Nullable StreamAppend append;
    private long lsn = -1;

    /** Takes its own two references on the append's bytes, or on a copy of them. */
    TailEntry(StreamTail tail, WalLane lane, int leaderEpoch, StreamAppend append) {
        this.tail = tail;
        this.lane = lane;
        this.leaderEpoch = leaderEpoch;
        this.baseOffset = append.baseOffset();
        this.endOffset = append.endOffset();
        this.maxTimestampMs = append.maxTimestampMs();
        this.bytes = tail.memory().keep(append.bytes(), 2);
        this.append = append;
    }

    /** An entry found in the WAL at {@code lsn}; takes over the tail's reference. */
    TailEntry(
            StreamTail tail,
            int leaderEpoch,
            long baseOffset,
            long endOffset,
            long maxTimestampMs,
            long lsn,
            SharedBytes ownedBytes) {
        this.tail = tail;
        this.lane = null;
        this.leaderEpoch = leaderEpoch;
        this.baseOffset = baseOffset;
        this.endOffset = endOffset;
        this.maxTimestampMs = maxTimestampMs;
        this.bytes = ownedBytes;
        this.lsn = lsn;
    }

    @Override
    public long streamId() {
        return tail.streamId();
    }

    @Override
    public int leaderEpoch() {
        return leaderEpoch;
    }

    @Override
    public long baseOffset() {
        return baseOffset;
    }

    @Override
    public long endOffset() {
        return endOffset;
    }

    @Override
    public ByteBuffer payload() {
        return bytes.view();
    }

    @Override
    public int payloadSizeBytes() {
        return bytes.sizeBytes();
    }

    @Override
    public void retainPayload() {
        bytes.retain();
    }

    @Override
    public void releasePayload() {
        bytes.release();
    }

    SharedBytes bytes() {
        return bytes;
    }

    long maxTimestampMs() {
        return maxTimestampMs;
    }

    /** Payload and overhead: what this entry takes by itself, whatever memory it shares with others. */
    long accountedBytes() {
        return (long) bytes.sizeBytes() + overheadBytes();
    }

    /** What this entry takes besides the memory that it may share: see {@link TailMemory}. */
    long unsharedBytes() {
        return overheadBytes() + (bytes.backing() == null ? bytes.sizeBytes() : 0L);
    }

    private int overheadBytes() {
        return bytes instanceof TailSlabs.Piece ? OVERHEAD_BYTES : OVERHEAD_BYTES + HANDLE_BYTES;
    }

    /** Place in the WAL; −1 until durable. */
    long lsn() {
        return lsn;
    }

    /** The lane that the entry goes to. */
    WalLane lane() {
        WalLane target = lane;
        if (target == null) {
            throw new IllegalStateException("A recovered entry of stream " + tail.streamId() + " goes to no lane");
        }
        return target;
    }

    /** A held entry's turn. */
    void handOverHeld() {
        try {
            lane().wal().append(this);
        } catch (FreshetException e) {
            tail.notTaken(this, e);
        }
    }

    @Override
    public void onDurable(long durableLsn) {
        lsn = durableLsn;
        StreamAppend waiting = append;
        append = null;
        boolean isKept = tail.durable(this);
        lane().durable(this);
        bytes.release();
        if (waiting != null) {
            waiting.completed(isKept ? null : forgotten());
        }
        tail.answered();
    }

    private FreshetException forgotten() {
        return new FreshetException(
                ErrorKind.FENCED,
                "Stream " + tail.streamId() + " left this broker while offset " + baseOffset()
                        + " was being written; reload the ownership");
    }

    @Override
    public void onFailed(FreshetException cause) {
        tail.failed(this, cause);
        end(cause);
        tail.answered();
    }

    /** Gives back what the entry took for its way and tells its owner. */
    void end(FreshetException cause) {
        StreamAppend waiting = append;
        append = null;
        lane().failed(this);
        bytes.release();
        if (waiting != null) {
            waiting.completed(cause);
        }
    }
}
