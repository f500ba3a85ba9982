// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.retention;

import static io.freshet.broker.fake.ScriptedPartitions.batch;
import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.fake.ManualScheduler;
import io.freshet.broker.fake.ScriptedPartition;
import io.freshet.broker.partition.PartitionQueries;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.stream.StreamSegment;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RetentionTest {
    private static final long NOW_MS = 10_000;

    private final ManualScheduler scheduler = new ManualScheduler();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final Map<String, String> config = new HashMap<>();
    private final List<PartitionQueries> open = new ArrayList<>();
    private final ScriptedPartition partition = partition("a");
    private final Clock clock = new Clock() {
        @Override
        public long wallMs() {
            return NOW_MS;
        }

        @Override
        public long nanoTime() {
            return 0;
        }
    };
    private final Retention retention =
            new Retention(() -> open, topic -> new LogConfig(config), clock, scheduler, meters);

    private static ScriptedPartition partition(String topic) {
        return new ScriptedPartition(new TopicIdPartition(Uuid.randomUuid(), 0, topic));
    }

    private static StreamSegment segment(long startOffset, long endOffset, long sizeBytes, long maxTimestampMs) {
        return new StreamSegment(1, startOffset, endOffset, startOffset, sizeBytes, maxTimestampMs, maxTimestampMs);
    }

    /** Three committed segments of 100 bytes and a tail of 50 bytes that is in no object yet. */
    @BeforeEach
    void fill() {
        open.add(partition);
        partition.segments.addAll(
                List.of(segment(0, 10, 100, 1000), segment(10, 20, 100, 5000), segment(20, 30, 100, 3000)));
        partition.highWatermark = 35;
        partition.sizeBytes = 350;
        config.put("retention.ms", "-1");
    }

    @Test
    void keepsEverythingWithoutLimits() {
        retention.runOnce();

        assertThat(partition.trims).isEmpty();
    }

    @Test
    void givesUpTheOldestSegmentsByTime() {
        config.put("retention.ms", "6000");
        retention.runOnce();
        assertThat(partition.trims).containsExactly(10L);
        assertThat(meters.get("freshet.retention.segments").counter().count()).isEqualTo(1);

        config.put("retention.ms", "1000");
        retention.runOnce();
        assertThat(partition.trims).containsExactly(10L, 30L);
    }

    @Test
    void keepsARecordExactlyAsOldAsTheLimit() {
        config.put("retention.ms", "9000");

        retention.runOnce();

        assertThat(partition.trims).isEmpty();
    }

    @Test
    void keepsASegmentWithoutTimestamp() {
        partition.segments.set(0, segment(0, 10, 100, -1));
        config.put("retention.ms", "1");

        retention.runOnce();

        assertThat(partition.trims).isEmpty();
    }

    @Test
    void aSegmentThatKeyCompactionEmptiedGoesWithTheNextOldOne() {
        partition.segments.set(0, segment(0, 10, 0, -1));
        config.put("retention.ms", "1");
        config.put("cleanup.policy", "compact,delete");

        retention.runOnce();

        assertThat(partition.trims).containsExactly(30L);
    }

    @Test
    void keepsAtLeastTheLimitBySize() {
        config.put("retention.bytes", "251");
        retention.runOnce();
        assertThat(partition.trims).isEmpty();

        config.put("retention.bytes", "150");
        retention.runOnce();
        assertThat(partition.trims).containsExactly(20L);
    }

    @Test
    void leavesCompactedTopicsAlone() {
        config.put("retention.ms", "1");
        config.put("cleanup.policy", "compact");
        retention.runOnce();
        assertThat(partition.trims).isEmpty();

        config.put("cleanup.policy", "compact,delete");
        retention.runOnce();
        assertThat(partition.trims).containsExactly(30L);
    }

    @Test
    void triesAgainAfterAFailureAndGoesOnWithOthers() {
        ScriptedPartition other = partition("b").add(batch(0, 1)).advance();
        other.segments.add(segment(0, 1, 10, 1));
        open.add(other);
        config.put("retention.ms", "6000");
        partition.trimResult = CompletableFuture.failedFuture(new FreshetException(ErrorKind.UNAVAILABLE, "no leader"));

        retention.start(5, 100);
        assertThat(partition.trims).isEmpty();
        scheduler.advance(5);
        assertThat(partition.trims).containsExactly(10L);
        assertThat(other.trims).containsExactly(1L);
        assertThat(meters.get("freshet.retention.failures").counter().count()).isEqualTo(1);

        partition.trimResult = CompletableFuture.completedFuture(null);
        scheduler.advance(100);
        assertThat(partition.trims).containsExactly(10L, 10L);
        assertThat(partition.logStartOffset).isEqualTo(10);

        retention.close();
        partition.logStartOffset = 0;
        scheduler.advance(1000);
        assertThat(partition.trims).hasSize(2);
    }
}
