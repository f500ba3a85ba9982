// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.recovery;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.StreamState;
import io.freshet.storage.StreamMetadata;
import io.freshet.storage.tail.BatchSlices;
import io.freshet.storage.tail.StreamTail;
import io.freshet.storage.tail.StreamTails;
import io.freshet.storage.tail.TailMemory;
import io.freshet.wal.WriteAheadLog;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns WAL records back into tails. A record is kept if the quorum knows its stream, it lies at or behind the committed
 * end, follows what was kept before, and its leader epoch is neither newer than the manifest's nor older than one already
 * seen. Used by one thread, once.
 */
public final class TailRecovery implements WriteAheadLog.RecoveryVisitor {
    private static final Logger LOG = LoggerFactory.getLogger(TailRecovery.class);

    private final StreamMetadata metadata;
    private final StreamTails tails;
    private final TailMemory memory;
    private final RecoverySlabs slabs = new RecoverySlabs();
    private final Map<Long, Optional<StreamState>> states = new HashMap<>();
    private long lastLsn = -1;
    private long keptRecords;
    private long keptBytes;
    private long committedRecords;
    private long rejectedRecords;

    public TailRecovery(StreamMetadata metadata, StreamTails tails, TailMemory memory) {
        this.metadata = metadata;
        this.tails = tails;
        this.memory = memory;
    }

    /** Greatest LSN seen, −1 if none. */
    public long lastLsn() {
        return lastLsn;
    }

    public long keptRecords() {
        return keptRecords;
    }

    public long keptBytes() {
        return keptBytes;
    }

    /** Records that were found in objects, or whose stream is gone. */
    public long committedRecords() {
        return committedRecords;
    }

    public long rejectedRecords() {
        return rejectedRecords;
    }

    @Override
    public void record(long lsn, long streamId, int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload) {
        lastLsn = Math.max(lastLsn, lsn);
        Optional<StreamState> known = states.computeIfAbsent(streamId, metadata::stream);
        if (known.isEmpty() || endOffset <= known.get().endOffset()) {
            committedRecords++;
            return;
        }
        StreamState state = known.get();
        if (leaderEpoch > state.leaderEpoch()) {
            reject(lsn, streamId, leaderEpoch, baseOffset, "the quorum's leader epoch is only " + state.leaderEpoch());
            return;
        }
        StreamTail tail = tails.get(streamId);
        long expected = tail == null ? state.endOffset() : tail.endOffset();
        if (tail != null && baseOffset < expected) {
            if (leaderEpoch <= tail.leaderEpoch()) {
                reject(
                        lsn,
                        streamId,
                        leaderEpoch,
                        baseOffset,
                        "leader epoch " + tail.leaderEpoch() + " has written up to " + expected);
                return;
            }
            tail.truncateRecovered(baseOffset);
            expected = tail.endOffset();
        }
        if (tail != null && leaderEpoch < tail.leaderEpoch()) {
            reject(lsn, streamId, leaderEpoch, baseOffset, "leader epoch " + tail.leaderEpoch() + " was seen before");
            return;
        }
        keep(lsn, state, leaderEpoch, new Range(baseOffset, endOffset, expected), payload);
    }

    private record Range(long baseOffset, long endOffset, long expectedOffset) {}

    private void keep(long lsn, StreamState state, int leaderEpoch, Range range, ByteBuffer payload) {
        int from = BatchSlices.positionEndingAfter(payload, range.expectedOffset());
        long firstOffset = from < payload.limit() ? payload.getLong(from) : range.endOffset();
        if (firstOffset != range.expectedOffset()) {
            reject(
                    lsn,
                    state.streamId(),
                    leaderEpoch,
                    range.baseOffset(),
                    "the stream goes on at " + range.expectedOffset() + ", so something between is missing");
            return;
        }
        StreamTail tail = tails.get(state.streamId());
        if (tail == null) {
            tail = new StreamTail(state.streamId(), state.startOffset(), state.endOffset(), memory);
            tails.add(tail);
        }
        int length = payload.limit() - from;
        tail.recovered(leaderEpoch, firstOffset, range.endOffset(), lsn, copy(payload, from, length));
        keptRecords++;
        keptBytes += length;
    }

    /** Outside of the heap; small payloads as compact as they were when they were appended, so that they fit again. */
    private SharedBytes copy(ByteBuffer payload, int from, int length) {
        return length <= TailMemory.PACKED_BYTES
                ? memory.packed(payload.slice(from, length))
                : slabs.copy(payload, from, length);
    }

    private void reject(long lsn, long streamId, int leaderEpoch, long baseOffset, String why) {
        rejectedRecords++;
        LOG.warn(
                "WAL record at LSN {} (stream {}, leader epoch {}, offset {}) is not recovered: {}",
                lsn,
                streamId,
                leaderEpoch,
                baseOffset,
                why);
    }
}
