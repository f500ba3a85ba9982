// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same random batches go into a log of Kafka's and into ours, segment by segment; both are cleaned several times while
 * the clock moves on past delete horizons. After each cleaning the same batches must be left, byte by byte. Runs with a map too
 * small for all keys have no transactions: when a pass begins inside a segment, Kafka 4.4 takes the first transaction of a
 * producer for aborted that had aborted one just before, and leaves too much; there, what a reader sees is compared. The seed is
 * {@code freshet.cleaning.seed}, the number of runs {@code freshet.cleaning.runs}.
 */
class CleanerDifferentialTest {
    private static final long DELETE_RETENTION_MS = 10_000;
    private static final double LOAD_FACTOR = 0.9;
    private static final int LARGE_MAP = 24 * 20_000;
    private static final int SMALL_MAP = 24 * 20;

    @TempDir
    private Path directory;

    /** What happened over all runs: a comparison of nothing with nothing would prove nothing. */
    private final Set<String> seen = new HashSet<>();

    @Test
    void leavesWhatKafkasCleanerLeaves() throws Exception {
        long firstSeed = Long.getLong("freshet.cleaning.seed", 20_240);
        int runs = Integer.getInteger("freshet.cleaning.runs", 20);
        for (int run = 0; run < runs; run++) {
            long seed = firstSeed + run;
            try {
                compare(seed);
            } catch (AssertionError | Exception e) {
                throw new AssertionError("With -Dfreshet.cleaning.seed=" + seed + " -Dfreshet.cleaning.runs=1", e);
            }
        }
        assertThat(seen)
                .contains(
                        "a batch that is empty",
                        "a horizon",
                        "a marker with a horizon",
                        "fewer aborted transactions",
                        "a full map",
                        "an open transaction");
    }

    private static LogConfig topic() {
        return new LogConfig(Map.of(
                "cleanup.policy", "compact",
                "delete.retention.ms", Long.toString(DELETE_RETENTION_MS),
                "min.cleanable.dirty.ratio", "0.01"));
    }

    private void compare(long seed) throws Exception {
        Random random = new Random(seed);
        LogConfig topic = topic();
        OwnLog own = new OwnLog();
        boolean hasTransactions = seed % 3 != 0;
        RandomLog source = new RandomLog(random, hasTransactions);
        try (KafkaLog kafka = new KafkaLog(directory.resolve("run-" + seed), topic)) {
            for (int round = 0; round < 8; round++) {
                int segments = random.nextInt(4);
                for (int i = 0; i < segments; i++) {
                    writeSegment(random, source, kafka, own);
                }
                if (random.nextInt(3) > 0) {
                    cleanBoth(hasTransactions ? LARGE_MAP : SMALL_MAP, kafka, own, topic);
                }
                own.clock.nowMs += random.nextInt(2) * DELETE_RETENTION_MS / 2 + random.nextInt(8_000);
            }
        }
    }

    private void writeSegment(Random random, RandomLog source, KafkaLog kafka, OwnLog own) throws Exception {
        long start = source.nextOffset();
        List<ByteBuffer> batches = new ArrayList<>();
        int count = 1 + random.nextInt(40);
        for (int i = 0; i < count; i++) {
            add(source.next(own.clock.nowMs), kafka, batches);
        }
        while (source.isInTransaction() && random.nextInt(5) > 0) {
            add(source.endOne(own.clock.nowMs), kafka, batches);
        }
        kafka.log.roll();
        long end = source.nextOffset();
        List<AbortedTransaction> aborted = kafka.log.collectAbortedTransactions(start, end).stream()
                .filter(one -> one.lastOffset() >= start && one.lastOffset() < end)
                .map(one -> new AbortedTransaction(
                        one.producerId(), one.firstOffset(), one.lastOffset(), one.lastStableOffset()))
                .toList();
        own.commit(start, end, batches, aborted, new byte[0]);
    }

    private static void add(MemoryRecords records, KafkaLog kafka, List<ByteBuffer> batches) throws Exception {
        ByteBuffer copy = ByteBuffer.allocate(records.sizeInBytes());
        copy.put(records.buffer().duplicate()).flip();
        batches.add(copy);
        kafka.append(records);
    }

    private void cleanBoth(int mapBytes, KafkaLog kafka, OwnLog own, LogConfig topic) throws Exception {
        own.know(kafka.log);
        CleanableRange range = own.range(topic);
        if (range.endOffset() == range.firstDirtyOffset()) {
            return;
        }
        if (own.lastStableOffset < own.highWatermark) {
            seen.add("an open transaction");
        }
        int abortedBefore = own.abortedInTrailers().size();
        long kafkaEnd = kafka.clean(range, mapBytes, LOAD_FACTOR, own.clock.nowMs);
        CleaningConfig config = new CleaningConfig(1, mapBytes, LOAD_FACTOR, 1L << 50);
        Optional<Long> ownEnd = own.clean(config, topic);
        assertThat(ownEnd).contains(kafkaEnd);
        assertThat(own.cleanedEndOffset).isEqualTo(kafkaEnd);
        List<ByteBuffer> left = own.batches(Long.MAX_VALUE);
        List<String> lines = LogText.lines(left);
        assertThat(lines).isEqualTo(LogText.lines(kafka.batches(Long.MAX_VALUE)));
        assertThat(left).isEqualTo(kafka.batches(Long.MAX_VALUE));
        assertThat(own.manifest.segments.get(0).startOffset()).isZero();
        assertThat(own.committedEndOffset()).isEqualTo(kafka.log.logEndOffset());
        note(lines, range, kafkaEnd);
        if (own.abortedInTrailers().size() < abortedBefore) {
            seen.add("fewer aborted transactions");
        }
        checkMarkersOfAborted(own, left);
    }

    private void note(List<String> lines, CleanableRange range, long end) {
        if (end < range.endOffset()) {
            seen.add("a full map");
        }
        for (int i = 0; i < lines.size(); i++) {
            boolean isBatch = lines.get(i).startsWith("batch");
            boolean isEmpty = i + 1 == lines.size() || lines.get(i + 1).startsWith("batch");
            boolean hasHorizon = lines.get(i).contains("horizon OptionalLong[");
            if (isBatch && isEmpty) {
                seen.add("a batch that is empty");
            }
            if (isBatch && hasHorizon) {
                seen.add(
                        !isEmpty && lines.get(i + 1).matches(".* (ABORT|COMMIT)")
                                ? "a marker with a horizon"
                                : "a horizon");
            }
        }
    }

    /** Passes that end inside segments, with transactions: readers of committed records see the same last values as before. */
    @Test
    void keepsWhatReadersSeeWhenTheMapIsTooSmall() throws Exception {
        LogConfig topic = topic();
        for (long seed = 900; seed < 930; seed++) {
            Random random = new Random(seed);
            OwnLog own = new OwnLog();
            RandomLog source = new RandomLog(random, true);
            try (KafkaLog kafka = new KafkaLog(directory.resolve("view-" + seed), topic)) {
                for (int round = 0; round < 10; round++) {
                    writeSegment(random, source, kafka, own);
                    own.clock.nowMs += random.nextInt((int) DELETE_RETENTION_MS);
                    own.know(kafka.log);
                    CleanableRange range = own.range(topic);
                    if (range.endOffset() > range.firstDirtyOffset()) {
                        Map<String, String> before =
                                LogText.committed(own.batches(Long.MAX_VALUE), own.abortedInTrailers());
                        assertThat(own.clean(new CleaningConfig(1, SMALL_MAP, LOAD_FACTOR, 1L << 50), topic))
                                .isPresent();
                        assertThat(LogText.committed(own.batches(Long.MAX_VALUE), own.abortedInTrailers()))
                                .as("seed %d, round %d", seed, round)
                                .isEqualTo(before);
                    }
                }
            }
        }
    }

    /** A reader takes a transaction for aborted from its entry to its marker: an entry without marker would hide records. */
    private static void checkMarkersOfAborted(OwnLog own, List<ByteBuffer> left) {
        List<String> lines = LogText.lines(left);
        for (AbortedTransaction one : own.abortedInTrailers()) {
            assertThat(lines).anyMatch(line -> line.matches("  " + one.lastOffset() + " at .* ABORT"));
        }
    }
}
