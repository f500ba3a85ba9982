// SPDX-License-Identifier: Apache-2.0
/**
 * This broker as a member of the cluster: it tells the active controller that it lives, and knows for how long it may act
 * as owner without hearing back. Runs on the scheduler and on the threads that answers come from; nothing blocks.
 */
@NullMarked
package io.freshet.broker.membership;

import org.jspecify.annotations.NullMarked;
