// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.partition.CleanablePartition;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LogCleaningTest {
    private static final CleaningConfig CONFIG = new CleaningConfig(1000, 1 << 20, 0.9, 1L << 50);

    private final OwnLog log = new OwnLog();
    private LogConfig topic =
            new LogConfig(Map.of("cleanup.policy", "compact", "segment.ms", "1", "min.cleanable.dirty.ratio", "0.01"));
    private long nextOffset;

    @BeforeEach
    void fill() {
        segment(5);
        segment(5);
        log.clock.nowMs += 1000;
    }

    /** Each batch writes the same key. */
    private void segment(int batches) {
        long start = nextOffset;
        List<ByteBuffer> all = new ArrayList<>();
        for (int i = 0; i < batches; i++) {
            byte[] value = ("v" + nextOffset).getBytes(StandardCharsets.UTF_8);
            SimpleRecord one = new SimpleRecord(log.clock.nowMs, "key".getBytes(StandardCharsets.UTF_8), value);
            all.add(MemoryRecords.withRecords(nextOffset, Compression.NONE, one).buffer());
            nextOffset++;
        }
        log.commit(start, nextOffset, all, List.of(), new byte[0]);
        log.highWatermark = nextOffset + 100;
        log.lastStableOffset = nextOffset + 100;
    }

    private LogCleaning cleaning() {
        return new LogCleaning(CONFIG, log.parts, () -> List.of(log.partition), name -> topic);
    }

    private double count(String meter) {
        return log.meters.counter("freshet.cleaning." + meter).count();
    }

    private int batchesLeft() {
        return log.batches(Long.MAX_VALUE).size();
    }

    @Test
    void cleansWhatIsDueAndThenRests() {
        LogCleaning cleaning = cleaning();
        cleaning.start();
        assertThat(batchesLeft()).isEqualTo(10);
        log.scheduler.advance(1000);
        assertThat(batchesLeft()).isOne();
        assertThat(log.cleanedEndOffset).isEqualTo(10);
        assertThat(log.replacedUpTo).isEqualTo(10);
        assertThat(count("passes")).isOne();
        log.scheduler.advance(100_000);
        assertThat(count("passes")).isOne();
        segment(3);
        log.clock.nowMs += 1000;
        log.scheduler.advance(1000);
        assertThat(batchesLeft()).isOne();
        assertThat(count("passes")).isEqualTo(2);
        cleaning.close();
        assertThat(log.scheduler.taskCount()).isZero();
    }

    @Test
    void topicsWithoutCompactionAreLeftAlone() {
        topic = new LogConfig(Map.of("cleanup.policy", "delete", "segment.ms", "1"));
        assertThat(OwnLog.await(cleaning().round())).isFalse();
        assertThat(batchesLeft()).isEqualTo(10);
    }

    @Test
    void theTrailerTellsTheNextOwnerWhatIsClean() {
        assertThat(OwnLog.await(cleaning().round())).isTrue();
        StreamSegment last = log.manifest.segments.get(log.manifest.segments.size() - 1);
        assertThat(CleanablePartition.cleanedEndOffset(OwnLog.await(log.rewriter.checkpoint(last))))
                .isEqualTo(10);
        log.cleanedEndOffset = 0;
        LogCleaning afterRestart = cleaning();
        assertThat(OwnLog.await(afterRestart.round())).as("it looked for work").isTrue();
        assertThat(log.cleanedEndOffset).isEqualTo(10);
        assertThat(count("passes")).isOne();
        assertThat(OwnLog.await(afterRestart.round())).isFalse();
    }

    @Test
    void aRefusedPassMovesNothingAndIsRepeated() {
        List<StreamSegment> before = List.copyOf(log.manifest.segments);
        log.manifest.beforeReplace = () -> {
            log.manifest.segments.clear();
            before.forEach(old -> log.manifest.segments.add(new StreamSegment(
                    old.streamId(),
                    old.startOffset(),
                    old.endOffset(),
                    old.objectId() + 1000,
                    old.sizeBytes(),
                    -1,
                    -1)));
        };
        LogCleaning cleaning = cleaning();
        assertThat(OwnLog.await(cleaning.round())).isFalse();
        assertThat(log.cleanedEndOffset).isZero();
        assertThat(count("refused")).isOne();
        log.manifest.beforeReplace = () -> {};
        log.manifest.segments.clear();
        log.manifest.segments.addAll(before);
        assertThat(OwnLog.await(cleaning.round())).isTrue();
        assertThat(log.cleanedEndOffset).isEqualTo(10);
    }

    @Test
    void aDamagedObjectIsLeftAloneForAnHour() {
        StreamSegment first = log.manifest.segments.get(0);
        ByteBuffer garbage = ByteBuffer.allocate(5000);
        OwnLog.await(log.store.put(ObjectKeys.dataKey(first.objectId()), List.of(garbage)));
        LogCleaning cleaning = cleaning();
        assertThat(OwnLog.await(cleaning.round())).isFalse();
        assertThat(count("failures")).isOne();
        assertThat(log.meters.get("freshet.cleaning.quarantined").gauge().value())
                .isZero();
        assertThat(OwnLog.await(cleaning.round())).isFalse();
        assertThat(count("failures")).as("not tried again").isOne();
        assertThat(log.meters.get("freshet.cleaning.quarantined").gauge().value())
                .isOne();
        log.clock.nowMs += 3_600_001;
        OwnLog.await(cleaning.round());
        assertThat(count("failures")).isEqualTo(2);
    }
}
