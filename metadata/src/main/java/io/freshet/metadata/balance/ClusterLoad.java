// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

import java.util.List;
import org.apache.kafka.common.Uuid;
import org.jspecify.annotations.Nullable;

/**
 * What a plan starts from.
 *
 * @param brokers ascending by id; at least every one that takes part
 * @param partitions in any order; those of brokers that take no part may be left out
 */
public record ClusterLoad(List<Broker> brokers, List<Led> partitions) {
    public ClusterLoad {
        brokers = List.copyOf(brokers);
        partitions = List.copyOf(partitions);
    }

    /**
     * One broker.
     *
     * @param takesPart whether it may give and take partitions; the mean is that of those which do
     */
    public record Broker(int id, @Nullable String rack, boolean takesPart) {}

    /**
     * One partition and who leads it, or will once a move that is under way is done.
     *
     * @param isMovable whether it may move now
     */
    public record Led(
            Uuid topicId,
            String topic,
            int partition,
            int leader,
            Load load,
            boolean isMovable,
            List<Integer> replicas) {}
}
