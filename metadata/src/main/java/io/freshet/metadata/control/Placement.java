// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import java.util.List;
import java.util.TreeSet;
import org.apache.kafka.common.DirectoryId;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.InvalidReplicaAssignmentException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.metadata.PartitionRecord;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** Who owns a new partition. The owner is leader, only replica and in-sync set, unless the creator named replicas. */
final class Placement {
    private final MetadataImage image;

    Placement(MetadataImage image) {
        this.image = image;
    }

    /** Active brokers in turn, begun at a place that differs from topic to topic. */
    List<Integer> ownerOf(Uuid topicId, int partition, int replicationFactor) {
        List<Integer> active = image.cluster().brokers().values().stream()
                .filter(broker -> !broker.fenced() && !broker.inControlledShutdown())
                .map(BrokerRegistration::id)
                .sorted()
                .toList();
        if (active.isEmpty()) {
            throw new InvalidReplicationFactorException("Unable to replicate the partition " + replicationFactor
                    + " time(s): All brokers are currently fenced or in controlled shutdown.");
        }
        return List.of(active.get(Math.floorMod(topicId.hashCode() + partition, active.size())));
    }

    /** Checks a list of brokers that the creator named; the first active one becomes the owner. */
    void requireValid(List<Integer> replicas) {
        if (replicas.isEmpty()) {
            throw new InvalidReplicaAssignmentException(
                    "The manual partition assignment includes an empty replica list.");
        }
        TreeSet<Integer> seen = new TreeSet<>();
        for (int broker : replicas) {
            if (image.cluster().broker(broker) == null) {
                throw new InvalidReplicaAssignmentException("The manual partition assignment includes broker " + broker
                        + ", but no such broker is registered.");
            }
            if (!seen.add(broker)) {
                throw new InvalidReplicaAssignmentException(
                        "The manual partition assignment includes the broker " + broker + " more than once.");
            }
        }
    }

    ApiMessageAndVersion record(Uuid topicId, int partition, List<Integer> replicas) {
        int owner = replicas.stream()
                .filter(this::isActive)
                .findFirst()
                .orElseThrow(() -> new InvalidReplicaAssignmentException(
                        "All brokers specified in the manual partition assignment for partition " + partition
                                + " are fenced or in controlled shutdown."));
        PartitionRecord placed = new PartitionRecord()
                .setTopicId(topicId)
                .setPartitionId(partition)
                .setReplicas(replicas)
                .setIsr(replicas)
                .setLeader(owner)
                .setLeaderEpoch(0)
                .setPartitionEpoch(0)
                .setDirectories(List.of(DirectoryId.unassignedArray(replicas.size())));
        return new ApiMessageAndVersion(
                placed, image.features().metadataVersionOrThrow().partitionRecordVersion());
    }

    private boolean isActive(int brokerId) {
        BrokerRegistration broker = image.cluster().broker(brokerId);
        return broker != null && !broker.fenced() && !broker.inControlledShutdown();
    }
}
