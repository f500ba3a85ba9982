// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.PartitionRegistration;

/**
 * Whether this process may serve a partition. A leader is named by its broker id, which a successor of this process shares: a
 * process that was paused, replaced, and goes on sees its successor's leader epochs, and must not take them for its own.
 * Immutable.
 *
 * @param brokerId this broker
 * @param brokerEpoch this process's registration, which images must have reached before they are asked about
 */
public record Ownership(int brokerId, long brokerEpoch) {
    /** Whether {@code image} knows this process as its broker: not a newer one of the same id, and not none. */
    public boolean isCurrent(MetadataImage image) {
        BrokerRegistration present = image.cluster().broker(brokerId);
        return present != null && present.epoch() == brokerEpoch;
    }

    /** Whether this process is the partition's leader. */
    public boolean owns(MetadataImage image, PartitionRegistration partition) {
        return partition.leader == brokerId && isCurrent(image);
    }

    @Override
    public String toString() {
        return "broker " + brokerId + " of epoch " + brokerEpoch;
    }
}
