// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.partition.LeaderEpochs.EpochEnd;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import org.junit.jupiter.api.Test;

class LeaderEpochsTest {
    private final LeaderEpochs epochs = new LeaderEpochs();

    @Test
    void answersTheGreatestKnownEpochAtOrBelowAndWhereItEnds() {
        assertThat(epochs.endOffsetFor(0, 10)).isEqualTo(new EpochEnd(-1, -1));
        epochs.assign(2, 0);
        epochs.assign(4, 10);
        epochs.assign(7, 20);
        assertThat(epochs.endOffsetFor(-1, 30)).isEqualTo(new EpochEnd(-1, -1));
        assertThat(epochs.endOffsetFor(1, 30)).isEqualTo(new EpochEnd(1, 0));
        assertThat(epochs.endOffsetFor(2, 30)).isEqualTo(new EpochEnd(2, 10));
        assertThat(epochs.endOffsetFor(3, 30)).isEqualTo(new EpochEnd(2, 10));
        assertThat(epochs.endOffsetFor(5, 30)).isEqualTo(new EpochEnd(4, 20));
        assertThat(epochs.endOffsetFor(7, 30)).isEqualTo(new EpochEnd(7, 30));
        assertThat(epochs.endOffsetFor(8, 30)).isEqualTo(new EpochEnd(-1, -1));
        assertThat(epochs.epochOf(9)).hasValue(2);
        assertThat(epochs.epochOf(10)).hasValue(4);
        assertThat(epochs.epochOf(99)).hasValue(7);
    }

    @Test
    void anEpochThatWroteNothingIsReplaced() {
        epochs.assign(1, 0);
        epochs.assign(2, 10);
        epochs.assign(3, 10);
        assertThat(epochs.toList()).containsExactly(new EpochStart(1, 0), new EpochStart(3, 10));
        epochs.assign(2, 20);
        epochs.assign(3, 20);
        assertThat(epochs.toList()).hasSize(2);
    }

    @Test
    void trimmingKeepsTheEpochThatHoldsTheStart() {
        epochs.assign(1, 0);
        epochs.assign(2, 10);
        epochs.assign(3, 20);
        epochs.trimTo(15);
        assertThat(epochs.toList()).containsExactly(new EpochStart(2, 15), new EpochStart(3, 20));
        epochs.trimTo(20);
        assertThat(epochs.toList()).containsExactly(new EpochStart(3, 20));
        epochs.trimTo(40);
        assertThat(epochs.toList()).containsExactly(new EpochStart(3, 40));
        assertThat(epochs.epochOf(39)).isEmpty();
    }
}
