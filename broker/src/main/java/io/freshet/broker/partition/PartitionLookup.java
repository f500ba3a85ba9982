// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.FencedLeaderEpochException;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.errors.UnknownLeaderEpochException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.PartitionRegistration;
import org.jspecify.annotations.Nullable;

/**
 * Finds the partition that a request names, or the error that Kafka answers when it cannot be served here.
 *
 * @param open the partitions open on this broker
 * @param image the newest metadata
 * @param mayServe whether this broker may act as owner now; a cheap look
 * @param isArriving whether this broker leads the partition and will have opened it in a moment; a cheap look
 */
public record PartitionLookup(
        Function<TopicPartition, Optional<Partition>> open,
        Supplier<MetadataImage> image,
        BooleanSupplier mayServe,
        Predicate<TopicPartition> isArriving) {
    /** Where no partitions come and go. */
    public PartitionLookup(
            Function<TopicPartition, Optional<Partition>> open,
            Supplier<MetadataImage> image,
            BooleanSupplier mayServe) {
        this(open, image, mayServe, partition -> false);
    }

    /** No epoch given by the client. */
    public static final int NO_EPOCH = -1;

    /** Throws UnknownTopicOrPartition, NotLeaderOrFollower, FencedLeaderEpoch or UnknownLeaderEpoch. */
    public Partition require(TopicPartition partition, int currentLeaderEpoch) {
        Optional<Partition> found = open.apply(partition);
        if (found.isEmpty() || found.get().isFailed()) {
            if (registration(partition) == null) {
                throw new UnknownTopicOrPartitionException("There is no " + partition + " in this cluster");
            }
            throw new NotLeaderOrFollowerException(partition + " is not open here; refresh metadata and retry");
        }
        if (!mayServe.getAsBoolean()) {
            throw leaseIsOver(partition);
        }
        Partition log = found.get();
        if (currentLeaderEpoch != NO_EPOCH && currentLeaderEpoch < log.leaderEpoch()) {
            throw new FencedLeaderEpochException(
                    "Leader epoch " + currentLeaderEpoch + " for " + partition + " is older than " + log.leaderEpoch());
        }
        if (currentLeaderEpoch > log.leaderEpoch()) {
            throw new UnknownLeaderEpochException("Leader epoch " + currentLeaderEpoch + " for " + partition
                    + " is newer than " + log.leaderEpoch() + ", the newest known here");
        }
        return log;
    }

    /** The answer while this broker has not heard from the cluster for so long that another may own the partition. */
    public static NotLeaderOrFollowerException leaseIsOver(@Nullable TopicPartition partition) {
        return new NotLeaderOrFollowerException("This broker has lost touch with the cluster, another may lead "
                + partition + " by now; refresh metadata and retry");
    }

    /**
     * Whether an append to the partition had better wait: uploads have to make room first, or the partition is just leaving
     * this broker or coming to it.
     */
    public boolean mustWait(TopicPartition partition) {
        Optional<Partition> found = open.apply(partition);
        return found.isPresent()
                ? found.get().stream().isOverloaded() || found.get().isParked()
                : isArriving.test(partition);
    }

    public @Nullable String topicName(Uuid topicId) {
        TopicImage topic = image.get().topics().getTopic(topicId);
        return topic == null ? null : topic.name();
    }

    /** The topic's id, ZERO_UUID if there is none. */
    public Uuid topicId(String name) {
        TopicImage topic = image.get().topics().getTopic(name);
        return topic == null ? Uuid.ZERO_UUID : topic.id();
    }

    public @Nullable PartitionRegistration registration(TopicPartition partition) {
        TopicImage topic = image.get().topics().getTopic(partition.topic());
        return topic == null ? null : topic.partitions().get(partition.partition());
    }

    /** The endpoint of a broker on a listener, for the leader hints of KIP-951; null if it is unknown. */
    public @Nullable Node node(int brokerId, String listenerName) {
        BrokerRegistration broker = image.get().cluster().broker(brokerId);
        return broker == null ? null : broker.node(listenerName).orElse(null);
    }

    /** Whether clients are kept from a broker, because it is gone or not there yet. */
    public boolean isFenced(int brokerId) {
        BrokerRegistration broker = image.get().cluster().broker(brokerId);
        return broker != null && broker.fenced();
    }
}
