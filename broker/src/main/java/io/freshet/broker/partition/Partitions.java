// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.broker.partition.PartitionLog.HighWatermarkListener;
import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.Manifests;
import io.freshet.metadata.MetadataNode;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.StreamLog;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicDelta;
import org.apache.kafka.metadata.PartitionRegistration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the metadata: opens the partitions that this process is leader of, under their leader epoch, and closes those
 * that moved or are gone, and all when another process has registered in this one's place. A slot's state is written under that slot's lock, held for a few loads only; listeners run
 * outside of it. A partition whose WAL failed is opened anew after a pause.
 */
public final class Partitions implements PartitionLogs, MetadataNode.ImageListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Partitions.class);
    private static final long REOPEN_DELAY_MS = 500;
    /** For how long appends had better wait for a partition that is being opened. */
    private static final long ARRIVAL_NS = TimeUnit.SECONDS.toNanos(2);

    private final Ownership ownership;
    private final Manifests manifests;
    private final StreamOpener opener;
    private final PartitionContext context;
    private final UnaryOperator<String> lanes;
    private final Scheduler scheduler;
    private final MovingPartitions moving;
    private final Map<TopicPartition, Slot> slots = new ConcurrentHashMap<>();
    private final List<LeadershipListener> listeners = new CopyOnWriteArrayList<>();

    /**
     * @param lanes the WAL lane to use by topic name; asked when a partition opens and when a configuration has changed
     * @param moving is told of partitions that come
     */
    public Partitions(
            Ownership ownership,
            Manifests manifests,
            StreamOpener opener,
            PartitionContext context,
            UnaryOperator<String> lanes,
            Scheduler scheduler,
            MovingPartitions moving) {
        this.ownership = ownership;
        this.manifests = manifests;
        this.opener = opener;
        this.context = context;
        this.lanes = lanes;
        this.scheduler = scheduler;
        this.moving = moving;
    }

    @Override
    public Optional<Partition> log(TopicPartition partition) {
        Slot slot = slots.get(partition);
        return slot == null ? Optional.empty() : Optional.ofNullable(slot.partition);
    }

    /** Whether this broker leads the partition and began to open it a moment ago. */
    public boolean isArriving(TopicPartition partition) {
        Slot slot = slots.get(partition);
        return slot != null
                && slot.partition == null
                && !slot.closed
                && context.clock().nanoTime() - slot.madeAtNs < ARRIVAL_NS;
    }

    /** The partitions open now. */
    public Collection<Partition> open() {
        return slots.values().stream()
                .map(slot -> slot.partition)
                .filter(partition -> partition != null)
                .toList();
    }

    @Override
    public void addLeadershipListener(LeadershipListener listener) {
        listeners.add(listener);
        open().forEach(listener::onOpened);
    }

    /** Forgets silent producers in every open partition. */
    public void expireProducers() {
        open().forEach(Partition::expireProducers);
    }

    @Override
    public void onChange(MetadataDelta delta, MetadataImage image) {
        if (!ownership.isCurrent(image)) {
            if (!slots.isEmpty()) {
                LOG.error("{} was replaced or taken out of the cluster; it serves no partition any more", ownership);
                close();
            }
            return;
        }
        if (delta.configsDelta() != null) {
            Set<String> changed = delta.configsDelta().changes().keySet().stream()
                    .filter(resource -> resource.type() == ConfigResource.Type.TOPIC)
                    .map(ConfigResource::name)
                    .collect(Collectors.toSet());
            open().stream()
                    .filter(partition -> changed.contains(partition.id().topic()))
                    .forEach(this::useLane);
        }
        if (delta.topicsDelta() == null) {
            return;
        }
        for (Uuid deleted : delta.topicsDelta().deletedTopicIds()) {
            slots.values().stream()
                    .filter(slot -> slot.id.topicId().equals(deleted))
                    .forEach(slot -> close(slot, true));
        }
        for (TopicDelta topic : delta.topicsDelta().changedTopics().values()) {
            topic.partitionChanges()
                    .forEach((partition, registration) ->
                            follow(new TopicIdPartition(topic.id(), partition, topic.name()), registration, image));
        }
    }

    private void follow(TopicIdPartition id, PartitionRegistration registration, MetadataImage image) {
        boolean isMine = ownership.owns(image, registration);
        Slot old = slots.get(id.topicPartition());
        boolean same = old != null && old.id.equals(id) && old.leaderEpoch == registration.leaderEpoch && isMine;
        if (same) {
            return;
        }
        if (old != null) {
            close(old, false);
        }
        if (isMine) {
            moving.begin(1);
            Slot slot = new Slot(id, registration.leaderEpoch, context.clock().nanoTime());
            slots.put(id.topicPartition(), slot);
            open(slot);
        }
    }

    private void useLane(Partition partition) {
        StreamLog stream = partition.stream();
        String lane = lanes.apply(partition.id().topic());
        if (!lane.equals(stream.lane())) {
            LOG.debug("{} changes from WAL lane {} to {}", partition.id(), stream.lane(), lane);
            stream.useLane(lane);
        }
    }

    private void open(Slot slot) {
        OptionalLong streamId =
                manifests.streamId(slot.id.topicId(), slot.id.topicPartition().partition());
        if (streamId.isEmpty()) {
            LOG.warn("{} has no stream yet; looking again in {} ms", slot.id, REOPEN_DELAY_MS);
            reopenLater(slot);
            return;
        }
        CheckpointHolder holder = new CheckpointHolder();
        CompletableFuture<StreamLog> opening;
        try {
            opening = opener.open(streamId.getAsLong(), slot.leaderEpoch, holder);
        } catch (RuntimeException e) {
            opening = CompletableFuture.failedFuture(e);
        }
        opening.whenComplete((stream, error) -> {
            if (error != null) {
                LOG.warn("Opening {} failed; trying again in {} ms", slot.id, REOPEN_DELAY_MS, error);
                reopenLater(slot);
                return;
            }
            opened(slot, stream, holder);
        });
    }

    private void opened(Slot slot, StreamLog stream, CheckpointHolder holder) {
        Partition partition;
        try {
            partition = Partition.open(slot.id, stream, context);
        } catch (RuntimeException e) {
            LOG.error("{} was not opened: its state could not be rebuilt", slot.id, e);
            stream.close(false);
            reopenLater(slot);
            return;
        }
        holder.partition = partition;
        synchronized (slot) {
            if (slot.closed) {
                partition.close(slot.deleted);
                return;
            }
            slot.partition = partition;
        }
        useLane(partition);
        arrived(slot);
        Reopen reopen = new Reopen(slot);
        partition.addHighWatermarkListener(reopen);
        listeners.forEach(listener -> listener.onOpened(partition));
        if (partition.isFailed()) {
            reopen.onFailed(partition); // It may have failed before it could tell.
        }
    }

    /** Nothing has to wait for the partition to be opened any more. */
    private void arrived(Slot slot) {
        if (slot.hasArrived.compareAndSet(false, true)) {
            moving.end(1);
        }
    }

    private void reopenLater(Slot slot) {
        scheduler.schedule(REOPEN_DELAY_MS, () -> {
            if (!slot.closed && slots.get(slot.id.topicPartition()) == slot) {
                open(slot);
            }
        });
    }

    private void close(Slot slot, boolean deleted) {
        Partition partition;
        synchronized (slot) {
            if (slot.closed) {
                return;
            }
            slot.closed = true;
            slot.deleted = deleted;
            partition = slot.partition;
            slot.partition = null;
        }
        slots.remove(slot.id.topicPartition(), slot);
        arrived(slot);
        if (partition != null) {
            partition.close(deleted);
            listeners.forEach(listener -> listener.onClosed(slot.id.topicPartition(), slot.leaderEpoch, deleted));
        }
    }

    /** Closes all partitions; what is durable stays so. */
    @Override
    public void close() {
        slots.values().forEach(slot -> close(slot, false));
    }

    /** One partition that this broker leads under one epoch, open or not yet. */
    private static final class Slot {
        private final TopicIdPartition id;
        private final int leaderEpoch;
        private final long madeAtNs;
        private final AtomicBoolean hasArrived = new AtomicBoolean();
        private volatile @Nullable Partition partition;
        private volatile boolean closed;
        private volatile boolean deleted;

        Slot(TopicIdPartition id, int leaderEpoch, long madeAtNs) {
            this.madeAtNs = madeAtNs;
            this.id = id;
            this.leaderEpoch = leaderEpoch;
        }
    }

    /** Takes a failed partition out of service and opens it again later under the same epoch. */
    private final class Reopen implements HighWatermarkListener {
        private final Slot slot;

        Reopen(Slot slot) {
            this.slot = slot;
        }

        @Override
        public void onHighWatermark(PartitionLog log, long highWatermark) {}

        @Override
        public void onFailed(PartitionLog log) {
            synchronized (slot) {
                if (slot.closed || slot.partition != log) {
                    return;
                }
                slot.partition = null;
            }
            LOG.error("{} failed; it opens again in {} ms", slot.id, REOPEN_DELAY_MS);
            listeners.forEach(listener -> listener.onClosed(slot.id.topicPartition(), slot.leaderEpoch, false));
            ((Partition) log).close(false);
            reopenLater(slot);
        }
    }

    /** Stands in for a partition while its stream is being opened. */
    private static final class CheckpointHolder implements SegmentCheckpoint.Source {
        private volatile @Nullable Partition partition;

        @Override
        public SegmentCheckpoint checkpoint() {
            Partition opened = partition;
            if (opened == null) {
                throw new io.freshet.common.FreshetException(
                        io.freshet.common.ErrorKind.UNAVAILABLE,
                        "The partition is still opening; seal its stream later");
            }
            return opened.checkpoint();
        }
    }
}
