// SPDX-License-Identifier: Apache-2.0
/** Producer ids for idempotent producers, given out from blocks that the quorum allots to this broker. */
@NullMarked
package io.freshet.broker.producerid;

import org.jspecify.annotations.NullMarked;
