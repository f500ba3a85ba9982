// SPDX-License-Identifier: Apache-2.0
/**
 * Planned moves, from the side of the broker that a partition leaves: it stops the partition, commits all that it has of it, and
 * names the new leader. Begin with {@link io.freshet.broker.handover.HandOvers}. Runs on one thread of its own; nothing blocks.
 */
@NullMarked
package io.freshet.broker.handover;

import org.jspecify.annotations.NullMarked;
