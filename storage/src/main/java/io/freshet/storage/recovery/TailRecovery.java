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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns WAL records back into tails: reads one lane after the other, then joins what the lanes hold of each stream in order of
 * leader epoch and offset. A record is kept if the quorum knows its stream, it lies at or behind the committed end, follows
 * what was kept before, and its leader epoch is neither newer than the manifest's nor older than one already seen. Used by one
 * thread, once.
 */
public final class TailRecovery {
    private static final Logger LOG = LoggerFactory.getLogger(TailRecovery.class);

    private final StreamMetadata metadata;
    private final StreamTails tails;
    private final TailMemory memory;
    private final RecoverySlabs slabs = new RecoverySlabs();
    private final Map<Long, Optional<StreamState>> states = new HashMap<>();
    private final Map<Long, List<FoundRecord>> found = new HashMap<>();
    private long keptRecords;
    private long keptBytes;
    private long committedRecords;
    private long rejectedRecords;

    public TailRecovery(StreamMetadata metadata, StreamTails tails, TailMemory memory) {
        this.metadata = metadata;
        this.tails = tails;
        this.memory = memory;
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
                FoundRecord record = new FoundRecord(
                        index,
                        name,
                        lsn,
                        leaderEpoch,
                        baseOffset,
                        endOffset,
                        copy(payload, payload.position(), payload.remaining()));
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

    private void join(StreamState state, List<FoundRecord> records) {
        records.sort(Comparator.comparingInt(FoundRecord::leaderEpoch).thenComparingLong(FoundRecord::baseOffset));
        for (FoundRecord record : records) {
            Optional<String> refusal = refusal(state, record);
            if (refusal.isEmpty()) {
                refusal = keep(state, record);
            }
            record.bytes().release();
            refusal.ifPresent(why -> reject(state.streamId(), record, why));
        }
    }

    /** Why the record does not count; what an older leader epoch wrote at its offsets is dropped if it does. */
    private Optional<String> refusal(StreamState state, FoundRecord record) {
        if (record.leaderEpoch() > state.leaderEpoch()) {
            return Optional.of("the quorum's leader epoch is only " + state.leaderEpoch());
        }
        StreamTail tail = tails.get(state.streamId());
        if (tail != null && record.baseOffset() < tail.endOffset()) {
            if (record.leaderEpoch() <= tail.leaderEpoch()) {
                return Optional.of("leader epoch " + tail.leaderEpoch() + " has written up to " + tail.endOffset());
            }
            tail.truncateRecovered(record.baseOffset());
        }
        return Optional.empty();
    }

    private Optional<String> keep(StreamState state, FoundRecord record) {
        StreamTail tail = tails.get(state.streamId());
        long expected = tail == null ? state.endOffset() : tail.endOffset();
        ByteBuffer payload = record.bytes().view();
        int from = BatchSlices.positionEndingAfter(payload, expected);
        long firstOffset = from < payload.limit() ? payload.getLong(from) : record.endOffset();
        if (firstOffset != expected) {
            return Optional.of("the stream goes on at " + expected + ", so something between is missing");
        }
        if (tail == null) {
            tail = new StreamTail(state.streamId(), state.startOffset(), state.endOffset(), memory);
            tails.add(tail);
        }
        int length = payload.limit() - from;
        tail.recovered(
                record.lane(),
                record.lsn(),
                record.leaderEpoch(),
                firstOffset,
                record.endOffset(),
                from == payload.position() ? record.bytes().retain() : copy(payload, from, length));
        keptRecords++;
        keptBytes += length;
        return Optional.empty();
    }

    /** Outside of the heap; small payloads as compact as they were when they were appended, so that they fit again. */
    private SharedBytes copy(ByteBuffer payload, int from, int length) {
        return length <= TailMemory.PACKED_BYTES
                ? memory.packed(payload.slice(from, length))
                : slabs.copy(payload, from, length);
    }

    private void reject(long streamId, FoundRecord record, String why) {
        rejectedRecords++;
        LOG.warn(
                "WAL record at LSN {} of lane {} (stream {}, leader epoch {}, offset {}) is not recovered: {}",
                record.lsn(),
                record.laneName(),
                streamId,
                record.leaderEpoch(),
                record.baseOffset(),
                why);
    }
}
