// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The slots of one S3 WAL that a bucket holds, when no quorum says where it begins and ends. It ends at its first fence. Slots
 * that are gone lie between those that a trim deleted out of order, or are lost: what comes before them is skipped if objects hold
 * all its records, and is else the last that counts. Used by one thread.
 */
final class FoundWal {
    private final int brokerId;
    private final long brokerEpoch;
    private final TreeMap<Long, Slot> slots = new TreeMap<>();

    FoundWal(int brokerId, long brokerEpoch) {
        this.brokerId = brokerId;
        this.brokerEpoch = brokerEpoch;
    }

    /** A slot in the bucket; nothing counts of one that is not sound. */
    record Slot(boolean isSound, boolean isFence, List<StreamSegment> segments) {}

    /**
     * What recovery shall read.
     *
     * @param wal with an end only where no fence could be laid, since a damaged slot lies there
     * @param streamEnds ends of the streams in the slots that count; for the seal
     * @param segments what the slots that count hold
     * @param lost what lies behind missing or damaged slots and in no object
     * @param firstMissing where the slots that count end, if anything behind them is lost; else −1
     */
    record Usable(
            WalState wal,
            Map<Long, Long> streamEnds,
            List<StreamSegment> segments,
            List<StreamSegment> lost,
            long firstMissing) {
        WalSeal seal() {
            return new WalSeal(wal.brokerId(), wal.brokerEpoch(), wal.sealedEndSlot(), streamEnds);
        }
    }

    void add(long number, Slot slot) {
        slots.put(number, slot);
    }

    /** {@code committedEnds} tells for each stream where what objects hold ends. */
    Usable usable(Map<Long, Long> committedEnds) {
        List<Run> runs = runs();
        int first = 0;
        while (first < runs.size() - 1 && isCommitted(runs.get(first), committedEnds)) {
            first++;
        }
        Run kept = runs.get(first);
        List<StreamSegment> lost = new ArrayList<>();
        runs.subList(first + 1, runs.size()).stream()
                .filter(run -> !isCommitted(run, committedEnds))
                .forEach(run -> lost.addAll(run.segments));
        Slot next = slots.get(kept.end);
        boolean isDamagedNext = next != null && !next.isSound;
        Map<Long, Long> ends = new HashMap<>();
        kept.segments.forEach(segment -> ends.merge(segment.streamId(), segment.endOffset(), Math::max));
        return new Usable(
                new WalState(brokerId, brokerEpoch, kept.start, isDamagedNext ? kept.end : WalState.NOT_SEALED),
                ends,
                kept.segments,
                lost,
                lost.isEmpty() ? -1 : kept.end);
    }

    /** Sound slots that follow one another; {@code end} is exclusive. A last one may be empty. */
    private static final class Run {
        private final long start;
        private long end;
        private final List<StreamSegment> segments = new ArrayList<>();

        Run(long start) {
            this.start = start;
            this.end = start;
        }
    }

    private List<Run> runs() {
        List<Run> runs = new ArrayList<>();
        Run run = new Run(slots.firstKey());
        for (Map.Entry<Long, Slot> entry : slots.entrySet()) {
            Slot slot = entry.getValue();
            if (slot.isSound && !slot.isFence && entry.getKey() == run.end) {
                run.end++;
                run.segments.addAll(slot.segments);
            } else if (slot.isSound) {
                runs.add(run);
                run = new Run(entry.getKey());
                if (slot.isFence) {
                    break; // nothing behind it was ever acknowledged
                }
                run.end++;
                run.segments.addAll(slot.segments);
            }
        }
        runs.add(run);
        return runs;
    }

    private static boolean isCommitted(Run run, Map<Long, Long> committedEnds) {
        return run.segments.stream()
                .allMatch(segment -> segment.endOffset() <= committedEnds.getOrDefault(segment.streamId(), 0L));
    }
}
