// SPDX-License-Identifier: Apache-2.0
/**
 * Consumer groups: Kafka's own group coordinator over the partitions of {@code __consumer_offsets} that this broker leads.
 * {@link io.freshet.broker.group.GroupCoordination} is the entrance; the coordinator runs on its own threads.
 */
@NullMarked
package io.freshet.broker.group;

import org.jspecify.annotations.NullMarked;
