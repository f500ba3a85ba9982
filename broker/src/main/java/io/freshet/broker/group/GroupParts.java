// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import com.yammer.metrics.core.MetricsRegistry;
import io.freshet.broker.partition.PartitionLogs;
import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.MetadataNode;
import java.util.function.Function;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.storage.internals.log.LogConfig;

/**
 * What the group coordinator works with.
 *
 * @param nodeId this broker's node id
 * @param config parsed configuration that has at least Kafka's group coordinator and share group definitions
 * @param metadata the cluster image and its changes
 * @param partitions the partitions that this broker leads
 * @param topicConfigs a topic's effective configuration by topic name
 * @param scheduler repeats what failed
 * @param time clock of the coordinator's timeouts and timestamps
 * @param metrics receives the coordinator's Kafka metrics; closed by its owner
 * @param registry receives the coordinator's Yammer metrics; closed by its owner
 */
public record GroupParts(
        int nodeId,
        AbstractConfig config,
        MetadataNode metadata,
        PartitionLogs partitions,
        Function<String, LogConfig> topicConfigs,
        Scheduler scheduler,
        Time time,
        Metrics metrics,
        MetricsRegistry registry) {}
