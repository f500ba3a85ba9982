// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.rebuild;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LogRebuildTest {
    private static final long STREAM = 6;

    private static FoundSegment found(long objectId, long start, long end, EpochStart... history) {
        return new FoundSegment(new StreamSegment(STREAM, start, end, objectId, 10, -1, -1), List.of(history));
    }

    private static EpochStart epoch(int leaderEpoch, long startOffset) {
        return new EpochStart(leaderEpoch, startOffset);
    }

    private static RebuiltLog rebuild(FoundSegment... found) {
        return LogRebuild.of(STREAM, List.of(found));
    }

    private static List<String> pieces(RebuiltLog log) {
        return log.pieces().stream()
                .map(piece -> piece.source().segment().objectId() + ":" + piece.startOffset() + "-" + piece.endOffset())
                .toList();
    }

    @Test
    void plainSegmentsFollowOneAnother() {
        RebuiltLog log = rebuild(found(2, 50, 80, epoch(0, 0)), found(1, 0, 50, epoch(0, 0)));
        assertThat(pieces(log)).containsExactly("1:0-50", "2:50-80");
        assertThat(log.startOffset()).isZero();
        assertThat(log.endOffset()).isEqualTo(80);
        assertThat(log.gaps()).isEmpty();
    }

    @Test
    void outputsOfCompactionWinOverTheirInputs() {
        RebuiltLog log = rebuild(
                found(1, 0, 50, epoch(0, 0)),
                found(2, 50, 80, epoch(0, 0)),
                found(3, 0, 80, epoch(0, 0)),
                found(4, 80, 90, epoch(0, 0)));
        assertThat(pieces(log)).containsExactly("3:0-80", "4:80-90");
    }

    @Test
    void aFencedOwnersOrphanEndsWhereTheNextEpochBegan() {
        RebuiltLog log = rebuild(
                found(1, 0, 50, epoch(1, 0)),
                found(9, 50, 120, epoch(1, 0)),
                found(5, 70, 100, epoch(1, 0), epoch(2, 70)));
        assertThat(pieces(log)).containsExactly("1:0-50", "9:50-70", "5:70-100");
        assertThat(log.endOffset()).isEqualTo(100);
        assertThat(log.leaderEpoch()).isEqualTo(2);
    }

    @Test
    void anOrphanWhollyBehindTheNextEpochIsLeftOut() {
        RebuiltLog log = rebuild(
                found(1, 0, 50, epoch(1, 0)),
                found(2, 50, 60, epoch(1, 0)),
                found(3, 50, 55, epoch(1, 0), epoch(3, 50)));
        assertThat(pieces(log)).containsExactly("1:0-50", "3:50-55");
    }

    @Test
    void anEpochThatLeftNothingIsForgotten() {
        RebuiltLog log = rebuild(
                found(1, 0, 50, epoch(1, 0)),
                found(2, 50, 90, epoch(1, 0), epoch(2, 50)),
                found(3, 40, 60, epoch(1, 0), epoch(3, 40)));
        assertThat(pieces(log)).containsExactly("1:0-40", "3:40-60");
        assertThat(log.leaderEpoch()).isEqualTo(3);
    }

    @Test
    void behindAGapTheLogStartsAnew() {
        RebuiltLog log =
                rebuild(found(1, 0, 50, epoch(0, 0)), found(3, 70, 90, epoch(0, 0)), found(4, 90, 95, epoch(0, 0)));
        assertThat(pieces(log)).containsExactly("3:70-90", "4:90-95");
        assertThat(log.startOffset()).isEqualTo(70);
        assertThat(log.gaps()).containsExactly(new RebuiltLog.Gap(50, 70));
    }

    @Test
    void aTrimmedLogStartsWhereItsNewestHistoryDoes() {
        RebuiltLog log =
                rebuild(found(1, 0, 50, epoch(0, 0)), found(2, 50, 80, epoch(0, 30)), found(3, 80, 90, epoch(0, 60)));
        assertThat(pieces(log)).containsExactly("2:60-80", "3:80-90");
        assertThat(log.startOffset()).isEqualTo(60);
        assertThat(log.gaps()).isEmpty();
    }

    @Test
    void overlappingUploadsOfOneEpochAreJoined() {
        RebuiltLog log = rebuild(found(1, 0, 100, epoch(0, 0)), found(2, 60, 120, epoch(0, 0)));
        assertThat(pieces(log)).containsExactly("1:0-100", "2:100-120");
    }

    @Test
    void whateverOneFindsTheResultIsContiguousAndOfTheRightEpoch() {
        long seed = Long.getLong("freshet.seed", 42);
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            List<FoundSegment> all = new ArrayList<>();
            List<EpochStart> history = new ArrayList<>();
            long end = 0;
            for (int epoch = 0; epoch < 4; epoch++) {
                history.add(epoch(epoch, end));
                long ownEnd = end;
                for (int i = 0; i < 3; i++) {
                    long next = ownEnd + 1 + random.nextInt(20);
                    all.add(new FoundSegment(
                            new StreamSegment(STREAM, ownEnd, next, all.size() + 1, 1, -1, -1), history));
                    ownEnd = next;
                }
                end += random.nextInt((int) (ownEnd - end) + 1); // the next owner saw a part of it
                history = new ArrayList<>(history);
                long last = end;
                history.removeIf(start -> start.startOffset() >= last);
            }
            Collections.shuffle(all, random);
            RebuiltLog log = LogRebuild.of(STREAM, all);
            assertThat(log.gaps()).as("seed " + seed + " round " + round).isEmpty();
            assertThat(log.startOffset()).isZero();
            long next = 0;
            for (RebuiltLog.Piece piece : log.pieces()) {
                assertThat(piece.startOffset())
                        .as("seed " + seed + " round " + round)
                        .isEqualTo(next);
                next = piece.endOffset();
            }
            assertThat(next).isEqualTo(log.endOffset());
            long lastEnd = all.stream()
                    .filter(found -> found.epochStarts()
                                    .get(found.epochStarts().size() - 1)
                                    .leaderEpoch()
                            == 3)
                    .mapToLong(found -> found.segment().endOffset())
                    .max()
                    .orElseThrow();
            assertThat(log.endOffset()).as("seed " + seed + " round " + round).isEqualTo(lastEnd);
        }
    }
}
