// SPDX-License-Identifier: Apache-2.0
/**
 * Partitions: Kafka's log semantics (offsets, producers, epochs, timestamps) over a stream. {@code PartitionLogs} is the
 * registry that request handlers and coordinators use.
 */
@NullMarked
package io.freshet.broker.partition;

import org.jspecify.annotations.NullMarked;
