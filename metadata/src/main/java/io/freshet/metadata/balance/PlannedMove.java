// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

import org.apache.kafka.common.Uuid;

/**
 * A partition that should be led by another broker.
 *
 * @param reason a sentence for operators
 */
public record PlannedMove(
        Uuid topicId, String topic, int partition, int fromBrokerId, int toBrokerId, Load load, String reason) {}
