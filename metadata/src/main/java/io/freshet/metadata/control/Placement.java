// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.ToLongFunction;
import org.apache.kafka.common.DirectoryId;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.InvalidReplicaAssignmentException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.metadata.PartitionRecord;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/**
 * Where new partitions go: leaders evenly over the brokers that want more, within a topic first, then over all topics; the
 * names of the other replicas after them, on other racks as far as there are any. More replicas than brokers cannot
 * be named; nothing depends on them, so fewer are. Counts what it has placed: one for all topics of a command. Metadata thread.
 */
final class Placement {
    private final MetadataImage image;
    private final List<Standing> active;
    private final Map<Integer, Integer> led;

    Placement(Speculation state) {
        this.image = state.image();
        this.active =
                Standing.of(state).values().stream().filter(Standing::isWelcome).toList();
        this.led = LeaderMoves.ledCounts(image);
    }

    /** The places of a new topic. */
    Places places() {
        return new Places();
    }

    /** Further places of a topic that has some. */
    Places places(TopicImage topic) {
        Places places = new Places();
        for (PartitionRegistration partition : topic.partitions().values()) {
            places.ledHere.merge(partition.leader, 1, Integer::sum);
            for (int replica : partition.replicas) {
                places.namedHere.merge(replica, 1, Integer::sum);
            }
        }
        return places;
    }

    /** Hands out the replicas of one topic's partitions, leader first. */
    final class Places {
        private final Map<Integer, Integer> ledHere = new HashMap<>();
        private final Map<Integer, Integer> namedHere = new HashMap<>();

        List<Integer> next(int replicationFactor) {
            if (active.isEmpty()) {
                throw new InvalidReplicationFactorException("Unable to replicate the partition " + replicationFactor
                        + " time(s): All brokers are currently fenced, drained or in controlled shutdown.");
            }
            List<Integer> replicas = new ArrayList<>();
            Set<Optional<String>> racks = new HashSet<>();
            Standing leader = least(active, broker -> count(ledHere, broker) * WEIGHT + count(led, broker));
            take(leader, replicas, racks);
            ledHere.merge(leader.brokerId(), 1, Integer::sum);
            led.merge(leader.brokerId(), 1, Integer::sum);
            while (replicas.size() < Math.min(replicationFactor, active.size())) {
                List<Standing> left = active.stream()
                        .filter(broker -> !replicas.contains(broker.brokerId()))
                        .toList();
                List<Standing> elsewhere = left.stream()
                        .filter(broker -> !racks.contains(rack(broker)))
                        .toList();
                take(
                        least(elsewhere.isEmpty() ? left : elsewhere, broker -> count(namedHere, broker)),
                        replicas,
                        racks);
            }
            return replicas;
        }

        private void take(Standing broker, List<Integer> replicas, Set<Optional<String>> racks) {
            replicas.add(broker.brokerId());
            racks.add(rack(broker));
            namedHere.merge(broker.brokerId(), 1, Integer::sum);
        }
    }

    /** More than any broker leads: the topic's own balance counts before that of all topics. */
    private static final long WEIGHT = 1L << 32;

    private static long count(Map<Integer, Integer> counts, Standing broker) {
        return counts.getOrDefault(broker.brokerId(), 0);
    }

    private static Optional<String> rack(Standing broker) {
        return Optional.ofNullable(broker.rack());
    }

    private static Standing least(List<Standing> brokers, ToLongFunction<Standing> weight) {
        return brokers.stream().min(Comparator.comparingLong(weight)).orElseThrow();
    }

    void requireValid(List<Integer> replicas) {
        requireValid(image, replicas);
    }

    /** Checks a list of brokers that somebody named; of a new partition, the first active one becomes the owner. */
    static void requireValid(MetadataImage image, List<Integer> replicas) {
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
