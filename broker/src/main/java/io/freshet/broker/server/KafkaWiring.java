// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import com.yammer.metrics.core.MetricsRegistry;
import io.freshet.broker.admin.BrokerConfigs;
import io.freshet.broker.admin.ControlApis;
import io.freshet.broker.admin.ControlParts;
import io.freshet.broker.admin.TopicConfigs;
import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.fetch.FetchHandler;
import io.freshet.broker.fetch.FetchSessions;
import io.freshet.broker.group.GroupCoordination;
import io.freshet.broker.group.GroupParts;
import io.freshet.broker.membership.Lease;
import io.freshet.broker.membership.LeasedPartitions;
import io.freshet.broker.offsets.DeleteRecordsHandler;
import io.freshet.broker.offsets.DescribeProducersHandler;
import io.freshet.broker.offsets.LedPartitions;
import io.freshet.broker.offsets.ListOffsetsHandler;
import io.freshet.broker.offsets.OffsetForLeaderEpochHandler;
import io.freshet.broker.partition.MovingPartitions;
import io.freshet.broker.partition.Ownership;
import io.freshet.broker.partition.Partition;
import io.freshet.broker.partition.PartitionContext;
import io.freshet.broker.partition.PartitionLookup;
import io.freshet.broker.partition.PartitionQueries;
import io.freshet.broker.partition.Partitions;
import io.freshet.broker.partition.RejectionCounters;
import io.freshet.broker.produce.ProduceHandler;
import io.freshet.broker.retention.Retention;
import io.freshet.metadata.MetadataNode;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.StreamStorage;
import java.time.Duration;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.coordinator.transaction.TransactionLogConfig;
import org.apache.kafka.server.config.ServerConfigs;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes everything that speaks Kafka: partitions, coordinators, handlers, retention. */
final class KafkaWiring {
    private static final Logger LOG = LoggerFactory.getLogger(KafkaWiring.class);
    private static final Duration OPEN_TIMEOUT = Duration.ofSeconds(120);
    private static final long PRODUCER_EXPIRY_PERIOD_MS = 600_000;

    private final ServerConfig config;
    private final Runtime runtime;
    private final Lease lease;
    private final BrokerConfigs brokerConfigs;
    private final TopicConfigs topicConfigs;
    private final MovingPartitions moving = new MovingPartitions();
    private final ApiRouter router = new ApiRouter();

    KafkaWiring(ServerConfig config, Runtime runtime, BrokerConfigs brokerConfigs, Lease lease) {
        this.config = config;
        this.runtime = runtime;
        this.brokerConfigs = brokerConfigs;
        this.lease = lease;
        this.topicConfigs = new TopicConfigs(brokerConfigs);
    }

    /** The router of all APIs; complete once {@link #start} has returned. */
    ApiRouter router() {
        return router;
    }

    /** Opens every partition that this broker owns, then the coordinators over them, and waits until all can serve. Returns the partitions. */
    Partitions start(
            MetadataNode metadata, StreamStorage streams, long brokerEpoch, ObjectStore store, OpenedParts opened) {
        PartitionContext context = new PartitionContext(
                runtime.clock(),
                topicConfigs,
                new ProducerStateManagerConfig(
                        config.kafka().getInt(TransactionLogConfig.PRODUCER_ID_EXPIRATION_MS_CONFIG), false),
                new RejectionCounters(runtime.meters()));
        Partitions partitions = opened.add(
                "partitions",
                new Partitions(
                        new Ownership(config.nodeId(), brokerEpoch),
                        metadata.manifests(),
                        (streamId, leaderEpoch, source) -> metadata.manifestKept(streamId)
                                .thenCompose(kept -> streams.open(streamId, leaderEpoch, source)),
                        context,
                        this::laneOf,
                        runtime.scheduler(),
                        moving));
        metadata.addListener(partitions);
        Waiting.on(
                "opening partitions",
                OPEN_TIMEOUT,
                new OpenedAll(config.nodeId(), metadata, partitions, runtime).future());
        Metrics kafkaMetrics = opened.add("kafka metrics", new Metrics());
        MetricsRegistry yammer = new MetricsRegistry();
        opened.add("coordinator metrics", yammer::shutdown);
        GroupCoordination groups = opened.add(
                "groups",
                GroupCoordination.start(new GroupParts(
                        config.nodeId(),
                        config.kafka(),
                        metadata,
                        partitions,
                        topicConfigs,
                        runtime.scheduler(),
                        org.apache.kafka.common.utils.Time.SYSTEM,
                        kafkaMetrics,
                        yammer)));
        ControlApis.register(
                router,
                new ControlParts(
                        metadata,
                        ControlApis.cacheOf(config.nodeId(), metadata),
                        brokerConfigs,
                        topicConfigs,
                        groups,
                        () -> brokerEpoch,
                        partitions,
                        log -> ((Partition) log).sizeBytes(),
                        store.describe()));
        registerRecordApis(metadata, partitions, streams);
        new HandOverWiring(config, runtime).start(metadata, partitions, streams, brokerEpoch, moving, opened);
        startHousekeeping(partitions, opened);
        new CleaningWiring(config, runtime)
                .start(store, metadata, streams, brokerEpoch, partitions, topicConfigs, opened);
        return partitions;
    }

    /** The topic's WAL lane; the default if this broker does not run the one that the topic names. */
    private String laneOf(String topic) {
        String lane = topicConfigs.lane(topic);
        if (config.wal().runs(lane)) {
            return lane;
        }
        LOG.warn(
                "Topic {} names the WAL lane {}, which this broker does not run; it uses {}",
                topic,
                lane,
                config.wal().defaultLane());
        return config.wal().defaultLane();
    }

    private void registerRecordApis(MetadataNode metadata, Partitions partitions, StreamStorage streams) {
        PartitionLookup lookup =
                new PartitionLookup(partitions::log, metadata::image, lease::isHeld, partitions::isArriving);
        LedPartitions led =
                new LedPartitions(new LeasedPartitions(partitions, lease), PartitionQueries.class::cast, metadata);
        ProduceHandler produce = new ProduceHandler(lookup, runtime.clock(), runtime.scheduler(), runtime.meters());
        streams.addOverloadListener(produce::overloaded);
        moving.addListener(produce::moving);
        router.register(ApiKeys.PRODUCE, produce);
        router.register(
                ApiKeys.FETCH,
                new FetchHandler(
                        led,
                        FetchSessions.create(runtime.clock(), FetchSessions.DEFAULT_SLOTS),
                        runtime.scheduler(),
                        config.kafka().getInt(ServerConfigs.FETCH_MAX_BYTES_CONFIG),
                        runtime.meters()));
        router.register(ApiKeys.LIST_OFFSETS, new ListOffsetsHandler(led));
        router.register(ApiKeys.OFFSET_FOR_LEADER_EPOCH, new OffsetForLeaderEpochHandler(led));
        router.register(ApiKeys.DELETE_RECORDS, new DeleteRecordsHandler(led, topicConfigs, runtime.scheduler()));
        router.register(ApiKeys.DESCRIBE_PRODUCERS, new DescribeProducersHandler(led));
    }

    private void startHousekeeping(Partitions partitions, OpenedParts opened) {
        long periodMs = config.kafka().logCleanupIntervalMs();
        Retention retention =
                new Retention(partitions::open, topicConfigs, runtime.clock(), runtime.scheduler(), runtime.meters());
        retention.start(Math.min(periodMs, config.kafka().logInitialTaskDelayMs()), periodMs);
        opened.add("retention", retention);
        var expiry = runtime.scheduler().scheduleRepeatedly(PRODUCER_EXPIRY_PERIOD_MS, partitions::expireProducers);
        opened.add("producer expiry", expiry::cancel);
    }
}
