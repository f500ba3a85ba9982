// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import org.apache.kafka.common.Uuid;

/** A partition is to move from the live broker that leads it to {@code targetBrokerId}; its leader hands it over. */
public record MoveWish(Uuid topicId, int partition, int targetBrokerId) {
    /** The target of a wish that is no more. */
    public static final int NONE = -1;
}
