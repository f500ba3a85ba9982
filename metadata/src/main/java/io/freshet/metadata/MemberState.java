// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import java.util.List;

/**
 * What the quorum keeps of a broker beside Kafka's registration; it outlives an unregistration.
 *
 * @param brokerEpoch the newest registration
 * @param isLapsed whether that registration's session is over, for good: its process has to register anew, and others may
 *     take over what it owned
 * @param isDrained whether the operator wants nothing on this broker
 * @param walLanes the WAL lanes that may hold records of this registration, the default first
 */
public record MemberState(int brokerId, long brokerEpoch, boolean isLapsed, boolean isDrained, List<String> walLanes) {
    /**
     * A broker's dynamic configuration of this name, {@code true}, says as well that the operator wants nothing on it, so that
     * any admin client can say and see it.
     */
    public static final String DRAINED_CONFIG = "broker.drained";

    public MemberState {
        walLanes = List.copyOf(walLanes);
    }

    public MemberState lapsed() {
        return new MemberState(brokerId, brokerEpoch, true, isDrained, walLanes);
    }

    public MemberState drained(boolean wanted) {
        return new MemberState(brokerId, brokerEpoch, isLapsed, wanted, walLanes);
    }
}
