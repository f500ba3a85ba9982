// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.membership;

import io.freshet.broker.partition.PartitionLog;
import io.freshet.broker.partition.PartitionLogs;
import java.util.Optional;
import org.apache.kafka.common.TopicPartition;

/** The open partitions as long as the lease is held; none after that. Safe for use by many threads. */
public record LeasedPartitions(PartitionLogs open, Lease lease) implements PartitionLogs {
    @Override
    public Optional<? extends PartitionLog> log(TopicPartition partition) {
        return lease.isHeld() ? open.log(partition) : Optional.empty();
    }

    @Override
    public void addLeadershipListener(LeadershipListener listener) {
        open.addLeadershipListener(listener);
    }
}
