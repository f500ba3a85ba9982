// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.util.Scheduler;
import org.apache.kafka.storage.internals.log.Cleaner;
import org.apache.kafka.storage.internals.log.CleanerStats;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.LogSegment;
import org.apache.kafka.storage.internals.log.LogToClean;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.SkimpyOffsetMap;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.internals.utils.Throttler;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

/** A partition's log as Kafka keeps it in files, with Kafka's own cleaner. */
final class KafkaLog implements AutoCloseable {
    final UnifiedLog log;
    private final BrokerTopicStats stats = new BrokerTopicStats();
    private final Idle idle = new Idle();

    /** Does nothing at its time: what Kafka would do in the background is not wanted here. */
    private static final class Idle implements Scheduler {
        private final ScheduledExecutorService never = Executors.newSingleThreadScheduledExecutor();

        @Override
        public void startup() {}

        @Override
        public void shutdown() {
            never.shutdownNow();
        }

        @Override
        public ScheduledFuture<?> schedule(String name, Runnable task, long delayMs, long periodMs) {
            return never.schedule(() -> {}, 1, TimeUnit.DAYS);
        }

        @Override
        public void resizeThreadPool(int newSize) {}
    }

    KafkaLog(Path directory, LogConfig config) throws Exception {
        File folder = Files.createDirectories(directory.resolve("topic-0")).toFile();
        log = UnifiedLog.create(
                folder,
                config,
                0,
                0,
                idle,
                stats,
                Time.SYSTEM,
                15 * 60 * 1000,
                new ProducerStateManagerConfig(86_400_000, false),
                86_400_000,
                new LogDirFailureChannel(10),
                true,
                Optional.of(Uuid.ONE_UUID));
    }

    /** Appends batches that have their offsets, as a follower does. */
    void append(MemoryRecords records) throws Exception {
        log.appendAsFollower(records, 0);
        log.updateHighWatermark(log.logEndOffset());
    }

    /** Cleans with a map of {@code mapBytes}; the end of what was cleaned. */
    long clean(CleanableRange range, int mapBytes, double loadFactor, long nowMs) throws Exception {
        Cleaner cleaner = new Cleaner(
                0,
                new SkimpyOffsetMap(mapBytes),
                64 << 10,
                4 << 20,
                loadFactor,
                new Throttler(Double.MAX_VALUE, 1000, "cleaner", "bytes", Time.SYSTEM),
                Time.SYSTEM,
                partition -> {});
        Map.Entry<Long, CleanerStats> cleaned =
                cleaner.doClean(new LogToClean(log, range.firstDirtyOffset(), range.endOffset(), false), nowMs);
        return cleaned.getKey();
    }

    /** The batches below {@code endOffset}, byte by byte. */
    List<ByteBuffer> batches(long endOffset) throws Exception {
        List<ByteBuffer> all = new ArrayList<>();
        for (LogSegment segment : log.logSegments()) {
            ByteBuffer bytes = ByteBuffer.allocate(segment.size());
            if (segment.size() > 0) {
                segment.log().readInto(bytes, 0);
            }
            all.addAll(LogText.split(bytes.position(0), endOffset));
        }
        return all;
    }

    @Override
    public void close() {
        log.close();
        idle.shutdown();
        stats.close();
    }
}
