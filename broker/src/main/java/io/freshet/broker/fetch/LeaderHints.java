// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fetch;

import io.freshet.metadata.MetadataNode;
import java.util.Map;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.PartitionRegistration;

/** Tells a client that asked the wrong broker which one to ask, so that it need not look up the metadata first. */
record LeaderHints(MetadataNode metadata) {
    static boolean isWanted(Errors error) {
        return error == Errors.NOT_LEADER_OR_FOLLOWER || error == Errors.FENCED_LEADER_EPOCH;
    }

    /** Adds the partition's leader, as far as known, to {@code answer}, and its address to {@code leaders}. */
    void add(
            TopicPartition partition,
            String listenerName,
            FetchResponseData.PartitionData answer,
            Map<Integer, Node> leaders) {
        MetadataImage image = metadata.image();
        TopicImage topic = image.topics().getTopic(partition.topic());
        PartitionRegistration registration =
                topic == null ? null : topic.partitions().get(partition.partition());
        if (registration == null) {
            return;
        }
        BrokerRegistration broker = image.cluster().broker(registration.leader);
        if (broker != null && broker.fenced()) {
            return; // Nobody serves the partition now: the client had better ask for metadata in a moment.
        }
        answer.currentLeader().setLeaderId(registration.leader).setLeaderEpoch(registration.leaderEpoch);
        if (broker != null) {
            broker.node(listenerName).ifPresent(node -> leaders.put(node.id(), node));
        }
    }
}
