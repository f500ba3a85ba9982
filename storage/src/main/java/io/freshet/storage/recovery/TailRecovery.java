// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.recovery;

import io.freshet.common.stream.StreamState;
import io.freshet.storage.StreamMetadata;
import io.freshet.storage.tail.RecoveredRecord;
import io.freshet.storage.tail.StreamTail;
import io.freshet.storage.tail.StreamTails;
import io.freshet.storage.tail.TailMemory;
import io.freshet.wal.WriteAheadLog;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongUnaryOperator;

/**
 * Turns WAL records back into tails: reads one lane after the other, then joins what the lanes hold of each stream in order of
 * leader epoch and offset ({@link TailJoin}). Records of streams that the quorum does not know are dropped. What lies behind a gap
 * that a sealed WAL may fill waits in the tail until the stream is opened. Used by one thread, once.
 */
public final class TailRecovery {
    private final StreamMetadata metadata;
    private final StreamTails tails;
    private final TailMemory memory;
    private final LongUnaryOperator sealedEnds;
    private final RecoverySlabs slabs = new RecoverySlabs();
    private final Map<Long, Optional<StreamState>> states = new HashMap<>();
    private final Map<Long, List<RecoveredRecord>> found = new HashMap<>();
    private long keptRecords;
    private long keptBytes;
    private long committedRecords;
    private long rejectedRecords;

    /** @param sealedEnds how far sealed WALs reach, by stream; asked when all lanes were read */
    public TailRecovery(StreamMetadata metadata, StreamTails tails, TailMemory memory, LongUnaryOperator sealedEnds) {
        this.metadata = metadata;
        this.tails = tails;
        this.memory = memory;
        this.sealedEnds = sealedEnds;
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

    /** What one lane holds. */
    public final class Lane {
        private final int index;
        private final String name;

        private Lane(int index, String name) {
            this.index = index;
            this.name = name;
        }

        /** Takes the records of this lane. */
        public WriteAheadLog.RecoveryVisitor visitor() {
            return (lsn, streamId, leaderEpoch, baseOffset, endOffset, payload) -> {
                Optional<StreamState> known = states.computeIfAbsent(streamId, metadata::stream);
                if (known.isEmpty() || endOffset <= known.get().endOffset()) {
                    committedRecords++;
                    return;
                }
                RecoveredRecord record = new RecoveredRecord(
                        index,
                        "lane " + name,
                        lsn,
                        leaderEpoch,
                        baseOffset,
                        endOffset,
                        TailJoin.copy(memory, slabs, payload, payload.position(), payload.remaining()));
                found.computeIfAbsent(streamId, id -> new ArrayList<>()).add(record);
            };
        }
    }

    /** Begins to read the lane of this index. */
    public Lane lane(int index, String name) {
        return new Lane(index, name);
    }

    /** All lanes were read: makes the tails. */
    public void finish() {
        found.forEach((streamId, records) ->
                states.getOrDefault(streamId, Optional.empty()).ifPresent(state -> join(state, records)));
        found.clear();
    }

    /** Gives back what was read: a lane could not be opened. */
    public void abandon() {
        found.values()
                .forEach(records -> records.forEach(record -> record.bytes().release()));
        found.clear();
    }

    private void join(StreamState state, List<RecoveredRecord> records) {
        StreamTail tail = new StreamTail(state.streamId(), state.startOffset(), state.endOffset(), memory);
        TailJoin join = new TailJoin(state, tail, memory, slabs);
        List<RecoveredRecord> behindGap = join.join(records);
        if (sealedEnds.applyAsLong(state.streamId()) > tail.endOffset()) {
            tail.park(behindGap);
        } else {
            join.rejectAll(behindGap);
        }
        keptRecords += join.keptRecords();
        keptBytes += join.keptBytes();
        rejectedRecords += join.rejectedRecords();
        if (tail.needsWal()) {
            tails.add(tail);
        }
    }
}
