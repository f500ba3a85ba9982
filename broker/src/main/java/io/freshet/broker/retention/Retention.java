// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.retention;

import io.freshet.broker.partition.PartitionQueries;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.common.stream.StreamSegment;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves the log start of each open partition past the segments that {@code retention.ms} or {@code retention.bytes} give
 * up, if the topic's {@code cleanup.policy} has {@code delete}. Only committed segments go, oldest first and whole. A
 * partition that fails is tried again in the next round. Rounds run on the scheduler; start and stop may come from any thread.
 */
public final class Retention implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

    private final Supplier<? extends Collection<? extends PartitionQueries>> openPartitions;
    private final Function<String, LogConfig> topicConfigs;
    private final Clock clock;
    private final Scheduler scheduler;
    private final Counter deletedSegments;
    private final Counter failures;
    private Scheduler.@Nullable Cancellable rounds;

    /**
     * @param openPartitions the partitions that this broker leads now
     * @param topicConfigs a topic's settings by its name
     * @param clock wall time that record timestamps are held against
     */
    public Retention(
            Supplier<? extends Collection<? extends PartitionQueries>> openPartitions,
            Function<String, LogConfig> topicConfigs,
            Clock clock,
            Scheduler scheduler,
            MeterRegistry meters) {
        this.openPartitions = openPartitions;
        this.topicConfigs = topicConfigs;
        this.clock = clock;
        this.scheduler = scheduler;
        this.deletedSegments = meters.counter("freshet.retention.segments");
        this.failures = meters.counter("freshet.retention.failures");
    }

    /** Begins rounds: the first after {@code initialDelayMs}, then every {@code periodMs}. */
    public synchronized void start(long initialDelayMs, long periodMs) {
        if (rounds != null) {
            throw new IllegalStateException("Retention has been started already");
        }
        rounds = scheduler.schedule(initialDelayMs, () -> {
            runOnce();
            continueEvery(periodMs);
        });
    }

    private synchronized void continueEvery(long periodMs) {
        if (rounds != null) {
            rounds = scheduler.scheduleRepeatedly(periodMs, this::runOnce);
        }
    }

    @Override
    public synchronized void close() {
        if (rounds != null) {
            rounds.cancel();
            rounds = null;
        }
    }

    /** One round over all open partitions. Returns when every trim has been asked for, not when it is durable. */
    public void runOnce() {
        for (PartitionQueries partition : openPartitions.get()) {
            try {
                applyTo(partition);
            } catch (RuntimeException e) {
                reportFailure(partition, e);
            }
        }
    }

    private void applyTo(PartitionQueries partition) {
        LogConfig config = topicConfigs.apply(partition.id().topic());
        if (!config.delete) {
            return;
        }
        List<StreamSegment> segments = partition.segments();
        int count = Math.max(countTooOld(segments, config), countTooMany(partition, segments, config));
        if (count == 0) {
            return;
        }
        long newStartOffset = Math.min(segments.get(count - 1).endOffset(), partition.highWatermark());
        if (newStartOffset <= partition.logStartOffset()) {
            return;
        }
        LOG.info(
                "Retention moves the log start of {} to {}, giving up {} segments",
                partition.id(),
                newStartOffset,
                count);
        partition.trim(newStartOffset).whenComplete((done, failure) -> {
            if (failure == null) {
                deletedSegments.increment(count);
            } else {
                reportFailure(partition, failure);
            }
        });
    }

    private void reportFailure(PartitionQueries partition, Throwable failure) {
        failures.increment();
        LOG.warn("Retention of {} failed; the next round tries again", partition.id(), failure);
    }

    /**
     * How many segments from the first on hold no record newer than the limit. A segment without a timestamp is kept; where key
     * compaction may have emptied it, it goes with the next one that is too old.
     */
    private int countTooOld(List<StreamSegment> segments, LogConfig config) {
        long retentionMs = config.retentionMs;
        if (retentionMs < 0) {
            return 0;
        }
        long nowMs = clock.wallMs();
        int count = 0;
        for (int i = 0; i < segments.size(); i++) {
            long newestMs = segments.get(i).maxTimestampMs();
            boolean isTooOld = newestMs >= 0 && nowMs - newestMs > retentionMs;
            boolean isEmptied = newestMs < 0 && config.compact;
            if (!isTooOld && !isEmptied) {
                break;
            }
            count = isTooOld ? i + 1 : count;
        }
        return count;
    }

    /** How many segments from the first on can go with at least the limit's bytes left. */
    private static int countTooMany(PartitionQueries partition, List<StreamSegment> segments, LogConfig config) {
        if (config.retentionSize < 0) {
            return 0;
        }
        long excessBytes = partition.sizeBytes() - config.retentionSize;
        int count = 0;
        while (count < segments.size() && excessBytes >= segments.get(count).sizeBytes()) {
            excessBytes -= segments.get(count).sizeBytes();
            count++;
        }
        return count;
    }
}
