// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import io.freshet.broker.partition.PartitionLog;
import io.freshet.broker.partition.PartitionLogs;
import io.freshet.common.runtime.Threads;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ExecutorService;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.coordinator.group.GroupConfigManager;
import org.apache.kafka.coordinator.group.GroupCoordinator;
import org.apache.kafka.coordinator.group.GroupCoordinatorConfig;
import org.apache.kafka.coordinator.group.GroupCoordinatorService;
import org.apache.kafka.coordinator.group.metrics.GroupCoordinatorMetrics;
import org.apache.kafka.coordinator.group.metrics.GroupCoordinatorRuntimeMetrics;
import org.apache.kafka.coordinator.group.modern.share.ShareGroupConfig;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.server.share.persister.NoOpStatePersister;
import org.apache.kafka.server.util.timer.SystemTimer;
import org.apache.kafka.server.util.timer.SystemTimerReaper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs Kafka's group coordinator over this broker's partitions of {@code __consumer_offsets}: elects it for each partition
 * that opens, resigns it from each that closes, and feeds it the metadata image.
 *
 * <p>Safe for use by many threads. Metadata changes are told to the coordinator in order by one thread of this object,
 * because forgetting a deleted topic's offsets waits for the log; partition elections come from the opener's thread. The
 * coordinator is told of offsets at once and of their durability later: see {@link LogPartitionWriter}.
 */
public final class GroupCoordination implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GroupCoordination.class);

    /** Waiting metadata changes; each is small, and a change that did not fit would leave the coordinator with an old image. */
    private static final int METADATA_QUEUE_LENGTH = 1 << 16;

    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(10);

    private final GroupParts parts;
    private final GroupCoordinatorConfig config;
    private final GroupConfigManager groupConfigs;
    private final GroupCoordinatorService service;
    private final ExecutorService metadataThread;
    private final ExecutorService loaderThread;
    private volatile boolean closed;

    private GroupCoordination(GroupParts parts) {
        this.parts = parts;
        this.config = new GroupCoordinatorConfig(parts.config());
        this.groupConfigs = new GroupConfigManager(config, new ShareGroupConfig(parts.config()));
        this.metadataThread = Threads.pool("group-coordinator-metadata", 1, METADATA_QUEUE_LENGTH);
        this.loaderThread = Threads.pool("group-coordinator-load", 1, METADATA_QUEUE_LENGTH);
        this.service = buildService();
    }

    /**
     * Starts the coordinator and elects it for every partition that is open. Call it before the first partition is opened or
     * after: both are seen. The caller closes what this returns before it closes the partitions.
     */
    public static GroupCoordination start(GroupParts parts) {
        GroupCoordination coordination = new GroupCoordination(parts);
        coordination.begin();
        return coordination;
    }

    private GroupCoordinatorService buildService() {
        return new GroupCoordinatorService.Builder(parts.nodeId(), config)
                .withTime(parts.time())
                .withTimer(new SystemTimerReaper("group-coordinator-reaper", new SystemTimer("group-coordinator")))
                .withLoader(new LogCoordinatorLoader(parts.partitions(), loaderThread, parts.scheduler(), parts.time()))
                .withWriter(new LogPartitionWriter(parts.partitions(), parts.topicConfigs(), this::onLogFailed))
                .withCoordinatorRuntimeMetrics(new GroupCoordinatorRuntimeMetrics(parts.metrics()))
                .withGroupCoordinatorMetrics(new GroupCoordinatorMetrics(parts.registry(), parts.metrics()))
                .withGroupConfigManager(groupConfigs)
                .withPersister(new NoOpStatePersister())
                .withAuthorizerPlugin(Optional.empty())
                .withPartitionMetadataClient(new LocalPartitionOffsets(parts.partitions()))
                .build();
    }

    private void begin() {
        service.startup(this::offsetsTopicPartitions);
        parts.metadata().addListener(this::enqueueMetadata);
        parts.partitions().addLeadershipListener(new Elections());
        for (int partition = 0; partition < offsetsTopicPartitions(); partition++) {
            parts.partitions().log(offsetsPartition(partition)).ifPresent(this::elect);
        }
    }

    /** The coordinator's own interface, for the handlers of the group APIs. */
    public GroupCoordinator coordinator() {
        return service;
    }

    /** The broker's configuration of groups. */
    public GroupCoordinatorConfig config() {
        return config;
    }

    /** Configurations that {@code __consumer_offsets} must be created with. */
    public Map<String, String> offsetsTopicConfigs() {
        return service.groupMetadataTopicConfigs();
    }

    /** Partitions of {@code __consumer_offsets} as created, or as they will be. */
    private int offsetsTopicPartitions() {
        TopicImage topic = parts.metadata().image().topics().getTopic(Topic.GROUP_METADATA_TOPIC_NAME);
        return topic == null
                ? config.offsetsTopicPartitions()
                : topic.partitions().size();
    }

    private void enqueueMetadata(MetadataDelta delta, MetadataImage image) {
        if (!closed) {
            metadataThread.execute(() -> onMetadata(delta, image));
        }
    }

    private void onMetadata(MetadataDelta delta, MetadataImage image) {
        if (closed) {
            return;
        }
        try {
            tell(delta, image);
        } catch (RuntimeException e) {
            LOG.error("The group coordinator could not take on metadata of offset {}", image.offset(), e);
        }
    }

    private void tell(MetadataDelta delta, MetadataImage image) {
        if (delta.configsDelta() != null) {
            delta.configsDelta().changes().keySet().stream()
                    .filter(resource -> resource.type() == ConfigResource.Type.GROUP)
                    .forEach(resource -> service.updateGroupConfig(
                            resource.name(), image.configs().configProperties(resource)));
        }
        service.onMetadataUpdate(delta, image);
    }

    private void elect(PartitionLog log) {
        if (closed) {
            return;
        }
        service.onElection(log.id().partition(), log.leaderEpoch());
    }

    /** Appends that were given offsets will never be durable: what the coordinator holds in memory must not be served. */
    private void onLogFailed(PartitionLog log) {
        resign(log.id().partition(), log.leaderEpoch());
    }

    /** The coordinator drops what it holds of older epochs than it is told, and keeps what a newer election has loaded. */
    private void resign(int partition, int leaderEpoch) {
        if (closed) {
            return;
        }
        service.onResignation(partition, OptionalInt.of(leaderEpoch + 1));
    }

    private static TopicPartition offsetsPartition(int partition) {
        return new TopicPartition(Topic.GROUP_METADATA_TOPIC_NAME, partition);
    }

    /** Stops the coordinator and its threads; requests in flight are answered with an error. */
    @Override
    public void close() {
        closed = true;
        service.shutdown();
        Threads.stop(metadataThread, STOP_TIMEOUT);
        Threads.stop(loaderThread, STOP_TIMEOUT);
    }

    private final class Elections implements PartitionLogs.LeadershipListener {
        @Override
        public void onOpened(PartitionLog log) {
            if (log.id().topic().equals(Topic.GROUP_METADATA_TOPIC_NAME)) {
                elect(log);
            }
        }

        @Override
        public void onClosed(TopicPartition partition, int leaderEpoch, boolean deleted) {
            if (partition.topic().equals(Topic.GROUP_METADATA_TOPIC_NAME)) {
                resign(partition.partition(), leaderEpoch);
            }
        }
    }
}
