// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.offsets;

import io.freshet.broker.partition.PartitionLog;
import io.freshet.broker.partition.PartitionLogs;
import io.freshet.metadata.MetadataNode;
import java.util.Optional;
import java.util.function.Function;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.FencedLeaderEpochException;
import org.apache.kafka.common.errors.InconsistentTopicIdException;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.errors.UnknownLeaderEpochException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.image.TopicImage;

/**
 * Finds the partition that a request names, with Kafka's answers for those that this broker does not lead. Immutable;
 * safe for use by many threads.
 *
 * @param logs the partitions open on this broker
 * @param queries the queries of one of them
 * @param metadata tells unknown partitions from those led elsewhere
 */
public record LedPartitions(
        PartitionLogs logs, Function<PartitionLog, PartitionQueries> queries, MetadataNode metadata) {
    /**
     * The partition, if this broker leads it and the caller's view of topic id and leader epoch is the present one.
     * Otherwise throws the Kafka exception that says why not.
     *
     * @param topicId the id that the caller expects, or {@link Uuid#ZERO_UUID}
     * @param currentLeaderEpoch the epoch that the caller believes in, if it sent one
     */
    public PartitionQueries require(TopicPartition partition, Uuid topicId, Optional<Integer> currentLeaderEpoch) {
        PartitionLog log = logs.log(partition).orElse(null);
        if (log == null) {
            throw whyNotLed(partition);
        }
        if (!topicId.equals(Uuid.ZERO_UUID) && !topicId.equals(log.id().topicId())) {
            throw new InconsistentTopicIdException(
                    partition + " has topic id " + log.id().topicId() + ", not " + topicId + "; refresh the metadata");
        }
        if (currentLeaderEpoch.isPresent()) {
            checkEpoch(partition, log.leaderEpoch(), currentLeaderEpoch.get());
        }
        return queries.apply(log);
    }

    private static void checkEpoch(TopicPartition partition, int ours, int callers) {
        if (callers < ours) {
            throw new FencedLeaderEpochException(
                    partition + " is at leader epoch " + ours + ", after " + callers + "; refresh the metadata");
        }
        if (callers > ours) {
            throw new UnknownLeaderEpochException(
                    partition + " is at leader epoch " + ours + " here, before " + callers + "; retry");
        }
    }

    private RuntimeException whyNotLed(TopicPartition partition) {
        TopicImage topic = metadata.image().topics().getTopic(partition.topic());
        if (topic != null && topic.partitions().containsKey(partition.partition())) {
            return new NotLeaderOrFollowerException(
                    "This broker does not lead " + partition + "; refresh the metadata");
        }
        return new UnknownTopicOrPartitionException(partition + " does not exist");
    }
}
