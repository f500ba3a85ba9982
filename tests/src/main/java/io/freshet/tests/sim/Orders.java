// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.common.metadata.UnregisterBrokerRecord;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** What operators and the detector of dead brokers want of the quorum, as records that follow from an image. */
record Orders(SimQuorum quorum) {
    /** The stream's next owner is {@code target}, if it is still owned under {@code leaderEpoch}. */
    List<ApiMessageAndVersion> move(MetadataImage image, long streamId, int leaderEpoch, int target) {
        List<ApiMessageAndVersion> records = new ArrayList<>();
        boolean isThere = image.cluster().broker(target) != null;
        for (TopicImage topic : image.topics().topicsById().values()) {
            topic.partitions().forEach((number, partition) -> {
                boolean isMeant =
                        quorum.state().manifests().streamId(topic.id(), number).orElse(-1) == streamId;
                if (isThere && isMeant && partition.leaderEpoch == leaderEpoch) {
                    records.add(leader(topic, number, target));
                }
            });
        }
        return records;
    }

    /** The broker is taken for dead: it is not registered any more, and others own its partitions. */
    List<ApiMessageAndVersion> failOver(MetadataImage image, int brokerId, SimRandom random) {
        BrokerRegistration dead = image.cluster().broker(brokerId);
        List<Integer> others = image.cluster().brokers().keySet().stream()
                .filter(id -> id != brokerId)
                .sorted()
                .toList();
        if (dead == null || others.isEmpty()) {
            return List.of();
        }
        List<ApiMessageAndVersion> records = new ArrayList<>();
        records.add(new ApiMessageAndVersion(
                new UnregisterBrokerRecord().setBrokerId(brokerId).setBrokerEpoch(dead.epoch()), (short) 0));
        for (TopicImage topic : image.topics().topicsById().values()) {
            for (int number = 0; number < topic.partitions().size(); number++) {
                PartitionRegistration partition = topic.partitions().get(number);
                if (partition != null && partition.leader == brokerId) {
                    records.add(leader(topic, number, others.get(random.below(others.size()))));
                }
            }
        }
        return records;
    }

    private static ApiMessageAndVersion leader(TopicImage topic, int partition, int target) {
        return new ApiMessageAndVersion(
                new PartitionChangeRecord()
                        .setTopicId(topic.id())
                        .setPartitionId(partition)
                        .setReplicas(List.of(target))
                        .setIsr(List.of(target))
                        .setLeader(target),
                (short) 0);
    }
}
