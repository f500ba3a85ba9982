// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.group.GroupCoordination;
import io.freshet.broker.partition.PartitionLog;
import io.freshet.broker.partition.PartitionLogs;
import io.freshet.metadata.MetadataNode;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.apache.kafka.metadata.KRaftMetadataCache;

/**
 * What the control APIs work with.
 *
 * @param metadata the cluster image and the controller
 * @param cache the same image in the form that answers clients; made by {@link ControlApis#cacheOf}
 * @param configs this broker's configuration
 * @param topicConfigs effective topic configurations, shared with the partitions
 * @param groups the running group coordinator
 * @param brokerEpoch this registration's epoch, known once the broker is registered
 * @param partitions the partitions that this broker leads
 * @param partitionSizeBytes bytes that a partition holds between its start and its end offset
 * @param storeName what DescribeLogDirs calls the object store, such as its URI without secrets
 */
public record ControlParts(
        MetadataNode metadata,
        KRaftMetadataCache cache,
        BrokerConfigs configs,
        TopicConfigs topicConfigs,
        GroupCoordination groups,
        LongSupplier brokerEpoch,
        PartitionLogs partitions,
        ToLongFunction<PartitionLog> partitionSizeBytes,
        String storeName) {}
