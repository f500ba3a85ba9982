// SPDX-License-Identifier: Apache-2.0
/**
 * What clients do to the partitions that this broker leads: counted by the partitions ({@link io.freshet.broker.partition.LoadCounters}), averaged and reported to the
 * active controller on the scheduler, for balancing.
 */
@NullMarked
package io.freshet.broker.load;

import org.jspecify.annotations.NullMarked;
