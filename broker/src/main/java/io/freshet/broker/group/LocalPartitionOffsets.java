// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import io.freshet.broker.partition.PartitionLogs;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.server.util.PartitionMetadataClient;

/** Latest offsets of the partitions that this broker leads; any other partition is answered with NOT_LEADER_OR_FOLLOWER. */
final class LocalPartitionOffsets implements PartitionMetadataClient {
    private final PartitionLogs partitions;

    LocalPartitionOffsets(PartitionLogs partitions) {
        this.partitions = partitions;
    }

    @Override
    public Map<TopicPartition, CompletableFuture<OffsetResponse>> listLatestOffsets(Set<TopicPartition> wanted) {
        Map<TopicPartition, CompletableFuture<OffsetResponse>> answers = new HashMap<>();
        for (TopicPartition partition : wanted) {
            answers.put(partition, CompletableFuture.completedFuture(latest(partition)));
        }
        return answers;
    }

    private OffsetResponse latest(TopicPartition partition) {
        var log = partitions.log(partition);
        return log.isPresent()
                ? new OffsetResponse(log.get().highWatermark(), Errors.NONE)
                : new OffsetResponse(-1, Errors.NOT_LEADER_OR_FOLLOWER);
    }

    @Override
    public void close() {}
}
