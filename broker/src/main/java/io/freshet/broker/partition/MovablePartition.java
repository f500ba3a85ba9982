// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import org.apache.kafka.common.TopicIdPartition;

/** An open partition as those see it who hand it over to another broker. */
public interface MovablePartition {
    TopicIdPartition id();

    /** The leader epoch under which it is open here. */
    int leaderEpoch();

    /** Takes no more appends; those that it has taken go on. False if it has failed, or is parked already. */
    boolean park();

    /** Of a parked partition: appends are better refused than kept, as it is not known when they will be taken. */
    void refuseParked();

    /** Takes appends again: the partition certainly was not handed over. */
    void unpark();

    /** Whether all that was appended is acknowledged, and committed in the quorum. */
    boolean isSettled();
}
