// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import io.freshet.broker.partition.CleanablePartition;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler.Cancellable;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.compact.CompactionConfig;
import io.freshet.storage.compact.CompactionParts;
import io.freshet.storage.compact.StreamRewriter;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cleans the compacted partitions that this broker leads, the dirtiest first, one at a time. A round looks at all of
 * them and cleans one; after a round without work it pauses. Fields without other protection belong to the round, whose
 * steps follow one another on the executor; the timer is guarded by this object's lock.
 */
public final class LogCleaning implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LogCleaning.class);
    private static final long QUARANTINE_NANOS = 3_600_000_000_000L;

    private static final Set<ErrorKind> PASSING = Set.of(ErrorKind.MISSING, ErrorKind.FENCED, ErrorKind.INDETERMINATE);

    private final CleaningConfig config;
    private final CompactionParts parts;
    private final Supplier<? extends Collection<? extends CleanablePartition>> openPartitions;
    private final Function<String, LogConfig> topicConfigs;
    private final CleaningMeters meters;
    private final StreamRewriter rewriter;
    private final Set<Ownership> surveyed = new HashSet<>();
    private final Map<TopicIdPartition, Long> quarantinedAtNanos = new HashMap<>();
    private volatile boolean closed;
    private @Nullable Cancellable timer;

    private record Ownership(TopicIdPartition partition, int leaderEpoch) {}

    private record Candidate(
            CleanablePartition partition, LogConfig topic, CleanableRange range, List<StreamSegment> segments) {
        boolean isDue() {
            return range.isDue(topic.minCleanableRatio);
        }
    }

    /**
     * @param openPartitions the partitions that this broker leads now
     * @param topicConfigs a topic's settings by its name
     */
    public LogCleaning(
            CleaningConfig config,
            CompactionParts parts,
            Supplier<? extends Collection<? extends CleanablePartition>> openPartitions,
            Function<String, LogConfig> topicConfigs) {
        this.config = config;
        this.parts = parts;
        this.openPartitions = openPartitions;
        this.topicConfigs = topicConfigs;
        this.meters = new CleaningMeters(parts.meters());
        CompactionConfig defaults = CompactionConfig.defaults();
        this.rewriter = new StreamRewriter(defaults.withPace(config.backoffMs(), config.bytesPerSecond()), parts);
    }

    /** Begins rounds, the first one pause from now. */
    public void start() {
        next(config.backoffMs());
    }

    private synchronized void next(long delayMs) {
        if (!closed) {
            timer = parts.scheduler().schedule(delayMs, this::begin);
        }
    }

    private void begin() {
        try {
            CompletableFuture.completedFuture(null)
                    .thenComposeAsync(nothing -> round(), parts.executor())
                    .whenComplete((isCleaned, error) -> {
                        if (error != null && !closed) {
                            meters.failures.increment();
                            LOG.warn("A round of key compaction failed; the next one tries again", error);
                        }
                        next(error == null && isCleaned ? 0 : config.backoffMs());
                    });
        } catch (RejectedExecutionException e) {
            LOG.debug("The executor takes no round of key compaction now", e);
            next(config.backoffMs());
        }
    }

    /** Looks at all partitions and cleans the one that needs it most; whether there was one. */
    CompletableFuture<Boolean> round() {
        if (closed || parts.isPaused().getAsBoolean()) {
            return CompletableFuture.completedFuture(false);
        }
        Optional<Candidate> dirtiest = look();
        if (dirtiest.isEmpty()) {
            return CompletableFuture.completedFuture(false);
        }
        Candidate candidate = dirtiest.get();
        CleanablePartition partition = candidate.partition();
        return survey(candidate)
                .thenComposeAsync(nothing -> clean(partition, candidate.topic()), parts.executor())
                .exceptionally(error -> failed(partition, FreshetException.of(error)));
    }

    private Optional<Candidate> look() {
        long nowNanos = parts.clock().nanoTime();
        long nowMs = parts.clock().wallMs();
        quarantinedAtNanos.values().removeIf(since -> nowNanos - since > QUARANTINE_NANOS);
        Set<Ownership> open = new HashSet<>();
        Optional<Candidate> dirtiest = Optional.empty();
        double maxRatio = 0;
        for (CleanablePartition partition : openPartitions.get()) {
            LogConfig topic = topicConfigs.apply(partition.id().topic());
            if (!topic.compact) {
                continue;
            }
            open.add(new Ownership(partition.id(), partition.leaderEpoch()));
            Candidate candidate = candidate(partition, topic, nowMs);
            maxRatio = Math.max(maxRatio, candidate.range().dirtyRatio());
            if (candidate.isDue() && !quarantinedAtNanos.containsKey(partition.id())) {
                dirtiest = dirtiest.filter(known -> dirtier().compare(known, candidate) >= 0)
                        .or(() -> Optional.of(candidate));
            }
        }
        surveyed.retainAll(open);
        meters.looked(maxRatio, quarantinedAtNanos.size());
        return dirtiest;
    }

    private static Comparator<Candidate> dirtier() {
        return Comparator.comparingDouble(candidate -> candidate.range().dirtyRatio());
    }

    private static Candidate candidate(CleanablePartition partition, LogConfig topic, long nowMs) {
        List<StreamSegment> segments = partition.segments();
        return new Candidate(partition, topic, CleaningPolicy.range(partition, segments, topic, nowMs), segments);
    }

    /**
     * A partition that was just opened knows the cleaned end offset of its last trailer only, which may have been written
     * before the last cleaning; the trailers of the other segments are asked once.
     */
    private CompletableFuture<Void> survey(Candidate candidate) {
        CleanablePartition partition = candidate.partition();
        Ownership ownership = new Ownership(partition.id(), partition.leaderEpoch());
        if (!surveyed.add(ownership)) {
            return CompletableFuture.completedFuture(null);
        }
        CompletableFuture<Void> asked = CompletableFuture.completedFuture(null);
        for (StreamSegment segment : candidate.segments()) {
            asked = asked.thenCompose(nothing -> rewriter.checkpoint(segment)
                    .thenAccept(checkpoint -> partition.cleaned(CleanablePartition.cleanedEndOffset(checkpoint))));
        }
        return asked.whenComplete((nothing, error) -> {
            if (error != null) {
                surveyed.remove(ownership);
            }
        });
    }

    private CompletableFuture<Boolean> clean(CleanablePartition partition, LogConfig topic) {
        long nowMs = parts.clock().wallMs();
        Candidate candidate = candidate(partition, topic, nowMs);
        if (!candidate.isDue()) {
            return CompletableFuture.completedFuture(true);
        }
        long startNanos = parts.clock().nanoTime();
        return new CleaningPass(config, rewriter, meters, parts.executor(), partition, topic, nowMs)
                .run(candidate.range(), candidate.segments())
                .thenApply(end -> {
                    LOG.info(
                            "Cleaned {} from {} to {} in {} ms ({} bytes were clean, {} dirty)",
                            partition.id(),
                            candidate.range().firstDirtyOffset(),
                            end.isPresent() ? end.get() : "nowhere, as its segments changed meanwhile",
                            (parts.clock().nanoTime() - startNanos) / 1_000_000,
                            candidate.range().cleanBytes(),
                            candidate.range().dirtyBytes());
                    return end.isPresent();
                });
    }

    /** A later round tries again: soon after a passing trouble, much later when something is damaged. */
    private boolean failed(CleanablePartition partition, FreshetException cause) {
        if (closed) {
            return false;
        }
        if (cause.kind().isRetriable() || PASSING.contains(cause.kind())) {
            LOG.info(
                    "Cleaning of {} ended early ({}: {}); a later round tries again",
                    partition.id(),
                    cause.kind(),
                    cause.getMessage());
            return false;
        }
        meters.failures.increment();
        quarantinedAtNanos.put(partition.id(), parts.clock().nanoTime());
        LOG.error("{} cannot be cleaned and is left alone for an hour", partition.id(), cause);
        return false;
    }

    /** Begins no more rounds; the one under way ends at its next step. */
    @Override
    public void close() {
        closed = true;
        rewriter.close();
        synchronized (this) {
            if (timer != null) {
                timer.cancel();
            }
        }
    }
}
