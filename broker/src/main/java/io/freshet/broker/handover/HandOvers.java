// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.handover;

import io.freshet.broker.partition.MovablePartition;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.MetadataNode;
import io.freshet.metadata.MoveWish;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.PartitionRegistration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fulfils wishes for partitions that this broker leads, many in one round, one round at a time. A round that fails is tried
 * again after a pause that grows. The executor's thread is the single writer; the metadata thread and the scheduler only ask it
 * to look.
 */
public final class HandOvers implements MetadataNode.ImageListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HandOvers.class);
    private static final long LOOK_PERIOD_MS = 250;
    private static final long FIRST_PAUSE_MS = 500;
    private static final long LONGEST_PAUSE_MS = 15_000;

    /** What one round moves at most: a bound on its commit and its command. */
    static final int MAX_PARTITIONS = 4_000;

    private final HandOverParts parts;
    private final HandOverMeters meters;
    private final AtomicBoolean isLooking = new AtomicBoolean();
    private final Scheduler.Cancellable looks;
    private volatile boolean closed;
    private volatile long seenVersion = Long.MIN_VALUE;
    /** Wishes for partitions of this broker are left that no round has taken. */
    private volatile boolean isMoreToDo;

    private boolean isRunning;
    private boolean isPaused;
    private long pauseMs = FIRST_PAUSE_MS;

    public HandOvers(HandOverParts parts) {
        this.parts = parts;
        this.meters = new HandOverMeters(parts.meters());
        this.looks = parts.scheduler().scheduleRepeatedly(LOOK_PERIOD_MS, this::lookIfDue);
    }

    @Override
    public void onChange(MetadataDelta delta, MetadataImage image) {
        lookIfDue();
    }

    private void lookIfDue() {
        if (isMoreToDo || parts.wishesVersion().getAsLong() != seenVersion) {
            look();
        }
    }

    private void look() {
        if (closed || !isLooking.compareAndSet(false, true)) {
            return;
        }
        try {
            parts.executor().execute(() -> {
                isLooking.set(false);
                startRound();
            });
        } catch (RejectedExecutionException e) {
            isLooking.set(false); // the periodic look tries again
        }
    }

    private void startRound() {
        if (closed || isRunning || isPaused) {
            return;
        }
        seenVersion = parts.wishesVersion().getAsLong();
        List<Leaving> leaving = leaving();
        if (leaving.isEmpty()) {
            return;
        }
        isRunning = true;
        new HandOverRound(parts, meters, this::isWished, () -> closed)
                .run(leaving)
                .whenCompleteAsync((outcome, error) -> ended(leaving.size(), outcome, error), parts.executor());
    }

    /** The open partitions that are wished elsewhere, and can go there. */
    private List<Leaving> leaving() {
        MetadataImage image = parts.image().get();
        List<Leaving> found = new ArrayList<>();
        boolean isMore = false;
        for (MoveWish wish : parts.wishes().get()) {
            TopicImage topic = image.topics().getTopic(wish.topicId());
            PartitionRegistration registration =
                    topic == null ? null : topic.partitions().get(wish.partition());
            if (topic == null
                    || registration == null
                    || wish.targetBrokerId() == parts.ownership().brokerId()
                    || !parts.ownership().owns(image, registration)) {
                continue;
            }
            Optional<? extends MovablePartition> open =
                    parts.open().apply(new TopicPartition(topic.name(), wish.partition()));
            boolean canGo = found.size() < MAX_PARTITIONS
                    && open.isPresent()
                    && open.get().id().topicId().equals(wish.topicId())
                    && open.get().leaderEpoch() == registration.leaderEpoch
                    && canTake(image, wish.targetBrokerId());
            if (canGo) {
                found.add(new Leaving(open.get(), wish.targetBrokerId()));
            } else {
                isMore = true;
            }
        }
        isMoreToDo = isMore;
        return found;
    }

    private static boolean canTake(MetadataImage image, int brokerId) {
        BrokerRegistration target = image.cluster().broker(brokerId);
        return target != null && !target.fenced() && !target.inControlledShutdown();
    }

    /** Whether the wish still stands, its target can take the partition, and this broker leads it as the round found it. */
    private boolean isWished(Set<MoveWish> wishes, Leaving leaving) {
        MetadataImage image = parts.image().get();
        MovablePartition partition = leaving.partition();
        TopicImage topic = image.topics().getTopic(partition.id().topicId());
        PartitionRegistration registration =
                topic == null ? null : topic.partitions().get(partition.id().partition());
        return registration != null
                && registration.leaderEpoch == partition.leaderEpoch()
                && parts.ownership().owns(image, registration)
                && canTake(image, leaving.targetBrokerId())
                && wishes.contains(
                        new MoveWish(partition.id().topicId(), partition.id().partition(), leaving.targetBrokerId()));
    }

    private void ended(int wanted, HandOverRound.@Nullable Outcome outcome, @Nullable Throwable error) {
        isRunning = false;
        isMoreToDo = true; // what was not moved, or not looked at
        FreshetException failure = error != null
                ? FreshetException.of(error)
                : outcome == null
                        ? new FreshetException(ErrorKind.INTERNAL, "A hand-over ended without an outcome")
                        : outcome.failure();
        int moved = outcome == null ? 0 : outcome.moved();
        if (failure == null && moved > 0) {
            pauseMs = FIRST_PAUSE_MS;
            LOG.info("Handed {} of {} partitions over", moved, wanted);
            look();
            return;
        }
        if (!closed) {
            LOG.info(
                    "Handed {} of {} partitions over; trying again in {} ms{}",
                    moved,
                    wanted,
                    pauseMs,
                    failure == null ? "" : ": " + failure.getMessage());
        }
        isPaused = true;
        parts.scheduler().schedule(pauseMs, this::resume);
        pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs);
    }

    private void resume() {
        try {
            parts.executor().execute(() -> {
                isPaused = false;
                startRound();
            });
        } catch (RejectedExecutionException e) {
            LOG.debug("No more partitions are handed over: this broker stops");
        }
    }

    /** Begins no more rounds; one under way ends at its next step. */
    @Override
    public void close() {
        closed = true;
        looks.cancel();
    }
}
