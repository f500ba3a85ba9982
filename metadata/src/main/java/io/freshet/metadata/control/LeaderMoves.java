// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.MoveWish;
import io.freshet.metadata.record.MoveWishRecord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.DirectoryId;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** The records that change who leads a partition, and which brokers are called its replicas. Pure functions. */
final class LeaderMoves {
    private LeaderMoves() {}

    /** Whether a reassignment of the partition is under way. */
    static boolean isReassigning(PartitionRegistration partition) {
        return partition.addingReplicas.length > 0 || partition.removingReplicas.length > 0;
    }

    /** The replicas that the partition has when its reassignment, if there is one, is done. */
    static List<Integer> wantedReplicas(PartitionRegistration partition) {
        List<Integer> wanted = new ArrayList<>();
        for (int replica : partition.replicas) {
            if (Arrays.stream(partition.removingReplicas).noneMatch(removed -> removed == replica)) {
                wanted.add(replica);
            }
        }
        return wanted.isEmpty() ? boxed(partition.replicas) : wanted;
    }

    /** The replicas as wanted, with the new leader in the place of the old one if it was not among them. */
    static List<Integer> replicasUnder(PartitionRegistration partition, int newLeader) {
        List<Integer> replicas = new ArrayList<>(wantedReplicas(partition));
        if (!replicas.contains(newLeader)) {
            int place = Math.max(0, replicas.indexOf(partition.leader));
            replicas.set(place, newLeader);
        }
        return replicas;
    }

    /** Adds what makes {@code newLeader} the leader under a new epoch, ends a reassignment, and fulfils a wish. */
    static void add(
            List<ApiMessageAndVersion> records,
            MetadataImage image,
            Uuid topicId,
            int partitionId,
            PartitionRegistration partition,
            int newLeader,
            boolean hasWish) {
        PartitionChangeRecord change = replicas(topicId, partitionId, replicasUnder(partition, newLeader))
                .setLeader(newLeader);
        if (isReassigning(partition)) {
            change.setAddingReplicas(List.of()).setRemovingReplicas(List.of());
        }
        records.add(versioned(image, change));
        if (hasWish) {
            records.add(new MoveWishRecord(new MoveWish(topicId, partitionId, MoveWish.NONE)).versioned());
        }
    }

    /** A change to exactly these replicas, all of them in sync. */
    static PartitionChangeRecord replicas(Uuid topicId, int partitionId, List<Integer> replicas) {
        return new PartitionChangeRecord()
                .setTopicId(topicId)
                .setPartitionId(partitionId)
                .setReplicas(replicas)
                .setIsr(replicas)
                .setDirectories(List.of(DirectoryId.unassignedArray(replicas.size())));
    }

    static ApiMessageAndVersion versioned(MetadataImage image, PartitionChangeRecord change) {
        return new ApiMessageAndVersion(
                change, image.features().metadataVersionOrThrow().partitionChangeRecordVersion());
    }

    /** How many partitions each broker leads. */
    static Map<Integer, Integer> ledCounts(MetadataImage image) {
        Map<Integer, Integer> counts = new HashMap<>();
        for (TopicImage topic : image.topics().topicsById().values()) {
            for (PartitionRegistration partition : topic.partitions().values()) {
                counts.merge(partition.leader, 1, Integer::sum);
            }
        }
        return counts;
    }

    /** Topics in an order that is the same everywhere. */
    static List<TopicImage> inOrder(MetadataImage image) {
        List<TopicImage> topics = new ArrayList<>(image.topics().topicsById().values());
        topics.sort((one, other) -> one.id().compareTo(other.id()));
        return topics;
    }

    static List<Integer> boxed(int[] brokers) {
        return Arrays.stream(brokers).boxed().toList();
    }
}
