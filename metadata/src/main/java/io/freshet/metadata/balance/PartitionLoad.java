// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

import org.apache.kafka.common.Uuid;

/** What its leader has measured of one partition. */
public record PartitionLoad(Uuid topicId, int partition, Load load) {}
