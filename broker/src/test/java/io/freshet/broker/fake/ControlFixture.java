// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import com.yammer.metrics.core.MetricsRegistry;
import io.freshet.broker.admin.BrokerConfigs;
import io.freshet.broker.admin.ConfigChangeValidation;
import io.freshet.broker.admin.ControlApis;
import io.freshet.broker.admin.ControlParts;
import io.freshet.broker.admin.TopicConfigs;
import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.group.GroupCoordination;
import io.freshet.broker.group.GroupParts;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.coordinator.group.GroupCoordinatorConfig;
import org.apache.kafka.coordinator.group.modern.share.ShareGroupConfig;
import org.apache.kafka.metadata.KRaftMetadataCache;
import org.apache.kafka.server.config.ReplicationConfigs;
import org.apache.kafka.server.config.ServerConfigs;
import org.apache.kafka.storage.internals.log.CleanerConfig;
import org.apache.kafka.storage.internals.log.LogConfig;

/** All control APIs of one broker, over a cluster and partitions in memory. */
public final class ControlFixture implements AutoCloseable {
    public static final int NODE_ID = 1;
    public static final ConfigDef DEFINITION = Utils.mergeConfigs(List.of(
            ServerConfigs.CONFIG_DEF,
            ReplicationConfigs.CONFIG_DEF,
            GroupCoordinatorConfig.CONFIG_DEF,
            ShareGroupConfig.CONFIG_DEF,
            CleanerConfig.CONFIG_DEF,
            LogConfig.SERVER_CONFIG_DEF,
            FreshetKeys.CONFIG_DEF));

    public final MemoryPartitionLogs partitions;
    public final MemoryCluster cluster;
    public final BrokerConfigs configs;
    public final TopicConfigs topicConfigs;
    public final KRaftMetadataCache cache;
    public final ApiRouter router = new ApiRouter();
    public final GroupCoordination groups;
    private final Metrics metrics = new Metrics();
    private final MetricsRegistry registry = new MetricsRegistry();

    public ControlFixture() {
        this(Map.of());
    }

    public ControlFixture(Map<String, String> overrides) {
        this(overrides, new MemoryPartitionLogs(), null);
    }

    /** A new broker process over {@code cluster}, or a new cluster if that is null. */
    public ControlFixture(Map<String, String> overrides, MemoryPartitionLogs partitions, MemoryCluster cluster) {
        Map<String, String> file = new HashMap<>(Map.of(
                "group.initial.rebalance.delay.ms", "0",
                "offsets.topic.num.partitions", "3",
                "group.coordinator.threads", "2"));
        file.putAll(overrides);
        this.partitions = partitions;
        this.cluster = cluster == null ? new MemoryCluster(NODE_ID, partitions) : cluster;
        this.configs = new BrokerConfigs(
                NODE_ID,
                DEFINITION,
                new AbstractConfig(DEFINITION, file, false),
                () -> this.cluster.image().configs());
        this.cluster.validator = ConfigChangeValidation.of(configs.values());
        this.topicConfigs = new TopicConfigs(configs);
        this.cache = ControlApis.cacheOf(NODE_ID, this.cluster);
        this.groups = GroupCoordination.start(new GroupParts(
                NODE_ID,
                configs.values(),
                this.cluster,
                partitions,
                topicConfigs,
                new ManualScheduler(),
                Time.SYSTEM,
                metrics,
                registry));
        ControlApis.register(
                router,
                new ControlParts(
                        this.cluster,
                        cache,
                        configs,
                        topicConfigs,
                        groups,
                        () -> 1L,
                        partitions,
                        log -> ((MemoryPartitionLogs.MemoryLog) log).sizeBytes(),
                        "memory:"));
    }

    /** Sends {@code request} and returns its answer, which must come within some seconds. */
    @SuppressWarnings("unchecked")
    public <T extends AbstractResponse> T call(AbstractRequest request) {
        try {
            return (T) send(request).answer().get(20, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError("No answer to " + request, e);
        }
    }

    public FakeRequest send(AbstractRequest request) {
        FakeRequest sent = new FakeRequest(request);
        router.handle(sent);
        return sent;
    }

    /** Ends the broker process; the partitions live on. */
    public void stop() {
        groups.close();
        metrics.close();
        registry.shutdown();
    }

    @Override
    public void close() {
        stop();
        partitions.close();
    }
}
