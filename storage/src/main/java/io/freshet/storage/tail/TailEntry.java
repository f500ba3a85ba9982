// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

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
    /** Heap cost of an entry besides its bytes: this object, the bytes' handle, its place in the deque, its WAL header. */
    static final int OVERHEAD_BYTES = 192;

    private final StreamTail tail;
    private final @Nullable WalSpace space;
    private final int leaderEpoch;
    private final long baseOffset;
    private final long endOffset;
    private final long maxTimestampMs;
    private final SharedBytes bytes;
    private @Nullable StreamAppend append;
    private long lsn = -1;

    /** Takes its own two references on the append's bytes. */
    TailEntry(StreamTail tail, WalSpace space, int leaderEpoch, StreamAppend append) {
        this.tail = tail;
        this.space = space;
        this.leaderEpoch = leaderEpoch;
        this.baseOffset = append.baseOffset();
        this.endOffset = append.endOffset();
        this.maxTimestampMs = append.maxTimestampMs();
        this.bytes = append.bytes().retain().retain();
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
        this.space = null;
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

    /** Bytes that the tail's budget is charged. */
    long accountedBytes() {
        return (long) bytes.sizeBytes() + OVERHEAD_BYTES;
    }

    /** Place in the WAL; −1 until durable. */
    long lsn() {
        return lsn;
    }

    @Override
    public void onDurable(long durableLsn) {
        lsn = durableLsn;
        StreamAppend waiting = append;
        append = null;
        tail.durable(this);
        if (space != null) {
            space.durable(this);
        }
        bytes.release();
        if (waiting != null) {
            waiting.completed(null);
        }
    }

    @Override
    public void onFailed(FreshetException cause) {
        StreamAppend waiting = append;
        append = null;
        tail.failed(this, cause);
        if (space != null) {
            space.failed(this);
        }
        bytes.release();
        if (waiting != null) {
            waiting.completed(cause);
        }
    }
}
