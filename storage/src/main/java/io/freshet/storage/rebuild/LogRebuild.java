// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.rebuild;

import io.freshet.storage.SegmentCheckpoint.EpochStart;
import io.freshet.storage.rebuild.RebuiltLog.Gap;
import io.freshet.storage.rebuild.RebuiltLog.Piece;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Puts one stream together from all segments that a bucket holds of it: committed ones, inputs and outputs of compaction, and
 * orphans of fenced owners, which may hold records that were never acknowledged.
 *
 * <ul>
 *   <li>Each offset belongs to the highest leader epoch that began at or below it; a segment counts only where its own history says
 *       that epoch. So data of a lower epoch ends where a higher one began, as Kafka truncates a replica that diverged.
 *   <li>Of segments that hold the same offset of the right epoch, one that begins where the last one ended is preferred, then the one
 *       with the higher object id, which is the newer one.
 *   <li>The log starts where the newest of the epoch histories starts, as a trimmed log forgets older epochs, or at the first offset
 *       behind that which any segment holds.
 *   <li>Behind a gap the log starts anew: its end must not move back, and a log without holes is what clients can read.
 * </ul>
 */
public final class LogRebuild {
    private final long streamId;
    /** Leader epoch to where it began. */
    private final TreeMap<Integer, Long> epochs = new TreeMap<>();

    private final List<Piece> valid = new ArrayList<>();

    private LogRebuild(long streamId) {
        this.streamId = streamId;
    }

    /** Puts {@code streamId} together from {@code found}, at least one segment, in any order. */
    public static RebuiltLog of(long streamId, List<FoundSegment> found) {
        LogRebuild rebuild = new LogRebuild(streamId);
        long logStart = 0;
        for (FoundSegment segment : found) {
            for (EpochStart start : segment.epochStarts()) {
                rebuild.epochs.merge(start.leaderEpoch(), start.startOffset(), Math::min);
            }
            if (!segment.epochStarts().isEmpty()) {
                logStart = Math.max(logStart, segment.epochStarts().get(0).startOffset());
            }
        }
        rebuild.dropReplacedEpochs();
        for (FoundSegment segment : found) {
            rebuild.addValidParts(segment);
        }
        return rebuild.cover(logStart);
    }

    /** An epoch that began at or behind the start of a higher one left nothing that counts. */
    private void dropReplacedEpochs() {
        long next = Long.MAX_VALUE;
        for (Map.Entry<Integer, Long> entry : List.copyOf(epochs.descendingMap().entrySet())) {
            if (entry.getValue() >= next) {
                epochs.remove(entry.getKey());
            } else {
                next = entry.getValue();
            }
        }
    }

    /** Cuts the segment into the runs whose epoch is the right one there. */
    private void addValidParts(FoundSegment found) {
        long end = found.segment().endOffset();
        long from = found.segment().startOffset();
        List<EpochStart> history = found.epochStarts();
        if (history.isEmpty()) {
            valid.add(new Piece(found, from, end));
            return;
        }
        for (int i = 0; i < history.size(); i++) {
            long runStart = i == 0 ? from : Math.max(from, history.get(i).startOffset());
            long runEnd =
                    i + 1 < history.size() ? Math.min(end, history.get(i + 1).startOffset()) : end;
            addValidRun(found, history.get(i).leaderEpoch(), runStart, runEnd);
        }
    }

    private void addValidRun(FoundSegment found, int epoch, long runStart, long runEnd) {
        Long began = epochs.get(epoch);
        if (began == null) {
            return;
        }
        Map.Entry<Integer, Long> replacedBy = epochs.higherEntry(epoch);
        long start = Math.max(runStart, began);
        long end = replacedBy == null ? runEnd : Math.min(runEnd, replacedBy.getValue());
        if (end <= start) {
            return;
        }
        Piece last = valid.isEmpty() ? null : valid.get(valid.size() - 1);
        if (last != null && last.source().equals(found) && last.endOffset() == start) {
            valid.set(valid.size() - 1, new Piece(found, last.startOffset(), end));
        } else {
            valid.add(new Piece(found, start, end));
        }
    }

    private RebuiltLog cover(long logStart) {
        valid.sort(Comparator.comparingLong(Piece::startOffset));
        List<Piece> chosen = new ArrayList<>();
        List<Gap> gaps = new ArrayList<>();
        List<Piece> reachable = new ArrayList<>();
        long next = logStart;
        int seen = 0;
        boolean isStarted = false;
        while (seen < valid.size() || !reachable.isEmpty()) {
            while (seen < valid.size() && valid.get(seen).startOffset() <= next) {
                reachable.add(valid.get(seen++));
            }
            long at = next;
            reachable.removeIf(piece -> piece.endOffset() <= at);
            if (reachable.isEmpty()) {
                if (seen < valid.size()) {
                    long behind = valid.get(seen).startOffset();
                    if (isStarted) {
                        gaps.add(new Gap(next, behind));
                        chosen.clear();
                    }
                    next = behind;
                }
                continue;
            }
            Piece best = reachable.get(0);
            for (Piece piece : reachable) {
                best = better(best, piece, at);
            }
            chosen.add(new Piece(best.source(), at, best.endOffset()));
            isStarted = true;
            next = best.endOffset();
        }
        long start = chosen.isEmpty() ? next : chosen.get(0).startOffset();
        int epoch = epochs.isEmpty() ? 0 : epochs.lastKey();
        return new RebuiltLog(streamId, start, next, epoch, chosen, gaps);
    }

    private static Piece better(Piece first, Piece second, long at) {
        boolean firstBegins = first.startOffset() == at;
        boolean secondBegins = second.startOffset() == at;
        if (firstBegins != secondBegins) {
            return firstBegins ? first : second;
        }
        long firstId = first.source().segment().objectId();
        return second.source().segment().objectId() > firstId ? second : first;
    }
}
