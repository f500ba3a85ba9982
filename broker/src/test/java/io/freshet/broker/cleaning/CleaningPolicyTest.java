// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.StreamSegment;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CleaningPolicyTest {
    private static final long MIB = 1 << 20;
    private static final long DAY_MS = 86_400_000;

    private final OwnLog log = new OwnLog();
    private final Map<String, String> settings = new HashMap<>(Map.of("cleanup.policy", "compact"));

    /** Three segments of ten offsets and 2 MiB each, written 3, 2 and 1 days ago. */
    @BeforeEach
    void fill() {
        for (int i = 0; i < 3; i++) {
            long writtenMs = log.clock.nowMs - (3 - i) * DAY_MS;
            log.manifest.segments.add(
                    new StreamSegment(OwnLog.STREAM, 10L * i, 10L * i + 10, i, 2 * MIB, writtenMs, writtenMs + 1000));
        }
        log.highWatermark = 40;
        log.lastStableOffset = 40;
    }

    private CleanableRange range() {
        return log.range(new LogConfig(settings));
    }

    private boolean isDue() {
        return range().isDue(new LogConfig(settings).minCleanableRatio);
    }

    @Test
    void allThatIsCommittedIsDirtyAtFirst() {
        assertThat(range()).isEqualTo(new CleanableRange(0, 30, 0, 6 * MIB, false, true));
        assertThat(isDue()).isTrue();
    }

    @Test
    void theRatioCountsCleanedBytesFromTheLogStartOn() {
        log.cleanedEndOffset = 20;
        assertThat(range()).isEqualTo(new CleanableRange(20, 30, 4 * MIB, 2 * MIB, false, true));
        assertThat(isDue()).isFalse();
        settings.put("min.cleanable.dirty.ratio", "0.3");
        assertThat(isDue()).isTrue();
        log.cleanedEndOffset = 30;
        assertThat(range().dirtyRatio()).isZero();
        settings.put("min.cleanable.dirty.ratio", "0");
        assertThat(isDue()).isFalse();
    }

    @Test
    void aSegmentThatWasCleanedInPartCountsTwice() {
        log.cleanedEndOffset = 25;
        assertThat(range()).isEqualTo(new CleanableRange(25, 30, 6 * MIB, 2 * MIB, false, true));
    }

    @Test
    void theSegmentOfTheFirstOpenTransactionStays() {
        log.lastStableOffset = 20;
        assertThat(range().endOffset()).isEqualTo(20);
        log.lastStableOffset = 19;
        assertThat(range().endOffset()).isEqualTo(10);
        log.lastStableOffset = 3;
        assertThat(range()).isEqualTo(new CleanableRange(0, 0, 0, 0, false, false));
        assertThat(isDue()).isFalse();
    }

    @Test
    void youngSegmentsStay() {
        settings.put("min.compaction.lag.ms", Long.toString(DAY_MS + DAY_MS / 2));
        assertThat(range().endOffset()).isEqualTo(20);
        settings.put("min.compaction.lag.ms", Long.toString(10 * DAY_MS));
        assertThat(range().dirtyBytes()).isZero();
    }

    @Test
    void anOldDirtyRecordForcesACleaning() {
        settings.put("min.cleanable.dirty.ratio", "1");
        settings.put("max.compaction.lag.ms", Long.toString(2 * DAY_MS + 1));
        assertThat(isDue()).as("three days old").isTrue();
        log.cleanedEndOffset = 10;
        assertThat(isDue()).as("two days old").isFalse();
        log.clock.nowMs += 2;
        assertThat(isDue()).as("a little older").isTrue();
    }

    @Test
    void littleDirtWaitsForMoreOrForItsAge() {
        log.manifest.segments.clear();
        log.manifest.segments.add(
                new StreamSegment(OwnLog.STREAM, 0, 10, 1, 1000, log.clock.nowMs - 5000, log.clock.nowMs));
        assertThat(range().isWorthIt()).isFalse();
        settings.put("segment.ms", "5000");
        assertThat(range().isWorthIt()).isTrue();
    }

    @Test
    void trimmedOffsetsAreNotDirty() {
        log.manifest.segments.remove(0);
        log.logStartOffset = 14;
        assertThat(range().firstDirtyOffset()).isEqualTo(14);
        assertThat(range().dirtyBytes()).isEqualTo(4 * MIB);
    }
}
