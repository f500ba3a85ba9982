// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.cache.IndexCache;
import io.freshet.storage.format.SegmentTrailer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One round: look, plan, rewrite. Keeps between rounds what may not be read again soon and how much was written. Runs on the
 * executor; one round at a time, whose steps follow one another.
 */
final class CompactionRound {
    private static final Logger LOG = LoggerFactory.getLogger(CompactionRound.class);
    private static final int MAX_REWRITES = 256;
    /** Small or mostly dead objects that are considered at once, the oldest first; far more than a round rewrites. */
    private static final int MAX_GATHERED = 1 << 16;

    private static final long QUARANTINE_MS = 3_600_000;

    private sealed interface Task {
        long costBytes();

        /** How many objects fewer there are afterwards, roughly. */
        int gain();

        record Gathering(Gather gather) implements Task {
            @Override
            public long costBytes() {
                return gather.liveBytes();
            }

            @Override
            public int gain() {
                return gather.inputs().size() - 1;
            }
        }

        record Merging(Rewrite rewrite) implements Task {
            @Override
            public long costBytes() {
                return rewrite.sizeBytes();
            }

            @Override
            public int gain() {
                return rewrite.inputs().size() - 1;
            }
        }
    }

    private final CompactionParts parts;
    private final CompactionMeters meters;
    private final IndexCache indexes;
    private final ObjectRewriter rewriter;
    private final CompactionPlanner planner;
    private final WriteBudget budget;
    private final Map<Long, Long> quarantinedUntilNanos = new HashMap<>();
    /** Of the look before and of the next one, and the other way round after each. */
    private SurveyTable seen;

    private SurveyTable spare;
    private volatile long lookMs;
    private volatile long objectCount;
    private volatile long objectBytes;

    CompactionRound(
            CompactionConfig config,
            CompactionParts parts,
            CompactionMeters meters,
            IndexCache indexes,
            ObjectRewriter rewriter,
            ScratchSpace scratch) {
        this.parts = parts;
        this.seen = new SurveyTable(scratch);
        this.spare = new SurveyTable(scratch);
        this.meters = meters;
        this.indexes = indexes;
        this.rewriter = rewriter;
        this.planner = new CompactionPlanner(config.shape());
        this.budget = new WriteBudget(config.maxWriteAmplification());
        meters.gauge("write.amplification", budget, WriteBudget::writeAmplification);
        meters.gauge("objects", this, round -> round.objectCount);
        meters.gauge("objects.bytes", this, round -> round.objectBytes);
    }

    /** How long the last look at all objects took. */
    long lookMs() {
        return lookMs;
    }

    CompletableFuture<Void> run() {
        meters.rounds.increment();
        List<Task> tasks = plan();
        return runAll(tasks.iterator());
    }

    private List<Task> plan() {
        long startNanos = parts.clock().nanoTime();
        quarantinedUntilNanos.values().removeIf(until -> startNanos - until >= 0);
        Survey survey = look();
        List<ObjectShare> gathered = survey.objects().stream()
                .filter(object -> planner.isGathered(object) && !quarantinedUntilNanos.containsKey(object.objectId()))
                .limit(MAX_GATHERED)
                .toList();
        List<Task> tasks = new ArrayList<>();
        planner.gathers(gathered).forEach(gather -> tasks.add(new Task.Gathering(gather)));
        survey.forEachStream(manifest -> {
            if (tasks.size() < 10 * MAX_REWRITES) {
                planner.merges(
                                manifest,
                                id -> quarantinedUntilNanos.containsKey(id)
                                        ? null
                                        : survey.object(id).orElse(null))
                        .forEach(rewrite -> tasks.add(new Task.Merging(rewrite)));
            }
        });
        tasks.sort(Comparator.comparingDouble(task -> -(double) task.gain() / Math.max(1, task.costBytes())));
        lookMs = (parts.clock().nanoTime() - startNanos) / 1_000_000;
        return tasks.size() > MAX_REWRITES ? tasks.subList(0, MAX_REWRITES) : tasks;
    }

    private Survey look() {
        Survey survey = Survey.of(parts.metadata(), parts.compaction(), spare);
        objectCount = survey.objects().size();
        objectBytes = survey.sizeBytes();
        budget.observe(survey.objects(), seen);
        SurveyTable before = seen;
        seen = spare;
        spare = before;
        return survey;
    }

    private CompletableFuture<Void> runAll(Iterator<? extends Task> tasks) {
        while (tasks.hasNext()) {
            Task task = tasks.next();
            if (budget.allows(task.costBytes())) {
                return runOne(task).thenComposeAsync(nothing -> runAll(tasks), parts.executor());
            }
        }
        return CompletableFuture.completedFuture(null);
    }

    private CompletableFuture<Void> runOne(Task task) {
        if (task instanceof Task.Merging merging) {
            return rewrite(List.of(merging.rewrite()).iterator());
        }
        Gather gather = ((Task.Gathering) task).gather();
        List<StreamSegment> live = new ArrayList<>();
        return collectLive(gather.inputs().iterator(), live).thenCompose(nothing -> {
            long objects = live.stream().map(StreamSegment::objectId).distinct().count();
            List<Rewrite> rewrites = objects > 1 ? planner.layout(live) : List.of();
            return rewrite(rewrites.iterator());
        });
    }

    /** The segments of the objects that manifests still name, from the objects' own indexes. */
    private CompletableFuture<Void> collectLive(Iterator<ObjectShare> inputs, List<StreamSegment> live) {
        if (!inputs.hasNext()) {
            return CompletableFuture.completedFuture(null);
        }
        long objectId = inputs.next().objectId();
        return indexes.open(objectId)
                .handleAsync(
                        (index, error) -> {
                            if (error != null) {
                                leaveAlone(FreshetException.of(error), objectId, Set.of(objectId));
                            } else {
                                live.addAll(parts.metadata()
                                        .stillNamed(index.segments().stream()
                                                .map(SegmentTrailer::segment)
                                                .toList()));
                            }
                            return null;
                        },
                        parts.executor())
                .thenCompose(nothing -> collectLive(inputs, live));
    }

    private CompletableFuture<Void> rewrite(Iterator<Rewrite> rewrites) {
        if (!rewrites.hasNext()) {
            return CompletableFuture.completedFuture(null);
        }
        Rewrite next = rewrites.next();
        return rewriter.run(next)
                .handle((outcome, error) -> {
                    if (error == null) {
                        committed(next, outcome);
                    } else {
                        leaveAlone(FreshetException.of(error), rewriter.lastInputId(), next.inputObjects());
                    }
                    return null;
                })
                .thenComposeAsync(nothing -> rewrite(rewrites), parts.executor());
    }

    private void committed(Rewrite rewrite, ObjectRewriter.Outcome outcome) {
        Set<Long> refused = outcome.refusedStreams();
        budget.spent(outcome.objectId(), rewrite.sizeBytes());
        meters.objectsWritten.increment();
        meters.bytesWritten.increment(outcome.sizeBytes());
        meters.bytesRewritten.increment(rewrite.sizeBytes());
        meters.refusedStreams.increment(refused.size());
        LOG.debug(
                "{} segments of {} objects became {} of object {} ({} bytes); {} streams had changed meanwhile",
                rewrite.inputs().size(),
                rewrite.inputObjects().size(),
                rewrite.groups().size(),
                outcome.objectId(),
                outcome.sizeBytes(),
                refused.size());
    }

    /** Goes on after what concerns these objects only, so that they do not hold up others; anything else ends the round. */
    private void leaveAlone(FreshetException cause, long lastObjectId, Set<Long> objectIds) {
        switch (cause.kind()) {
            case MISSING ->
                LOG.info("Object {} went away before it was compacted ({})", lastObjectId, cause.getMessage());
            case CORRUPT -> {
                meters.corruptInputs.increment();
                quarantine(lastObjectId >= 0 ? Set.of(lastObjectId) : objectIds, cause);
            }
            case INVALID, INTERNAL -> quarantine(objectIds, cause);
            default -> throw cause;
        }
    }

    private void quarantine(Set<Long> objectIds, FreshetException cause) {
        long untilNanos = parts.clock().nanoTime() + QUARANTINE_MS * 1_000_000;
        objectIds.forEach(id -> quarantinedUntilNanos.put(id, untilNanos));
        LOG.error("Objects {} cannot be compacted and are left alone for an hour", objectIds, cause);
    }
}
