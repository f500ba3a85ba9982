// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.recovery;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.StreamState;
import io.freshet.storage.tail.BatchSlices;
import io.freshet.storage.tail.RecoveredRecord;
import io.freshet.storage.tail.StreamTail;
import io.freshet.storage.tail.TailMemory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Joins what WALs hold of one stream into its tail, in order of leader epoch and offset. A record is kept if it lies at or
 * behind the committed end, follows what was kept before, and its leader epoch is neither newer than the manifest's nor older
 * than one already seen. Used by one thread.
 */
final class TailJoin {
    private static final Logger LOG = LoggerFactory.getLogger(TailJoin.class);

    private final StreamState state;
    private final StreamTail tail;
    private final TailMemory memory;
    private final RecoverySlabs slabs;
    private int newestEpoch;
    private long keptRecords;
    private long keptBytes;
    private long rejectedRecords;

    TailJoin(StreamState state, StreamTail tail, TailMemory memory, RecoverySlabs slabs) {
        this.state = state;
        this.tail = tail;
        this.memory = memory;
        this.slabs = slabs;
        this.newestEpoch = tail.endOffset() > tail.committedEndOffset() ? tail.leaderEpoch() : -1;
    }

    long keptRecords() {
        return keptRecords;
    }

    long keptBytes() {
        return keptBytes;
    }

    long rejectedRecords() {
        return rejectedRecords;
    }

    /**
     * Joins the records, whose references it takes over. Those that lie behind a gap come back, in order, with their
     * references; there are none if all fitted.
     */
    List<RecoveredRecord> join(List<RecoveredRecord> ownedRecords) {
        List<RecoveredRecord> sorted = new ArrayList<>(ownedRecords);
        sorted.sort(
                Comparator.comparingInt(RecoveredRecord::leaderEpoch).thenComparingLong(RecoveredRecord::baseOffset));
        List<RecoveredRecord> behindGap = new ArrayList<>();
        for (RecoveredRecord record : sorted) {
            if (isSuperseded(record)) {
                record.bytes().release();
            } else if (firstOffsetOf(record) > tail.endOffset()) {
                behindGap.add(record);
            } else {
                keep(record);
                record.bytes().release();
            }
        }
        return behindGap;
    }

    /** Gives up records that lie behind a gap. */
    void rejectAll(List<RecoveredRecord> ownedBehindGap) {
        for (RecoveredRecord record : ownedBehindGap) {
            reject(record, "the stream goes on at " + tail.endOffset() + ", so something between is missing");
            record.bytes().release();
        }
    }

    /** Whether a record behind a gap may have been acknowledged: no newer leader epoch has written since. */
    boolean isPresent(RecoveredRecord record) {
        return record.leaderEpoch() >= newestEpoch;
    }

    /** Offset of the record's first batch that is not in the tail; its end if all of it is. */
    private long firstOffsetOf(RecoveredRecord record) {
        ByteBuffer payload = record.bytes().view();
        int from = BatchSlices.positionEndingAfter(payload, tail.endOffset());
        return from < payload.limit() ? payload.getLong(from) : record.endOffset();
    }

    /** Whether the record does not count; what an older leader epoch wrote at its offsets is dropped if it does. */
    private boolean isSuperseded(RecoveredRecord record) {
        if (record.leaderEpoch() > state.leaderEpoch()) {
            reject(record, "the quorum's leader epoch is only " + state.leaderEpoch());
            return true;
        }
        if (record.endOffset() <= tail.committedEndOffset()) {
            return true;
        }
        if (newestEpoch >= 0 && record.baseOffset() < tail.endOffset()) {
            if (record.leaderEpoch() <= newestEpoch) {
                boolean isReadAgain =
                        record.lane() == RecoveredRecord.FOREIGN && record.endOffset() <= tail.endOffset();
                if (isReadAgain) {
                    return true;
                }
                reject(record, "leader epoch " + newestEpoch + " has written up to " + tail.endOffset());
                return true;
            }
            tail.truncateRecovered(Math.max(record.baseOffset(), tail.committedEndOffset()));
        }
        return false;
    }

    private void keep(RecoveredRecord record) {
        ByteBuffer payload = record.bytes().view();
        int from = BatchSlices.positionEndingAfter(payload, tail.endOffset());
        if (from >= payload.limit() || payload.getLong(from) != tail.endOffset()) {
            reject(record, "the stream goes on at " + tail.endOffset() + ", in the midst of a batch");
            return;
        }
        int length = payload.limit() - from;
        tail.recovered(
                record.lane(),
                record.lsn(),
                record.leaderEpoch(),
                tail.endOffset(),
                record.endOffset(),
                from == payload.position() ? record.bytes().retain() : copy(payload, from, length));
        newestEpoch = record.leaderEpoch();
        keptRecords++;
        keptBytes += length;
    }

    /** Outside of the heap; small payloads as compact as they were when they were appended, so that they fit again. */
    private SharedBytes copy(ByteBuffer payload, int from, int length) {
        return copy(memory, slabs, payload, from, length);
    }

    static SharedBytes copy(TailMemory memory, RecoverySlabs slabs, ByteBuffer payload, int from, int length) {
        return length <= TailMemory.PACKED_BYTES
                ? memory.packed(payload.slice(from, length))
                : slabs.copy(payload, from, length);
    }

    private void reject(RecoveredRecord record, String why) {
        rejectedRecords++;
        LOG.warn(
                "WAL record at LSN {} of {} (stream {}, leader epoch {}, offset {}) is not recovered: {}",
                record.lsn(),
                record.source(),
                state.streamId(),
                record.leaderEpoch(),
                record.baseOffset(),
                why);
    }
}
