// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import java.util.List;
import org.junit.jupiter.api.Test;

class CheckpointsTest {
    private static SegmentCheckpoint checkpoint(
            long end, List<EpochStart> epochs, int state, List<AbortedTransaction> aborted) {
        return new SegmentCheckpoint(end, epochs, new byte[] {(byte) state}, aborted);
    }

    @Test
    void takesTheLastStateAndAllAbortedTransactionsInOrder() {
        AbortedTransaction first = new AbortedTransaction(1, 0, 5, 6);
        AbortedTransaction second = new AbortedTransaction(2, 7, 9, 10);
        AbortedTransaction third = new AbortedTransaction(1, 21, 29, 30);
        SegmentCheckpoint merged = Checkpoints.merged(List.of(
                checkpoint(10, List.of(new EpochStart(1, 0)), 1, List.of(first, second)),
                checkpoint(20, List.of(new EpochStart(1, 0)), 2, List.of()),
                checkpoint(30, List.of(new EpochStart(1, 0), new EpochStart(4, 25)), 3, List.of(third))));
        assertThat(merged.endOffset()).isEqualTo(30);
        assertThat(merged.producerState()).containsExactly(3);
        assertThat(merged.abortedTransactions()).containsExactly(first, second, third);
        assertThat(merged.epochStarts()).containsExactly(new EpochStart(1, 0), new EpochStart(4, 25));
    }

    @Test
    void keepsEpochsThatALaterOwnerHadDropped() {
        SegmentCheckpoint merged = Checkpoints.merged(List.of(
                checkpoint(10, List.of(new EpochStart(1, 0), new EpochStart(2, 4)), 1, List.of()),
                checkpoint(20, List.of(new EpochStart(2, 6), new EpochStart(3, 15)), 2, List.of()),
                checkpoint(30, List.of(new EpochStart(3, 15), new EpochStart(5, 22)), 3, List.of())));
        assertThat(merged.epochStarts())
                .containsExactly(
                        new EpochStart(1, 0), new EpochStart(2, 4), new EpochStart(3, 15), new EpochStart(5, 22));
    }

    @Test
    void oneCheckpointStaysAsItIs() {
        SegmentCheckpoint only = checkpoint(10, List.of(new EpochStart(1, 0)), 1, List.of());
        assertThat(Checkpoints.merged(List.of(only))).isSameAs(only);
    }
}
