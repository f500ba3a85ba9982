// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import java.util.Optional;
import org.apache.kafka.common.TopicPartition;

/** The partitions that this broker owns and serves now. Safe for use by many threads; look-ups never block. */
public interface PartitionLogs {
    /** The partition if this broker is its leader and it has been opened; empty otherwise (NOT_LEADER_OR_FOLLOWER). */
    Optional<? extends PartitionLog> log(TopicPartition partition);

    /** Hears when a partition opens (leader) or closes (resigned, deleted), in order per partition, on the opener's thread. */
    void addLeadershipListener(LeadershipListener listener);

    /** Coordinators follow the leadership of their internal topics' partitions through this. */
    interface LeadershipListener {
        /** The partition can be read from start to high watermark and appended to. */
        void onOpened(PartitionLog log);

        void onClosed(TopicPartition partition, int leaderEpoch, boolean deleted);
    }
}
