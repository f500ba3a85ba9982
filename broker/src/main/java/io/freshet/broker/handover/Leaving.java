// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.handover;

import io.freshet.broker.partition.MovablePartition;
import io.freshet.metadata.ClusterController.PartitionHandOver;

/** An open partition that is to be led by {@code targetBrokerId}. */
record Leaving(MovablePartition partition, int targetBrokerId) {
    /** The command that moves it. */
    PartitionHandOver handOver() {
        return handOverTo(targetBrokerId);
    }

    /** The command that gives it to {@code brokerId}, from the leader epoch under which it is open here. */
    PartitionHandOver handOverTo(int brokerId) {
        return new PartitionHandOver(
                partition.id().topicId(), partition.id().partition(), partition.leaderEpoch(), brokerId);
    }
}
